/** Answers of XML-RPC: numbers, strings, lists and structs. */

export type XmlRpcValue = string | number | boolean | XmlRpcValue[] | { [name: string]: XmlRpcValue };

type Token = { tag: string; close: boolean; text: string };

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
const MAX_DEPTH = 32;

const unescapeXml = (text: string): string =>
  text.replace(/&(#x?[0-9a-f]+|\w+);/gi, (all, name: string) => {
    if (!name.startsWith("#")) return ENTITIES[name] ?? all;
    const code = name[1] === "x" || name[1] === "X" ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
    return code <= 0x10ffff ? String.fromCodePoint(code) : all;
  });

/** Tags, each with the text up to the next one. */
function tokenize(xml: string): Token[] {
  const tokens: Token[] = [];
  for (const [, close, tag, empty, text] of xml.matchAll(/<(\/?)([\w.]+)[^<>]*?(\/?)>([^<]*)/g)) {
    tokens.push({ tag, close: close === "/", text: unescapeXml(text) });
    if (empty === "/") tokens.push({ tag, close: true, text: "" });
  }
  return tokens;
}

class Parser {
  readonly #tokens: Token[];
  #at = 0;

  constructor(tokens: Token[]) {
    this.#tokens = tokens;
  }

  #peek(tag: string, close = false): boolean {
    const token = this.#tokens[this.#at];
    return token !== undefined && token.tag === tag && token.close === close;
  }

  #expect(tag: string, close = false): Token {
    if (!this.#peek(tag, close)) throw new Error(`XML-RPC: <${close ? "/" : ""}${tag}> is missing`);
    return this.#tokens[this.#at++];
  }

  /** Goes to the first `tag`; false when there is none. */
  find(tag: string): boolean {
    const found = this.#tokens.findIndex((token) => token.tag === tag && !token.close);
    if (found >= 0) this.#at = found;
    return found >= 0;
  }

  value(depth = 0): XmlRpcValue {
    if (depth > MAX_DEPTH) throw new Error("XML-RPC: values nested too deep");
    const { text } = this.#expect("value");
    // Without a type it is a string.
    if (this.#peek("value", true)) {
      this.#at++;
      return text;
    }
    const token = this.#tokens[this.#at++];
    if (!token) throw new Error("XML-RPC: an answer that ends too early");
    const value = this.#typed(token, depth);
    this.#expect(token.tag, true);
    this.#expect("value", true);
    return value;
  }

  #typed({ tag, text }: Token, depth: number): XmlRpcValue {
    switch (tag) {
      case "int":
      case "i4":
      case "i8":
      case "double":
        return Number(text.trim());
      case "boolean":
        return text.trim() === "1";
      case "array": {
        const list: XmlRpcValue[] = [];
        this.#expect("data");
        while (this.#peek("value")) list.push(this.value(depth + 1));
        this.#expect("data", true);
        return list;
      }
      case "struct": {
        const members: [string, XmlRpcValue][] = [];
        while (this.#peek("member")) {
          this.#at++;
          const name = this.#expect("name").text;
          this.#expect("name", true);
          members.push([name, this.value(depth + 1)]);
          this.#expect("member", true);
        }
        return Object.fromEntries(members);
      }
      default:
        return text;
    }
  }
}

/** The value of an answer; throws its fault, or when it is no answer. */
export function parseResponse(xml: string): XmlRpcValue {
  const parser = new Parser(tokenize(xml));
  const fault = parser.find("fault");
  if (!parser.find("value")) throw new Error("XML-RPC: no value in the answer");
  const value = parser.value();
  if (!fault) return value;
  const { faultString } = value as { faultString?: XmlRpcValue };
  throw new Error(`XML-RPC: ${String(faultString ?? "a fault")}`);
}
