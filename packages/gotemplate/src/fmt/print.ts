/** Go's fmt.Sprint, Sprintln and Sprintf. */
import { checkLength } from "../text/bound.ts";
import { isInt, isUint } from "../value/type.ts";
import { unbox, type Value } from "../value/value.ts";
import { type Flags, Formatter, noFlags } from "./verbs.ts";

/** Widths and precisions above this are refused, as in Go. */
const MAX_NUMBER = 1e6;

function one(value: Value | undefined, verb: string, flags: Flags = noFlags()): string {
  const formatter = new Formatter(flags);
  formatter.print(value, verb);
  return formatter.out;
}

/** As `%v` prints it. */
export function printValue(value: Value | undefined): string {
  return one(value, "v");
}

/** A space only between two operands neither of which is a string. */
export function sprint(args: readonly (Value | undefined)[]): string {
  let out = "";
  let previousIsString = false;
  args.forEach((arg, i) => {
    const isString = unbox(arg)?.kind === "string";
    if (i > 0 && !isString && !previousIsString) out += " ";
    out += one(arg, "v");
    checkLength(out.length);
    previousIsString = isString;
  });
  return out;
}

export function sprintln(args: readonly (Value | undefined)[]): string {
  let out = "";
  args.forEach((arg, i) => {
    out += (i > 0 ? " " : "") + one(arg, "v");
    checkLength(out.length);
  });
  return `${out}\n`;
}

class Format {
  readonly #format: string;
  readonly #args: readonly (Value | undefined)[];
  #i = 0;
  #arg = 0;
  #reordered = false;
  #goodIndex = true;
  #afterIndex = false;

  constructor(format: string, args: readonly (Value | undefined)[]) {
    this.#format = format;
    this.#args = args;
  }

  run(): string {
    const format = this.#format;
    let out = "";
    while (this.#i < format.length) {
      const percent = format.indexOf("%", this.#i);
      if (percent < 0) {
        out += format.slice(this.#i);
        break;
      }
      out += format.slice(this.#i, percent);
      this.#i = percent + 1;
      out += this.#directive();
      checkLength(out.length);
    }
    if (!this.#reordered && this.#arg < this.#args.length) {
      out += "%!(EXTRA ";
      this.#args.slice(this.#arg).forEach((arg, i) => {
        const value = unbox(arg);
        out += (i > 0 ? ", " : "") + (value === undefined ? "<nil>" : `${value.type.name}=${one(value, "v")}`);
        checkLength(out.length);
      });
      out += ")";
    }
    return out;
  }

  #directive(): string {
    const flags = noFlags();
    const format = this.#format;
    this.#goodIndex = true;
    this.#afterIndex = false;
    let problems = "";
    for (; this.#i < format.length; this.#i++) {
      const char = format[this.#i];
      if (char === "#") flags.sharp = true;
      else if (char === "0") flags.zero = true;
      else if (char === "+") flags.plus = true;
      else if (char === "-") flags.minus = true;
      else if (char === " ") flags.space = true;
      else break;
    }
    this.#argumentIndex();
    if (format[this.#i] === "*") {
      this.#i++;
      const width = this.#intArgument();
      if (width === undefined) problems += "%!(BADWIDTH)";
      else {
        flags.width = Math.abs(width);
        if (width < 0) flags.minus = true;
      }
      this.#afterIndex = false;
    } else {
      flags.width = this.#number();
      if (this.#afterIndex && flags.width !== undefined) this.#goodIndex = false;
    }
    if (format[this.#i] === "." && this.#i + 1 < format.length) {
      this.#i++;
      if (this.#afterIndex) this.#goodIndex = false;
      this.#argumentIndex();
      if (format[this.#i] === "*") {
        this.#i++;
        const precision = this.#intArgument();
        if (precision === undefined || precision < 0) problems += "%!(BADPREC)";
        else flags.precision = precision;
        this.#afterIndex = false;
      } else flags.precision = this.#number() ?? 0;
    }
    if (!this.#afterIndex) this.#argumentIndex();
    const code = format.codePointAt(this.#i);
    if (code === undefined) return `${problems}%!(NOVERB)`;
    const verb = String.fromCodePoint(code);
    this.#i += verb.length;
    if (verb === "%") return `${problems}%`;
    if (!this.#goodIndex) return `${problems}%!${verb}(BADINDEX)`;
    if (this.#arg >= this.#args.length) return `${problems}%!${verb}(MISSING)`;
    // %w is %v elsewhere, and here a bad verb that prints its operand as %v would.
    if (verb === "v" || verb === "w") {
      flags.sharpV = flags.sharp;
      flags.sharp = false;
      flags.plusV = flags.plus;
      flags.plus = false;
    }
    return problems + one(this.#args[this.#arg++], verb, flags);
  }

  /** `[n]` names the argument that is used next. */
  #argumentIndex(): void {
    const format = this.#format;
    if (format[this.#i] !== "[") return;
    this.#reordered = true;
    const close = format.indexOf("]", this.#i);
    if (close < 0 || format.length - this.#i < 3) {
      this.#goodIndex = false;
      this.#i++;
      return;
    }
    const text = format.slice(this.#i + 1, close);
    this.#i = close + 1;
    const index = /^[0-9]+$/.test(text) && Number(text) <= MAX_NUMBER ? Number(text) - 1 : -1;
    if (index < 0 || index >= this.#args.length) {
      this.#goodIndex = false;
      this.#afterIndex = /^[0-9]+$/.test(text);
      return;
    }
    this.#arg = index;
    this.#afterIndex = true;
  }

  #number(): number | undefined {
    const digits = /^[0-9]+/.exec(this.#format.slice(this.#i, this.#i + 12))?.[0];
    if (digits === undefined) return undefined;
    this.#i += digits.length;
    if (Number(digits) <= MAX_NUMBER) return Number(digits);
    // Nothing of a format with such a number makes sense.
    this.#i = this.#format.length;
    return undefined;
  }

  #intArgument(): number | undefined {
    const value = unbox(this.#args[this.#arg]);
    if (this.#arg < this.#args.length) this.#arg++;
    if (!value || !(isInt(value.kind) || isUint(value.kind))) return undefined;
    const number = Number(value.int);
    return Math.abs(number) > MAX_NUMBER ? undefined : number;
  }
}

export function sprintf(format: string, args: readonly (Value | undefined)[]): string {
  return new Format(format, args).run();
}
