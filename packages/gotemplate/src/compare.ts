/** eq, ne, lt, le, gt, ge: Go's comparison of basic kinds. An int never compares with a float. */
import { compareStrings } from "@pharos/model";
import { sprintf } from "./fmt/print.ts";
import { isComplex, isFloat, isInt, isUint } from "./value/type.ts";
import { type Opaque, unbox, type Value } from "./value/value.ts";

type Basic = "bool" | "complex" | "int" | "uint" | "float" | "string";

function basicKind(value: Value | undefined): Basic {
  const kind = value?.kind;
  if (kind === "bool" || kind === "string") return kind;
  if (kind && isInt(kind)) return "int";
  if (kind && isUint(kind)) return "uint";
  if (kind && isFloat(kind)) return "float";
  if (kind && isComplex(kind)) return "complex";
  throw new Error("invalid type for comparison");
}

const INCOMPATIBLE = "incompatible types for comparison";

function kindOrUndefined(value: Value | undefined): Basic | undefined {
  try {
    return basicKind(value);
  } catch {
    return undefined;
  }
}

/** Whether `first` equals any of the others. */
export function equal(first: Value | undefined, others: readonly (Value | undefined)[]): boolean {
  const a = unbox(first);
  if (others.length === 0) throw new Error("missing argument for comparison");
  const aKind = kindOrUndefined(a);
  return others.some((other) => {
    const b = unbox(other);
    const bKind = kindOrUndefined(b);
    if (aKind !== bKind) {
      if ((aKind === "int" && bKind === "uint") || (aKind === "uint" && bKind === "int")) return a!.int === b!.int;
      if (a !== undefined && b !== undefined) throw new Error(INCOMPATIBLE);
      return false;
    }
    if (aKind !== undefined) return sameBasic(aKind, a!, b!);
    if (!canCompare(a, b)) {
      // Value and type, then type and value: so is Go's text.
      throw new Error(`non-comparable types ${describe(a)}, ${b!.type.name}: ${sprintf("%v", [b])}`);
    }
    if (a === undefined || b === undefined || a.isNil || b.isNil) return isNil(a) === isNil(b);
    if (!isComparable(b)) throw new Error(`non-comparable type ${describe(b)}`);
    return sameValue(a, b);
  });
}

function sameBasic(kind: Basic, a: Value, b: Value): boolean {
  return kind === "complex" ? a.complex.re === b.complex.re && a.complex.im === b.complex.im : a.v === b.v;
}

function describe(value: Value | undefined): string {
  if (value === undefined) return "<nil>";
  return `${sprintf("%s", [value])}: ${value.type.name}`;
}

function isNil(value: Value | undefined): boolean {
  return value === undefined || value.isNil;
}

function canCompare(a: Value | undefined, b: Value | undefined): boolean {
  if (a === undefined || b === undefined) return true;
  return a.type === b.type || a.type.name === b.type.name;
}

function isComparable(value: Value): boolean {
  if (value.kind === "slice" || value.kind === "map" || value.kind === "func") return false;
  if (value.kind === "struct" || value.kind === "array") return value.items.every(isComparable);
  return true;
}

function sameValue(a: Value, b: Value): boolean {
  if (a.kind === "interface" || b.kind === "interface") {
    const [x, y] = [unbox(a), unbox(b)];
    return x === undefined || y === undefined ? x === y : x.type.name === y.type.name && sameValue(x, y);
  }
  if (a.kind === "struct" && !Array.isArray(a.v)) return (a.v as Opaque).equals(b.v);
  if (a.kind === "struct" || a.kind === "array") return a.items.every((item, i) => sameValue(item, b.items[i]));
  if (isComplex(a.kind)) return sameBasic("complex", a, b);
  return a.v === b.v;
}

/** Order of two basic values; "unordered" where one is NaN. */
export function compare(first: Value | undefined, second: Value | undefined): "less" | "equal" | "more" | "unordered" {
  const a = unbox(first);
  const b = unbox(second);
  const aKind = basicKind(a);
  const bKind = basicKind(b);
  const mixed = (aKind === "int" && bKind === "uint") || (aKind === "uint" && bKind === "int");
  if (aKind !== bKind && !mixed) throw new Error(INCOMPATIBLE);
  if (aKind === "bool" || aKind === "complex") throw new Error("invalid type for comparison");
  if (aKind === "string") {
    const order = compareStrings(a!.text, b!.text);
    return order < 0 ? "less" : order > 0 ? "more" : "equal";
  }
  const [x, y] = [a!.v as bigint | number, b!.v as bigint | number];
  return x < y ? "less" : x > y ? "more" : x === y ? "equal" : "unordered";
}
