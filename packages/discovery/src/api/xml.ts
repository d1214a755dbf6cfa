/**
 * A strict reader of the XML that APIs answer: elements, attributes, text, CDATA. Namespaces are left out of names; a
 * document type is refused, so no entity but XML's own five can grow. Linear in the text's length.
 */
import { UserError } from "@pharos/model";

/** Deeper answers are no answers. */
const MAX_DEPTH = 100;
const NAME = /[A-Za-z_:\u0080-\uffff][\w.:\-\u0080-\uffff]*/y;
const SPACE = /[ \t\r\n]*/y;
const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

export class XmlElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: XmlElement[] = [];
  /** Text directly inside, all parts of it joined. */
  content = "";
  /** The source between the tags, as it was written. */
  inner = "";

  constructor(name: string, attributes: ReadonlyMap<string, string>) {
    this.name = name;
    this.attributes = attributes;
  }

  /** The first child of that name, or a child of a child. */
  find(...path: string[]): XmlElement | undefined {
    let found: XmlElement | undefined = this;
    for (const name of path) found = found?.children.find((child) => child.name === name);
    return found;
  }

  /** Text of the element at a path, without surrounding space; "" when there is none. */
  text(...path: string[]): string {
    return this.find(...path)?.content.trim() ?? "";
  }

  /** All children of that name; with a path, children of the element at it. */
  all(...path: string[]): XmlElement[] {
    const name = path.at(-1);
    return this.find(...path.slice(0, -1))?.children.filter((child) => child.name === name) ?? [];
  }
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): XmlElement {
    if (this.#text.startsWith("\ufeff")) this.#at = 1;
    this.#misc();
    const root = this.#element();
    this.#misc();
    if (this.#at < this.#text.length) throw this.#fail("there is something after the root element");
    return root;
  }

  #fail(message: string): UserError {
    return new UserError("discovery.answer", `the answer is no XML: ${message} (at character ${this.#at})`);
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }

  /** Skips to behind `end`; what was skipped. */
  #until(end: string, what: string): string {
    const to = this.#text.indexOf(end, this.#at);
    if (to < 0) throw this.#fail(`${what} does not end`);
    const skipped = this.#text.slice(this.#at, to);
    this.#at = to + end.length;
    return skipped;
  }

  #take(token: string): boolean {
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  /** Space, comments and processing instructions outside of the root. */
  #misc(): void {
    for (;;) {
      this.#match(SPACE);
      if (this.#take("<!--")) this.#until("-->", "a comment");
      else if (this.#take("<?")) this.#until("?>", "a processing instruction");
      else return;
    }
  }

  #name(): string {
    const name = this.#match(NAME);
    if (name === "") throw this.#fail("a name is missing");
    return name;
  }

  /** The start tag, and whether it is all of the element. */
  #open(): { name: string; element: XmlElement; empty: boolean } {
    if (!this.#take("<")) throw this.#fail("an element is missing");
    if (this.#text[this.#at] === "!") throw this.#fail("document types are not taken");
    const name = this.#name();
    const attributes = new Map<string, string>();
    for (;;) {
      this.#match(SPACE);
      const empty = this.#take("/>");
      if (empty || this.#take(">")) return { name, element: new XmlElement(local(name), attributes), empty };
      const attribute = this.#name();
      this.#match(SPACE);
      if (!this.#take("=")) throw this.#fail(`attribute ${attribute} has no value`);
      this.#match(SPACE);
      const quote = this.#text[this.#at];
      if (quote !== '"' && quote !== "'") throw this.#fail(`the value of attribute ${attribute} is not quoted`);
      this.#at++;
      attributes.set(local(attribute), this.#decode(this.#until(quote, `attribute ${attribute}`)));
    }
  }

  #element(): XmlElement {
    const root = this.#open();
    if (root.empty) return root.element;
    const stack = [{ name: root.name, element: root.element, start: this.#at }];
    for (;;) {
      const current = stack[stack.length - 1];
      const { element } = current;
      const next = this.#text.indexOf("<", this.#at);
      if (next < 0) throw this.#fail(`<${current.name}> does not end`);
      element.content += this.#decode(this.#text.slice(this.#at, next));
      this.#at = next;
      if (this.#take("<!--")) this.#until("-->", "a comment");
      else if (this.#take("<![CDATA[")) element.content += this.#until("]]>", "a CDATA section");
      else if (this.#take("<?")) this.#until("?>", "a processing instruction");
      else if (this.#take("</")) {
        const name = this.#name();
        this.#match(SPACE);
        if (name !== current.name || !this.#take(">")) throw this.#fail(`<${current.name}> ends as </${name}>`);
        element.inner = this.#text.slice(current.start, next);
        stack.pop();
        if (stack.length === 0) return element;
      } else {
        const { name, element: child, empty } = this.#open();
        element.children.push(child);
        if (empty) continue;
        if (stack.length >= MAX_DEPTH) throw this.#fail(`elements are nested deeper than ${MAX_DEPTH}`);
        stack.push({ name, element: child, start: this.#at });
      }
    }
  }

  #decode(text: string): string {
    if (!text.includes("&")) return text;
    return text.replace(/&([^;&]{0,12});?/g, (whole, name: string) => {
      const known = Object.hasOwn(ENTITIES, name) ? ENTITIES[name] : undefined;
      if (known !== undefined && whole.endsWith(";")) return known;
      const code = /^#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}))$/.exec(name);
      const point = code ? Number.parseInt(code[1] ?? code[2], code[1] ? 16 : 10) : -1;
      if (!whole.endsWith(";") || point < 0 || point > 0x10ffff) {
        throw this.#fail(`unknown entity ${JSON.stringify(whole)}`);
      }
      return String.fromCodePoint(point);
    });
  }
}

function local(name: string): string {
  return name.slice(name.indexOf(":") + 1);
}

/** The root element. A UserError with code `discovery.answer` when it is no XML. */
export function parseXml(text: string): XmlElement {
  return new Reader(text).read();
}
