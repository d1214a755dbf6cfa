/** JSON that a value wrote of itself: checked, without space between tokens, safe in HTML. Messages are encoding/json's. */
import { quoteRune } from "../text/quote.ts";
import { toBytes } from "../text/utf8.ts";

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const SPACE = /[ \t\r\n]*/y;
const MAX_DEPTH = 1000;

class Reader {
  readonly #json: string;
  #at = 0;
  #out = "";

  constructor(json: string) {
    this.#json = json;
  }

  read(): string {
    this.#value("looking for beginning of value", 0);
    this.#space();
    if (this.#at < this.#json.length) this.#bad("after top-level value");
    return this.#out;
  }

  /** As Go says it: by the byte. Inside a token the end of the text counts as a space. */
  #bad(context: string): never {
    let code = this.#json.codePointAt(this.#at);
    if (code === undefined) {
      if (!context.includes("literal") && !context.includes("escape")) throw new Error("unexpected end of JSON input");
      if (context === "in string literal") throw new Error("unexpected end of JSON input");
      code = 0x20;
    } else if (code > 0x7f) [code] = toBytes(this.#json.slice(this.#at, this.#at + 2));
    const char = code === 0x27 ? `'\\''` : code === 0x22 ? `'"'` : quoteRune(code);
    throw new Error(`invalid character ${char} ${context}`);
  }

  #space(): void {
    SPACE.lastIndex = this.#at;
    this.#at += SPACE.exec(this.#json)![0].length;
  }

  #take(text: string): void {
    this.#at += text.length;
    this.#out += text;
  }

  #value(context: string, depth: number): void {
    if (depth > MAX_DEPTH) throw new Error("exceeded max depth");
    this.#space();
    const char = this.#json[this.#at];
    if (char === "{") this.#list("}", depth, true);
    else if (char === "[") this.#list("]", depth, false);
    else if (char === '"') this.#string();
    else if (char === "t") this.#word("true");
    else if (char === "f") this.#word("false");
    else if (char === "n") this.#word("null");
    else this.#number(context);
  }

  #list(close: string, depth: number, isObject: boolean): void {
    this.#take(this.#json[this.#at]);
    this.#space();
    if (this.#json[this.#at] === close) {
      this.#take(close);
      return;
    }
    for (;;) {
      if (isObject) {
        this.#space();
        if (this.#json[this.#at] !== '"') this.#bad("looking for beginning of object key string");
        this.#string();
        this.#space();
        if (this.#json[this.#at] !== ":") this.#bad("after object key");
        this.#take(":");
      }
      this.#value("looking for beginning of value", depth + 1);
      this.#space();
      const char = this.#json[this.#at];
      if (char !== "," && char !== close) this.#bad(isObject ? "after object key:value pair" : "after array element");
      this.#take(char);
      if (char === close) return;
    }
  }

  #word(word: string): void {
    for (let i = 0; i < word.length; i++) {
      if (this.#json[this.#at + i] === word[i]) continue;
      this.#at += i;
      this.#bad(`in literal ${word} (expecting ${quoteRune(word.charCodeAt(i))})`);
    }
    this.#take(word);
  }

  #number(context: string): void {
    NUMBER.lastIndex = this.#at;
    const text = NUMBER.exec(this.#json)?.[0];
    if (text === undefined) {
      if (this.#json[this.#at] !== "-") this.#bad(context);
      this.#at++;
      this.#bad("in numeric literal");
    }
    this.#take(text);
    // A fraction or exponent that was begun and has no digits.
    const after = this.#json[this.#at] ?? "";
    const isFraction = after === "." && !/[.eE]/.test(text);
    if (!isFraction && !(/^[eE]$/.test(after) && !/[eE]/.test(text))) return;
    this.#at++;
    if (!isFraction && /[+-]/.test(this.#json[this.#at] ?? "")) this.#at++;
    this.#bad(isFraction ? "after decimal point in numeric literal" : "in exponent of numeric literal");
  }

  #string(): void {
    this.#take('"');
    for (;;) {
      const char = this.#json[this.#at];
      if (char === undefined || char < " ") this.#bad("in string literal");
      if (char === "\\") this.#escape();
      else if ("<>&\u2028\u2029".includes(char)) {
        this.#at++;
        this.#out += `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
      } else this.#take(char);
      if (char === '"') return;
    }
  }

  #escape(): void {
    const kind = this.#json[this.#at + 1];
    if (kind !== undefined && '"\\/bfnrt'.includes(kind)) {
      this.#take(`\\${kind}`);
      return;
    }
    this.#at++;
    if (kind !== "u") this.#bad("in string escape code");
    for (let i = 1; i <= 4; i++) {
      if (/[0-9a-fA-F]/.test(this.#json[this.#at + i] ?? "")) continue;
      this.#at += i;
      this.#bad("in \\u hexadecimal character escape");
    }
    this.#out += `\\${this.#json.slice(this.#at, this.#at + 5)}`;
    this.#at += 5;
  }
}

export function compact(json: string): string {
  return new Reader(json).read();
}
