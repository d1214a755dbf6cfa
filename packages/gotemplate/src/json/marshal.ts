/** Go's encoding/json for values: fields by their tags, sorted keys, `<`, `>` and `&` escaped, its error texts. */
import { compareStrings } from "@pharos/model";
import { formatFloat } from "../fmt/float.ts";
import { checkLength, checkValues, LimitReached } from "../text/bound.ts";
import { runes } from "../text/utf8.ts";
import { jsonTime, momentOf, TIME } from "../time/types.ts";
import { type Field, isFloat, isInt, isUint, type Method, type Type } from "../value/type.ts";
import type { Value } from "../value/value.ts";
import { compact } from "./compact.ts";

/** Nesting above this is taken for a value that holds itself, as in Go. */
const MAX_DEPTH = 1000;

/** Whether values of the type have JSON of their own. */
export function hasJson(type: Type): boolean {
  return type.method("MarshalJSON") !== undefined;
}

/** The value as JSON; undefined is null. Throws with Go's text for what JSON cannot say. */
export function marshal(value: Value | undefined): string {
  const encoder = new Encoder();
  encoder.write(value, 0);
  return encoder.out;
}

class Encoder {
  out = "";
  #values = 0;

  #put(text: string): void {
    this.out += text;
    checkLength(this.out.length);
  }

  write(value: Value | undefined, depth: number): void {
    checkValues(++this.#values);
    if (value === undefined) {
      this.#put("null");
      return;
    }
    const { kind, type } = value;
    if (depth > MAX_DEPTH) throw new Error(`json: unsupported value: encountered a cycle via ${type.name}`);
    if (kind === "interface") this.write(value.inner ?? undefined, depth + 1);
    else if (!this.#own(value)) this.#byKind(value, depth);
  }

  /** Through the value's own MarshalJSON or MarshalText; false when it has neither. */
  #own(value: Value): boolean {
    const json = methodOf(value, "MarshalJSON");
    const text = json ? undefined : methodOf(value, "MarshalText");
    if (!json && !text) return false;
    if (value.kind === "ptr" && value.isNil) {
      this.#put("null");
      return true;
    }
    try {
      // Not through bytes as values: most JSON of alerts is times.
      if (value.type === TIME) this.#put(`"${jsonTime(momentOf(value), "MarshalJSON")}"`);
      else if (json) this.#put(compact(bytesText(call(json, value))));
      else this.#put(jsonString(bytesText(call(text!, value))));
    } catch (error) {
      if (error instanceof LimitReached) throw error;
      const name = json ? "MarshalJSON" : "MarshalText";
      throw new Error(`json: error calling ${name} for type ${value.type.name}: ${(error as Error).message}`);
    }
    return true;
  }

  #byKind(value: Value, depth: number): void {
    const { kind, type } = value;
    if (kind === "bool") this.#put(String(value.v));
    else if (isInt(kind) || isUint(kind)) this.#put(String(value.int));
    else if (isFloat(kind)) this.#put(jsonNumber(value.float, kind === "float32" ? 32 : 64));
    else if (kind === "string") this.#put(jsonString(value.text));
    else if (kind === "ptr") this.write(value.inner ?? undefined, depth + 1);
    else if (kind === "struct") this.#struct(value, depth);
    else if (kind === "map") this.#map(value, depth);
    else if (kind === "slice" || kind === "array") this.#list(value, depth);
    else throw new Error(`json: unsupported type: ${type.name}`);
  }

  #struct(value: Value, depth: number): void {
    let separator = "{";
    value.items.forEach((item, i) => {
      const { name, omitEmpty } = jsonField(value.type.fields[i]);
      if (name === undefined || (omitEmpty && isEmpty(item))) return;
      this.#put(`${separator}${jsonString(name)}:`);
      if (value.addressable) item.addressable = true;
      this.write(item, depth + 1);
      separator = ",";
    });
    this.#put(separator === "{" ? "{}" : "}");
  }

  #map(value: Value, depth: number): void {
    const key = value.type.key!;
    if (key.kind !== "string" && !isInt(key.kind) && !isUint(key.kind) && !key.method("MarshalText")) {
      throw new Error(`json: unsupported type: ${value.type.name}`);
    }
    if (value.isNil) {
      this.#put("null");
      return;
    }
    const entries = value.map.sorted().map((entry) => ({ name: keyText(entry.key), value: entry.value }));
    entries.sort((a, b) => compareStrings(a.name, b.name));
    this.#put("{");
    entries.forEach((entry, i) => {
      this.#put(`${i > 0 ? "," : ""}${jsonString(entry.name)}:`);
      this.write(entry.value, depth + 1);
    });
    this.#put("}");
  }

  #list(value: Value, depth: number): void {
    if (value.kind === "slice" && value.isNil) {
      this.#put("null");
      return;
    }
    const elem = value.type.elem!;
    if (
      value.kind === "slice" &&
      elem.kind === "uint8" &&
      !hasJson(elem.pointer) &&
      !elem.pointer.method("MarshalText")
    ) {
      this.#put(`"${Uint8Array.from(value.items, (item) => Number(item.int)).toBase64()}"`);
      return;
    }
    this.#put("[");
    value.items.forEach((item, i) => {
      if (i > 0) this.#put(",");
      if (value.kind === "slice" || value.addressable) item.addressable = true;
      this.write(item, depth + 1);
    });
    this.#put("]");
  }
}

function methodOf(value: Value, name: string): Method | undefined {
  return value.type.method(name) ?? (value.addressable ? value.type.pointer.method(name) : undefined);
}

function call(method: Method, value: Value): Value | undefined {
  return method.call(value.kind === "ptr" && !method.pointer ? value.inner! : value, []);
}

/** Text of a []byte or string. */
function bytesText(value: Value | undefined): string {
  if (value?.kind === "string") return value.text;
  const bytes = Uint8Array.from(value?.items ?? [], (item) => Number(item.int));
  return new TextDecoder().decode(bytes);
}

function keyText(key: Value): string {
  if (key.kind === "string") return key.text;
  const method = key.type.method("MarshalText");
  return method ? bytesText(method.call(key, [])) : String(key.int);
}

/** By the field's tag; no name when it is not encoded. */
function jsonField({ name, tag }: Field): { name: string | undefined; omitEmpty: boolean } {
  if (!/^\p{Lu}/u.test(name) || tag === "-") return { name: undefined, omitEmpty: false };
  const [given, ...options] = (tag ?? "").split(",");
  return { name: given === "" ? name : given, omitEmpty: options.includes("omitempty") };
}

function isEmpty(value: Value): boolean {
  const { kind } = value;
  if (kind === "bool") return value.v === false;
  if (kind === "string") return value.text === "";
  if (isInt(kind) || isUint(kind)) return value.int === 0n;
  if (isFloat(kind)) return value.float === 0;
  if (kind === "slice" || kind === "array") return value.items.length === 0;
  if (kind === "map") return value.map.size === 0;
  return kind !== "struct" && value.isNil;
}

function jsonNumber(value: number, bits: 32 | 64): string {
  if (!Number.isFinite(value)) throw new Error(`json: unsupported value: ${formatFloat(value, "g", -1, bits)}`);
  const size = Math.abs(value);
  const small = bits === 64 ? size < 1e-6 : Math.fround(size) < Math.fround(1e-6);
  if (size === 0 || !(small || size >= 1e21)) return formatFloat(value, "f", -1, bits);
  // As JavaScript writes it: e-9, not e-09.
  return formatFloat(value, "e", -1, bits).replace(/e-0(\d)$/, "e-$1");
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/** A string in quotes that may stand in HTML. Bytes that are not UTF-8 become U+FFFD. */
export function jsonString(text: string): string {
  let escaped = text.replace(
    /[\0-\x1f"&<>\\\u2028\u2029]/g,
    (char) => ESCAPES[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  if (!escaped.isWellFormed()) {
    escaped = Array.from(runes(escaped), (rune) => (rune.raw === undefined ? rune.text : "\\ufffd")).join("");
  }
  return `"${escaped}"`;
}
