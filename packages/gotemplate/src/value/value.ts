/**
 * A Go value as reflection sees it: a type and, by kind,
 *
 *     bool        boolean                   struct      Value[] in the order of the type's fields
 *     int*, uint* bigint                    slice       Value[] or null
 *     float*      number                    array       Value[]
 *     complex*    { re, im }                map         GoMap or null
 *     string      string (see text/utf8.ts) ptr         the Value pointed at, or null
 *     func        GoFunc or null            interface   the Value inside, or null
 *     func of a sequence type: a function that gives the values of each turn
 *
 * A struct whose fields templates cannot see (time.Time) may hold any object with `equals`.
 *
 * `undefined` in place of a Value is Go's invalid reflect.Value: a missing map key, an untyped nil.
 */
import { compareStrings } from "@pharos/model";
import {
  ANY,
  BOOL,
  COMPLEX128,
  FLOAT64,
  funcOf,
  type GoFunc,
  INT,
  isComplex,
  isFloat,
  isInt,
  isUint,
  mapOf,
  STRING,
  type Type,
} from "./type.ts";

/** Content of a struct without visible fields. */
export interface Opaque {
  equals(other: unknown): boolean;
}

export interface Complex {
  re: number;
  im: number;
}

export class Value {
  readonly type: Type;
  readonly v: unknown;
  /** Reached through a pointer or a slice: methods of *T may be called on it. */
  addressable = false;
  /** Of a slice: elements beyond its length, up to its capacity. */
  spare: readonly Value[] = [];
  /** Pseudo address for %p, given on first use. */
  address: number | undefined;

  constructor(type: Type, v: unknown) {
    this.type = type;
    this.v = v;
  }

  get kind(): Type["kind"] {
    return this.type.kind;
  }

  get text(): string {
    return this.v as string;
  }

  get int(): bigint {
    return this.v as bigint;
  }

  get float(): number {
    return this.v as number;
  }

  get complex(): Complex {
    return this.v as Complex;
  }

  /** Elements of a slice, array or struct; none for a nil slice. */
  get items(): readonly Value[] {
    return Array.isArray(this.v) ? (this.v as readonly Value[]) : [];
  }

  get map(): GoMap {
    return (this.v as GoMap | null) ?? EMPTY_MAP;
  }

  get func(): GoFunc | null {
    return this.v as GoFunc | null;
  }

  /** What `range` walks when this is a function of a sequence type that is not nil. */
  get sequence(): (() => Iterable<readonly Value[]>) | undefined {
    return this.type.sequence === undefined ? undefined : ((this.v ?? undefined) as () => Iterable<readonly Value[]>);
  }

  /** What a pointer or interface holds. */
  get inner(): Value | null {
    return this.v as Value | null;
  }

  get isNil(): boolean {
    return this.v === null;
  }

  field(name: string): Value | undefined {
    const index = this.type.fields.findIndex((field) => field.name === name);
    if (index < 0) return undefined;
    const value = this.items[index];
    if (this.addressable) value.addressable = true;
    return value;
  }
}

type MapKey = string | number | bigint | boolean | object;

/** A Go map: keys are unique by Go equality, walked in sorted order. */
export class GoMap {
  readonly #entries = new Map<MapKey, { key: Value; value: Value }>();

  static #id(key: Value): MapKey {
    if (key.kind === "interface") {
      const inner = key.inner;
      return inner === null ? "nil" : `${inner.type.name}\0${String(GoMap.#id(inner))}`;
    }
    if (key.kind === "struct" || key.kind === "array") return JSON.stringify(key.items.map((item) => String(item.v)));
    return key.v as MapKey;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: Value): Value | undefined {
    return this.#entries.get(GoMap.#id(key))?.value;
  }

  set(key: Value, value: Value): this {
    this.#entries.set(GoMap.#id(key), { key, value });
    return this;
  }

  /** In the order Go prints and ranges over maps: numbers by value (NaN first), strings by bytes, false before true. */
  sorted(): { key: Value; value: Value }[] {
    return [...this.#entries.values()].sort((a, b) => compareKeys(a.key, b.key));
  }
}

const EMPTY_MAP = new GoMap();

function compareKeys(a: Value, b: Value): number {
  if (a.kind === "interface" && b.kind === "interface") {
    if (a.inner === null || b.inner === null) return a.inner === b.inner ? 0 : a.inner === null ? -1 : 1;
    return a.inner.type === b.inner.type
      ? compareKeys(a.inner, b.inner)
      : compareStrings(a.inner.type.name, b.inner.type.name);
  }
  if (a.kind === "string") return compareStrings(a.text, b.text);
  if (a.kind === "struct" || a.kind === "array") {
    for (let i = 0; i < a.items.length; i++) {
      const order = compareKeys(a.items[i], b.items[i]);
      if (order !== 0) return order;
    }
    return 0;
  }
  if (isFloat(a.kind)) {
    const [x, y] = [a.float, b.float];
    if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) ? (Number.isNaN(y) ? 0 : -1) : 1;
    return x - y;
  }
  const [x, y] = [a.v as bigint | boolean, b.v as bigint | boolean];
  return x < y ? -1 : x > y ? 1 : 0;
}

export function string(text: string): Value {
  return new Value(STRING, text);
}

export function bool(v: boolean): Value {
  return new Value(BOOL, v);
}

export function int(v: number | bigint): Value {
  return new Value(INT, BigInt(v));
}

export function float(v: number): Value {
  return new Value(FLOAT64, v);
}

export function complex(re: number, im: number): Value {
  return new Value(COMPLEX128, { re, im });
}

export function sliceOf(elem: Type, items: readonly Value[] | null): Value {
  return new Value(elem.slice, items);
}

export function pointerTo(value: Value): Value {
  value.addressable = true;
  return new Value(value.type.pointer, value);
}

export function func(v: GoFunc): Value {
  return new Value(funcOf(v), v);
}

/** The value as an element of a container of interfaces. */
export function boxed(value: Value | undefined, type: Type = ANY): Value {
  if (value === undefined) return new Value(type, null);
  return value.kind === "interface" ? new Value(type, value.inner) : new Value(type, value);
}

export function stringMap(entries: Iterable<readonly [string, string]>, type = STRING_MAP): Value {
  const map = new GoMap();
  for (const [key, value] of entries) map.set(string(key), string(value));
  return new Value(type, map);
}

export const STRING_MAP = mapOf(STRING, STRING);
export const ANY_MAP = mapOf(STRING, ANY);

const zeros = new Map<Type, Value>();

/** The zero value of a type. Shared, but for types whose values may be given an address that their methods want. */
export function zero(type: Type): Value {
  if (type.methods.size > 0 || type.kind === "struct" || type.kind === "array") return new Value(type, zeroOf(type));
  let value = zeros.get(type);
  if (!value) zeros.set(type, (value = new Value(type, zeroOf(type))));
  return value;
}

function zeroOf(type: Type): unknown {
  const { kind } = type;
  if (kind === "bool") return false;
  if (kind === "string") return "";
  if (isInt(kind) || isUint(kind)) return 0n;
  if (isFloat(kind)) return 0;
  if (isComplex(kind)) return { re: 0, im: 0 };
  if (kind === "struct") return type.fields.map((field) => zero(field.type));
  if (kind === "array") {
    const length = Number(/^\[(\d+)\]/.exec(type.name)?.[1] ?? 0);
    return Array.from({ length }, () => zero(type.elem!));
  }
  return null;
}

/**
 * A value from JavaScript data: string, number (float64), bigint (int), boolean, null (nil), Array ([]interface {}),
 * Map or plain object (map[string]interface {}). A Value stays as it is.
 */
export function fromJs(data: unknown): Value | undefined {
  if (data instanceof Value) return data;
  switch (typeof data) {
    case "string":
      return string(data);
    case "number":
      return float(data);
    case "bigint":
      return int(data);
    case "boolean":
      return bool(data);
    case "undefined":
      return undefined;
    case "object": {
      if (data === null) return undefined;
      if (Array.isArray(data))
        return sliceOf(
          ANY,
          data.map((item) => boxed(fromJs(item))),
        );
      // A Date or RegExp would be an empty map.
      if (!(data instanceof Map) && Object.prototype.toString.call(data) !== "[object Object]") {
        throw new Error(`no Go value for a JavaScript ${Object.prototype.toString.call(data).slice(8, -1)}`);
      }
      const map = new GoMap();
      const entries = data instanceof Map ? data : Object.entries(data);
      for (const [key, value] of entries) map.set(string(String(key)), boxed(fromJs(value)));
      return new Value(ANY_MAP, map);
    }
    default:
      throw new Error(`no Go value for a JavaScript ${typeof data}`);
  }
}

/** Go's indirection: through pointers and interfaces to what they hold; a nil one is returned itself with `isNil`. */
export function indirect(value: Value | undefined): { value: Value | undefined; isNil: boolean } {
  let current = value;
  while (current && (current.kind === "ptr" || current.kind === "interface")) {
    const inner: Value | null = current.inner;
    if (inner === null) return { value: current, isNil: true };
    current = inner;
  }
  return { value: current, isNil: false };
}

/** What an interface holds (undefined for nil); any other value is returned as it is. */
export function unbox(value: Value | undefined): Value | undefined {
  return value?.kind === "interface" ? (value.inner ?? undefined) : value;
}

/** Go templates' notion of truth. */
export function isTrue(value: Value | undefined): boolean {
  if (value === undefined) return false;
  const { kind } = value;
  if (kind === "interface") return isTrue(value.inner ?? undefined);
  if (kind === "bool") return value.v as boolean;
  if (kind === "string") return value.text !== "";
  if (kind === "slice" || kind === "array") return value.items.length > 0;
  if (kind === "map") return value.map.size > 0;
  if (kind === "struct") return true;
  if (isFloat(kind)) return value.float !== 0;
  if (isComplex(kind)) return value.complex.re !== 0 || value.complex.im !== 0;
  if (isInt(kind) || isUint(kind)) return value.int !== 0n;
  return !value.isNil;
}
