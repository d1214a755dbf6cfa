/** Go's fmt package: one value under one verb with its flags. */

import { checkLength, checkValues } from "../text/bound.ts";
import { canBackquote, isPrintable, quote, quoteRune } from "../text/quote.ts";
import { fromBytes, runeCount, toBytes } from "../text/utf8.ts";
import { isComplex, isFloat, isInt, isUint, type Type } from "../value/type.ts";
import { string, type Value } from "../value/value.ts";
import { formatFloat } from "./float.ts";

export interface Flags {
  width: number | undefined;
  precision: number | undefined;
  minus: boolean;
  plus: boolean;
  sharp: boolean;
  space: boolean;
  zero: boolean;
  /** %+v and %#v, which are verbs of their own. */
  plusV: boolean;
  sharpV: boolean;
}

export function noFlags(): Flags {
  return {
    width: undefined,
    precision: undefined,
    minus: false,
    plus: false,
    sharp: false,
    space: false,
    zero: false,
    plusV: false,
    sharpV: false,
  };
}

/** Whether values of the type print themselves (error, Stringer). */
export function hasText(type: Type): boolean {
  return type.method("Error") !== undefined || type.method("String") !== undefined;
}

/** Text of an error or Stringer; undefined for values that have neither method. */
export function stringerText(value: Value): string | undefined {
  const method = value.type.method("Error") ?? value.type.method("String");
  if (!method || method.params.length > 0) return undefined;
  // A method on a nil pointer would panic in Go, which fmt shows as <nil>; methods that allow nil say so by `pointer`.
  if (value.kind === "ptr" && value.isNil && !method.pointer) return "<nil>";
  const receiver = value.kind === "ptr" && !method.pointer ? value.inner! : value;
  return method.call(receiver, [])?.text ?? "";
}

let nextAddress = 0xc000010000;

/** Pointers have no address here; each gets a stable number that looks like Go's. */
function addressOf(value: Value): bigint {
  if (value.isNil) return 0n;
  const target = value.kind === "ptr" ? value.inner! : value;
  target.address ??= nextAddress += 16;
  return BigInt(target.address);
}

/** Maps and slices nest by reference only through pointers; this bounds the printing of a value that holds itself. */
const MAX_DEPTH = 200;

export class Formatter {
  readonly flags: Flags;
  out = "";
  #erroring = false;
  #values = 0;

  constructor(flags: Flags) {
    this.flags = flags;
  }

  /** An operand as `fmt.Printf` takes it; undefined is nil. */
  print(operand: Value | undefined, verb: string): void {
    const value = operand?.kind === "interface" ? (operand.inner ?? undefined) : operand;
    if (value === undefined) {
      if (verb === "T" || verb === "v") this.#pad("<nil>");
      else this.#bad(undefined, verb);
      return;
    }
    if (verb === "T") this.#string(value.type.name, "s", string(""));
    else if (verb === "p") this.#pointer(value, "p");
    else if (!this.#methods(value, verb)) this.#value(value, verb, 0);
  }

  #methods(value: Value, verb: string): boolean {
    if (this.#erroring) return false;
    if (verb === "w") {
      // Only an error that wraps another may be given so.
      this.#bad(value, verb);
      return true;
    }
    if (this.flags.sharpV) {
      const goString = value.type.method("GoString");
      if (!goString || (value.kind === "ptr" && value.isNil)) return false;
      this.#pad(goString.call(value.kind === "ptr" ? value.inner! : value, [])!.text);
      return true;
    }
    if (!"vsxXq".includes(verb)) return false;
    const text = stringerText(value);
    if (text === undefined) return false;
    this.#string(text, verb, value);
    return true;
  }

  #value(value: Value, verb: string, depth: number): void {
    if (depth > MAX_DEPTH) {
      this.out += "...";
      return;
    }
    checkValues(++this.#values);
    checkLength(this.out.length);
    if (depth > 0 && this.#methods(value, verb)) return;
    const { kind } = value;
    const { sharpV, plusV } = this.flags;
    if (kind === "bool") {
      if (verb === "t" || verb === "v") this.#pad(String(value.v));
      else this.#bad(value, verb);
    } else if (isInt(kind)) this.#integer(value.int, true, verb, value);
    else if (isUint(kind)) this.#integer(value.int, false, verb, value);
    else if (isFloat(kind)) this.#float(value.float, kind === "float32" ? 32 : 64, verb, value);
    else if (isComplex(kind)) this.#complex(value, verb);
    else if (kind === "string") this.#string(value.text, verb, value);
    else if (kind === "map") this.#map(value, verb, depth);
    else if (kind === "struct") {
      if (sharpV) this.out += value.type.name;
      this.out += "{";
      const items = value.type.hidden?.(value) ?? value.items;
      items.forEach((item, i) => {
        if (i > 0) this.out += sharpV ? ", " : " ";
        if ((plusV || sharpV) && value.type.fields[i]) this.out += `${value.type.fields[i].name}:`;
        this.#value(item.kind === "interface" && item.inner ? item.inner : item, verb, depth + 1);
      });
      this.out += "}";
    } else if (kind === "interface") {
      if (value.inner) this.#value(value.inner, verb, depth + 1);
      else this.out += sharpV ? `${value.type.name}(nil)` : "<nil>";
    } else if (kind === "slice" || kind === "array") this.#list(value, verb, depth);
    else if (kind === "ptr" && depth === 0 && value.inner && /^(array|slice|struct|map)$/.test(value.inner.kind)) {
      this.out += "&";
      this.#value(value.inner, verb, depth + 1);
    } else this.#pointer(value, verb);
  }

  #map(value: Value, verb: string, depth: number): void {
    const { sharpV } = this.flags;
    if (sharpV) {
      this.out += value.type.name;
      if (value.isNil) {
        this.out += "(nil)";
        return;
      }
      this.out += "{";
    } else this.out += "map[";
    value.map.sorted().forEach((entry, i) => {
      if (i > 0) this.out += sharpV ? ", " : " ";
      this.#value(entry.key, verb, depth + 1);
      this.out += ":";
      this.#value(entry.value, verb, depth + 1);
    });
    this.out += sharpV ? "}" : "]";
  }

  #list(value: Value, verb: string, depth: number): void {
    const { sharpV } = this.flags;
    if (value.type.elem!.kind === "uint8") {
      if ("sqxX".includes(verb)) {
        this.#string(fromBytes(Uint8Array.from(value.items, (item) => Number(item.int))), verb, value);
        return;
      }
      if (sharpV && verb === "v") {
        this.#bytesInGo(value);
        return;
      }
    }
    if (sharpV) {
      this.out += value.type.name;
      if (value.isNil) {
        this.out += "(nil)";
        return;
      }
    }
    this.out += sharpV ? "{" : "[";
    value.items.forEach((item, i) => {
      if (i > 0) this.out += sharpV ? ", " : " ";
      this.#value(item, verb, depth + 1);
    });
    this.out += sharpV ? "}" : "]";
  }

  /** `[]byte{0x68, 0x69}`. */
  #bytesInGo(value: Value): void {
    this.out += value.type.name === "[]uint8" ? "[]byte" : value.type.name;
    if (value.isNil) {
      this.out += "(nil)";
      return;
    }
    this.out += "{";
    value.items.forEach((item, i) => {
      if (i > 0) this.out += ", ";
      this.#integer(item.int, false, "v", item);
    });
    this.out += "}";
  }

  #bad(value: Value | undefined, verb: string): void {
    this.#erroring = true;
    this.out += `%!${verb}(`;
    if (value === undefined) this.out += "<nil>";
    else {
      this.out += `${value.type.name}=`;
      this.#value(value, "v", 0);
    }
    this.out += ")";
    this.#erroring = false;
  }

  #padding(count: number): string {
    return (this.flags.zero && !this.flags.minus ? "0" : " ").repeat(Math.max(count, 0));
  }

  #pad(text: string): void {
    const { width, minus } = this.flags;
    if (!width) {
      this.out += text;
      return;
    }
    const fill = this.#padding(width - runeCount(text));
    this.out += minus ? text + fill : fill + text;
  }

  #padWithSpaces(text: string): void {
    const { zero } = this.flags;
    this.flags.zero = false;
    this.#pad(text);
    this.flags.zero = zero;
  }

  #pointer(value: Value, verb: string): void {
    const { kind } = value;
    const hasAddress = kind === "ptr" || kind === "map" || kind === "slice" || kind === "func";
    if (!hasAddress) {
      this.#bad(value, verb);
      return;
    }
    const address = addressOf(value);
    if (verb === "v") {
      if (this.flags.sharpV) {
        this.out += `(${value.type.name})(${address === 0n ? "nil" : `0x${address.toString(16)}`})`;
      } else if (address === 0n) this.#pad("<nil>");
      else this.#address(address);
    } else if (verb === "p") this.#address(address);
    else if ("bodxX".includes(verb)) this.#integer(address, false, verb, value);
    else this.#bad(value, verb);
  }

  #address(address: bigint): void {
    const { sharp } = this.flags;
    this.flags.sharp = !sharp;
    this.#digits(address, 16, "v", false);
    this.flags.sharp = sharp;
  }

  #integer(value: bigint, signed: boolean, verb: string, operand: Value): void {
    switch (verb) {
      case "v":
        if (this.flags.sharpV && !signed) {
          const { sharp } = this.flags;
          this.flags.sharp = true;
          this.#digits(value, 16, verb, false);
          this.flags.sharp = sharp;
        } else this.#digits(value, 10, verb, false);
        return;
      case "d":
        this.#digits(value, 10, verb, false);
        return;
      case "b":
        this.#digits(value, 2, verb, false);
        return;
      case "o":
      case "O":
        this.#digits(value, 8, verb, false);
        return;
      case "x":
        this.#digits(value, 16, verb, false);
        return;
      case "X":
        this.#digits(value, 16, verb, true);
        return;
      case "c":
        this.#pad(runeText(value));
        return;
      case "q":
        this.#pad(quoteRune(value, this.flags.plus));
        return;
      case "U":
        this.#unicode(value);
        return;
    }
    this.#bad(operand, verb);
  }

  #digits(value: bigint, base: number, verb: string, upper: boolean): void {
    const { flags } = this;
    const negative = value < 0n;
    let precision = 0;
    if (flags.precision !== undefined) {
      precision = flags.precision;
      if (precision === 0 && value === 0n) {
        this.out += " ".repeat(flags.width ?? 0);
        return;
      }
    } else if (flags.zero && !flags.minus && flags.width !== undefined) {
      precision = flags.width - (negative || flags.plus || flags.space ? 1 : 0);
    }
    let text = (negative ? -value : value).toString(base).padStart(precision, "0");
    if (upper) text = text.toUpperCase();
    if (flags.sharp) {
      if (base === 2) text = `0b${text}`;
      else if (base === 8 && !text.startsWith("0")) text = `0${text}`;
      else if (base === 16) text = `${upper ? "0X" : "0x"}${text}`;
    }
    if (verb === "O") text = `0o${text}`;
    const sign = negative ? "-" : flags.plus ? "+" : flags.space ? " " : "";
    this.#padWithSpaces(sign + text);
  }

  #unicode(value: bigint): void {
    const code = BigInt.asUintN(64, value);
    const digits = code
      .toString(16)
      .toUpperCase()
      .padStart(Math.max(this.flags.precision ?? 4, 4), "0");
    let text = `U+${digits}`;
    if (this.flags.sharp && code <= 0x10ffffn && isPrintable(runeText(code))) text += ` '${runeText(code)}'`;
    this.#padWithSpaces(text);
  }

  #float(value: number, bits: 32 | 64, verb: string, operand: Value): void {
    if (verb === "v") this.#number(value, bits, "g", -1);
    else if ("eEfF".includes(verb)) this.#number(value, bits, verb === "F" ? "f" : verb, 6);
    else if ("bgGxX".includes(verb)) this.#number(value, bits, verb, -1);
    else this.#bad(operand, verb);
  }

  #complex(value: Value, verb: string): void {
    if (!"vbgGxXfFeE".includes(verb)) {
      this.#bad(value, verb);
      return;
    }
    const bits = value.kind === "complex64" ? 32 : 64;
    const { plus } = this.flags;
    this.out += "(";
    this.#float(value.complex.re, bits, verb, value);
    this.flags.plus = true;
    this.#float(value.complex.im, bits, verb, value);
    this.flags.plus = plus;
    this.out += "i)";
  }

  #number(value: number, bits: 32 | 64, verb: string, defaultPrecision: number): void {
    const { flags } = this;
    const precision = flags.precision ?? defaultPrecision;
    let text = formatFloat(value, verb, precision, bits);
    if (text[0] !== "-" && text[0] !== "+") text = `+${text}`;
    if (flags.space && text[0] === "+" && !flags.plus) text = ` ${text.slice(1)}`;
    if (text[1] === "I" || text[1] === "N") {
      this.#padWithSpaces(text[1] === "N" && !flags.space && !flags.plus ? text.slice(1) : text);
      return;
    }
    if (flags.sharp && verb !== "b") text = withPoint(text, verb, precision);
    if (!flags.plus && text[0] === "+") {
      this.#pad(text.slice(1));
      return;
    }
    // Zeros go between the sign and the digits.
    if (flags.zero && !flags.minus && flags.width !== undefined && flags.width > text.length) {
      this.out += text[0] + this.#padding(flags.width - text.length) + text.slice(1);
    } else this.#pad(text);
  }

  #truncate(text: string): string {
    const { precision } = this.flags;
    if (precision === undefined || text.length <= precision) return text;
    let end = 0;
    for (let count = 0; count < precision && end < text.length; count++) {
      end += text.codePointAt(end)! > 0xffff ? 2 : 1;
    }
    return text.slice(0, end);
  }

  #string(text: string, verb: string, operand: Value): void {
    const { flags } = this;
    switch (verb) {
      case "v":
        if (flags.sharpV) this.#quoted(text);
        else this.#pad(this.#truncate(text));
        return;
      case "s":
        this.#pad(this.#truncate(text));
        return;
      case "x":
      case "X":
        this.#hexString(text, verb === "X");
        return;
      case "q":
        this.#quoted(text);
        return;
    }
    this.#bad(operand, verb);
  }

  #quoted(text: string): void {
    const cut = this.#truncate(text);
    if (this.flags.sharp && canBackquote(cut)) this.#pad(`\`${cut}\``);
    else this.#pad(quote(cut, this.flags.plus));
  }

  #hexString(text: string, upper: boolean): void {
    const { sharp, space, precision } = this.flags;
    let bytes = toBytes(text);
    if (precision !== undefined && precision < bytes.length) bytes = bytes.subarray(0, precision);
    const prefix = sharp ? (upper ? "0X" : "0x") : "";
    const digits = upper ? bytes.toHex().toUpperCase() : bytes.toHex();
    if (digits === "") this.#pad("");
    else
      this.#pad(space ? digits.replace(/(..)(?!$)/g, `${prefix}$1 `).replace(/..$/, `${prefix}$&`) : prefix + digits);
  }
}

function runeText(code: bigint): string {
  const valid = code >= 0n && code <= 0x10ffffn && !(code >= 0xd800n && code <= 0xdfffn);
  return String.fromCodePoint(valid ? Number(code) : 0xfffd);
}

/** The # flag: always a decimal point, and for g the trailing zeros up to the precision. */
function withPoint(text: string, verb: string, precision: number): string {
  let digits = "gGx".includes(verb) ? (precision === -1 ? 6 : precision) : 0;
  const tailAt = text.search("xX".includes(verb) ? /[pP]/ : /[eEpP]/);
  const tail = tailAt < 0 ? "" : text.slice(tailAt);
  let number = tailAt < 0 ? text : text.slice(0, tailAt);
  let sawNonZero = false;
  for (const char of number.slice(1)) {
    if (char === ".") continue;
    if (char !== "0") sawNonZero = true;
    if (sawNonZero) digits--;
  }
  if (!number.includes(".")) {
    if (number.length === 2 && number[1] === "0") digits--;
    number += ".";
  }
  return number + "0".repeat(Math.max(digits, 0)) + tail;
}
