/** Go's types, as far as templates can see them: kinds, names (for messages), elements, fields and method tables. */
import type { Value } from "./value.ts";

export type Kind =
  | "bool"
  | "int"
  | "int8"
  | "int16"
  | "int32"
  | "int64"
  | "uint"
  | "uint8"
  | "uint16"
  | "uint32"
  | "uint64"
  | "uintptr"
  | "float32"
  | "float64"
  | "complex64"
  | "complex128"
  | "string"
  | "slice"
  | "array"
  | "map"
  | "struct"
  | "ptr"
  | "interface"
  | "func"
  /** A parameter that takes a value as it is, without conversion (reflect.Value). */
  | "any value";

export interface Field {
  name: string;
  type: Type;
  /** As in a `json:"…"` tag: `name`, `name,omitempty`, `-`. */
  tag?: string;
}

export interface Signature {
  params: readonly Type[];
  /** The last parameter's type is then that of one of the surplus arguments. */
  variadic: boolean;
  result: Type;
}

/** A Go function or method. It fails by throwing; the message becomes `error calling NAME: …`. */
export interface GoFunc extends Signature {
  call(args: (Value | undefined)[]): Value | undefined;
}

export interface Method extends Signature {
  call(receiver: Value, args: (Value | undefined)[]): Value | undefined;
  /** Defined on *T only. */
  pointer?: boolean;
}

export class Type {
  readonly kind: Kind;
  /** As Go spells it in messages: `[]string`, `template.Data`, `interface {}`. */
  readonly name: string;
  readonly elem: Type | undefined;
  readonly key: Type | undefined;
  /** Struct fields in order. */
  readonly fields: readonly Field[];
  readonly methods: ReadonlyMap<string, Method> = new Map();
  /** Names an interface demands. */
  readonly demands: readonly string[];
  /** Of a function that `range` may walk: how many values each turn gives (iter.Seq, iter.Seq2). */
  readonly sequence: 1 | 2 | undefined;
  /** Private fields of a struct without visible ones, for printing. */
  readonly hidden: ((value: Value) => readonly Value[]) | undefined;
  #pointer: Type | undefined;
  #slice: Type | undefined;

  constructor(
    kind: Kind,
    name: string,
    parts: {
      elem?: Type;
      key?: Type;
      fields?: readonly Field[];
      methods?: Record<string, Method>;
      demands?: readonly string[];
      sequence?: 1 | 2;
      hidden?: (value: Value) => readonly Value[];
    } = {},
  ) {
    this.kind = kind;
    this.name = name;
    this.elem = parts.elem;
    this.key = parts.key;
    this.fields = parts.fields ?? [];
    this.define(parts.methods ?? {});
    this.demands = parts.demands ?? [];
    this.sequence = parts.sequence;
    this.hidden = parts.hidden;
  }

  /** Adds methods; apart from the constructor because methods often mention their own type. */
  define(methods: Record<string, Method>): this {
    for (const [name, method] of Object.entries(methods)) (this.methods as Map<string, Method>).set(name, method);
    return this;
  }

  get pointer(): Type {
    this.#pointer ??= new Type("ptr", `*${this.name}`, { elem: this });
    return this.#pointer;
  }

  get slice(): Type {
    this.#slice ??= new Type("slice", `[]${this.name}`, { elem: this });
    return this.#slice;
  }

  /** Method of a value of this type; for a pointer those of its element as well. */
  method(name: string): Method | undefined {
    if (this.kind === "ptr") return this.elem!.methods.get(name);
    const method = this.methods.get(name);
    return method?.pointer ? undefined : method;
  }

  /** Whether Go declares the type by a name of its own (`type Pairs []Pair`). */
  get isNamed(): boolean {
    return !/^(\[|map\[|\*|func\(|interface \{|struct \{)/.test(this.name);
  }

  assignableTo(target: Type): boolean {
    if (this === target) return true;
    if (target.kind === "interface") return target.demands.every((name) => this.method(name) !== undefined);
    if (this.name === target.name) return true;
    // Identical underlying types are assignable when one of them has no name of its own.
    if (this.kind !== target.kind || (this.isNamed && target.isNamed)) return false;
    if (this.kind === "slice" || this.kind === "array" || this.kind === "ptr") {
      return this.elem!.name === target.elem!.name;
    }
    return this.kind === "map" && this.elem!.name === target.elem!.name && this.key!.name === target.key!.name;
  }
}

const basic = (kind: Kind): Type => new Type(kind, kind);
export const BOOL = basic("bool");
export const INT = basic("int");
export const INT8 = basic("int8");
export const INT16 = basic("int16");
export const INT32 = basic("int32");
export const INT64 = basic("int64");
export const UINT = basic("uint");
export const UINT8 = basic("uint8");
export const UINT16 = basic("uint16");
export const UINT32 = basic("uint32");
export const UINT64 = basic("uint64");
export const UINTPTR = basic("uintptr");
export const FLOAT32 = basic("float32");
export const FLOAT64 = basic("float64");
export const COMPLEX64 = basic("complex64");
export const COMPLEX128 = basic("complex128");
export const STRING = basic("string");
export const ANY = new Type("interface", "interface {}");
export const ERROR = new Type("interface", "error", { demands: ["Error"] });
/** Type of parameters that take any value without conversion; never the type of a value. */
export const ANY_VALUE = new Type("any value", "reflect.Value");

const maps = new Map<string, Type>();
export function mapOf(key: Type, elem: Type): Type {
  const name = `map[${key.name}]${elem.name}`;
  let type = maps.get(name);
  if (!type) maps.set(name, (type = new Type("map", name, { key, elem })));
  return type;
}

export function arrayOf(length: number, elem: Type): Type {
  return new Type("array", `[${length}]${elem.name}`, { elem });
}

export function funcOf(signature: Signature): Type {
  const params = signature.params.map((type, i) =>
    signature.variadic && i === signature.params.length - 1 ? `...${type.name}` : type.name,
  );
  return new Type("func", `func(${params.join(", ")}) ${signature.result.name}`);
}

/** Go's iter.Seq[elem], or iter.Seq2[key, elem]. */
export function sequenceOf(elem: Type, key?: Type): Type {
  return key
    ? new Type("func", `iter.Seq2[${key.name},${elem.name}]`, { elem, key, sequence: 2 })
    : new Type("func", `iter.Seq[${elem.name}]`, { elem, sequence: 1 });
}

export function isInt(kind: Kind): boolean {
  return kind === "int" || kind === "int8" || kind === "int16" || kind === "int32" || kind === "int64";
}

export function isUint(kind: Kind): boolean {
  return kind.startsWith("uint");
}

export function isFloat(kind: Kind): boolean {
  return kind === "float32" || kind === "float64";
}

export function isComplex(kind: Kind): boolean {
  return kind === "complex64" || kind === "complex128";
}

export function canBeNil(type: Type): boolean {
  return (
    type.kind === "ptr" ||
    type.kind === "interface" ||
    type.kind === "map" ||
    type.kind === "slice" ||
    type.kind === "func"
  );
}
