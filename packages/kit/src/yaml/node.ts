/**
 * YAML that remembers where it came from: a thin typed reader over the `yaml` library's nodes, so that every complaint
 * about a configuration names file, line and field.
 *
 * Scalars keep their source text: like Go's decoder, a string field takes `on`, `1.0` or `0x10` as they are written.
 */
import { parseDuration, UserError, type Where } from "@pharos/model";
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseAllDocuments,
  type Scalar,
  visit,
} from "yaml";

interface Origin {
  file: string | undefined;
  lines: LineCounter;
  document: Document;
}

export type YamlKind = "map" | "seq" | "scalar" | "null";

export class YamlNode {
  /** Dotted path from the root: `scrape_configs[0].job_name`; "" for the root. */
  readonly path: string;
  readonly #node: Node | null;
  readonly #origin: Origin;
  readonly #offset: number;

  /** `offset` is where a complaint points to: the key of a map's entry, else the node's own start. */
  constructor(node: Node | null, path: string, origin: Origin, offset?: number) {
    this.#node = isAlias(node) ? ((node.resolve(origin.document) as Node | undefined) ?? null) : node;
    this.path = path;
    this.#origin = origin;
    this.#offset = offset ?? node?.range?.[0] ?? 0;
  }

  get where(): Where {
    const { line, col } = this.#origin.lines.linePos(this.#offset);
    const where: { -readonly [K in keyof Where]: Where[K] } = { line: Math.max(1, line), column: Math.max(1, col) };
    if (this.#origin.file) where.file = this.#origin.file;
    if (this.path) where.field = this.path;
    return where;
  }

  /** A complaint about this place; throw it. */
  error(message: string, options: { code?: string; fix?: string; cause?: unknown } = {}): UserError {
    return new UserError(options.code ?? "kit.yaml", message, {
      where: this.where,
      fix: options.fix,
      cause: options.cause,
    });
  }

  get kind(): YamlKind {
    if (isMap(this.#node)) return "map";
    if (isSeq(this.#node)) return "seq";
    if (this.#node === null) return "null";
    return isScalar(this.#node) && this.#node.value === null ? "null" : "scalar";
  }

  get isNull(): boolean {
    return this.kind === "null";
  }

  /** The plain JavaScript value, aliases expanded. */
  toValue(): unknown {
    return this.#node === null ? null : this.#node.toJS(this.#origin.document, { maxAliasCount: 100 });
  }

  /** Entries of a map in the order of the file; a null counts as an empty map. */
  entries(): [key: string, value: YamlNode][] {
    if (this.isNull) return [];
    if (!isMap(this.#node)) throw this.error(`must be a mapping, not ${this.#describe()}`);
    const out: [string, YamlNode][] = [];
    for (const pair of this.#node.items as Pair<Node, Node | null>[]) {
      const key = isScalar(pair.key) ? scalarText(pair.key) : String(pair.key);
      const offset = pair.key?.range?.[0] ?? this.#offset;
      if (key === "<<" && pair.value) {
        out.push(...new YamlNode(pair.value, this.path, this.#origin, offset).entries());
        continue;
      }
      out.push([key, new YamlNode(pair.value, this.path ? `${this.path}.${key}` : key, this.#origin, offset)]);
    }
    return out;
  }

  /** Items of a sequence; a null counts as an empty one. */
  items(): YamlNode[] {
    if (this.isNull) return [];
    if (!isSeq(this.#node)) throw this.error(`must be a list, not ${this.#describe()}`);
    return this.#node.items.map((item, i) => new YamlNode(item as Node, `${this.path}[${i}]`, this.#origin));
  }

  /** A map reader that knows which keys were asked for; call `done()` to refuse the rest. */
  map(): YamlMap {
    return new YamlMap(this);
  }

  string(): string {
    if (this.isNull) return "";
    if (!isScalar(this.#node)) throw this.error(`must be a string, not ${this.#describe()}`);
    try {
      return scalarText(this.#node);
    } catch (error) {
      throw error instanceof UserError ? this.error(error.message, { code: error.code }) : error;
    }
  }

  number(): number {
    const text = this.string();
    const value = /^[-+]?\.inf$/i.test(text)
      ? text.startsWith("-")
        ? -Infinity
        : Infinity
      : Number(text.replaceAll("_", ""));
    if (text.trim() === "" || Number.isNaN(value)) throw this.error(`must be a number, not ${JSON.stringify(text)}`);
    return value;
  }

  integer(): number {
    const value = this.number();
    if (!Number.isInteger(value)) throw this.error(`must be a whole number, not ${JSON.stringify(this.string())}`);
    return value;
  }

  boolean(): boolean {
    const text = this.string();
    if (/^(true|yes|on|y)$/i.test(text)) return true;
    if (/^(false|no|off|n)$/i.test(text)) return false;
    throw this.error(`must be true or false, not ${JSON.stringify(text)}`);
  }

  /** Milliseconds of a Prometheus duration. */
  duration(): number {
    try {
      return parseDuration(this.string());
    } catch (error) {
      throw error instanceof UserError && !error.where.line ? this.error(error.message, { code: error.code }) : error;
    }
  }

  strings(): string[] {
    return this.items().map((item) => item.string());
  }

  /** A map from strings to strings. */
  stringMap(): Record<string, string> {
    const out: Record<string, string> = {};
    for (const [key, value] of this.entries()) out[key] = value.string();
    return out;
  }

  #describe(): string {
    if (isMap(this.#node)) return "a mapping";
    if (isSeq(this.#node)) return "a list";
    return isScalar(this.#node) ? JSON.stringify(this.#node.value) : "nothing";
  }
}

/** Reads the keys of one map; what nobody asked for is an unknown field. */
export class YamlMap {
  readonly node: YamlNode;
  readonly #entries = new Map<string, YamlNode>();
  readonly #known = new Set<string>();
  #twice: { key: string; value: YamlNode } | undefined;

  constructor(node: YamlNode) {
    this.node = node;
    for (const [key, value] of node.entries()) {
      if (this.#entries.has(key)) this.#twice ??= { key, value };
      else this.#entries.set(key, value);
    }
  }

  /** The value of a key, undefined when the key is absent. A null value is present (`.isNull`). */
  get(key: string): YamlNode | undefined {
    this.#known.add(key);
    return this.#entries.get(key);
  }

  required(key: string): YamlNode {
    const value = this.get(key);
    if (!value) throw this.node.error(`${key} is missing`, { fix: `Add ${key}` });
    return value;
  }

  keys(): string[] {
    return [...this.#entries.keys()];
  }

  /** Throws for a key that was given twice or never asked for, in upstream's words: `field x not found in type T`. */
  done(type: string): void {
    if (this.#twice) throw this.#twice.value.error(`field ${this.#twice.key} already set in type ${type}`);
    for (const [key, value] of this.#entries) {
      if (this.#known.has(key)) continue;
      throw value.error(`field ${key} not found in type ${type}`, {
        fix: `Known fields: ${[...this.#known].sort().join(", ")}`,
      });
    }
  }
}

const BINARY_TAG = "tag:yaml.org,2002:binary";

/** Text of `!!binary`: base64 of UTF-8. */
function binaryText(node: Scalar): string {
  const encoded = String(node.source ?? node.value ?? "").replace(/\s+/g, "");
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(encoded)) {
    throw new UserError("kit.yaml", "!!binary value contains invalid base64 data");
  }
  const bytes = Buffer.from(encoded, "base64");
  const text = bytes.toString("utf8");
  // Bytes that are no UTF-8 become lone surrogates: whoever needs a name or a value sees that the text is not well formed.
  return Buffer.from(text).equals(bytes) ? text : [...bytes].map(surrogate).join("");
}

const surrogate = (byte: number): string => String.fromCharCode(byte < 0x80 ? byte : 0xdc00 + byte);

/** Quotes a text for a message as Go does, bytes that are no UTF-8 as `\xff`. */
export function quoteText(text: string): string {
  return JSON.stringify(text).replace(/\\udc([89a-f][0-9a-f])/g, "\\x$1");
}

function scalarText(node: Scalar): string {
  if (node.tag === BINARY_TAG) return binaryText(node);
  return typeof node.value === "string" ? node.value : (node.source ?? String(node.value ?? ""));
}

/** An alias to an anchor that does not come before it stands for nothing, and one within what it stands for has no end. */
function checkAliases(document: Document, complain: (offset: number, message: string) => void): void {
  const anchors = new Map<string, Node>();
  visit(document, {
    Node(_key, node) {
      if (!isAlias(node)) {
        if (node.anchor) anchors.set(node.anchor, node);
        return;
      }
      const { source, range } = node;
      const at = range?.[0] ?? 0;
      const anchored = anchors.get(source);
      if (!anchored) complain(at, `unknown anchor '${source}' referenced`);
      else if (at < (anchored.range?.[2] ?? 0)) complain(at, `anchor '${source}' value contains itself`);
    },
  });
}

function load(text: string, file: string | undefined): YamlNode[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, uniqueKeys: false, merge: false, logLevel: "error" });
  if (!Array.isArray(documents)) return [];
  const complain = (offset: number, message: string, cause?: unknown): never => {
    const { line, col } = lines.linePos(offset);
    throw new UserError("kit.yaml", message, { where: { file, line, column: col }, cause });
  };
  return documents.map((document) => {
    const problem = document.errors[0];
    if (problem) {
      const message = problem.message.split("\n")[0].replace(/ at line \d+, column \d+:?$/, "");
      complain(problem.pos[0], message, problem);
    }
    if (text.includes("*")) checkAliases(document, complain);
    return new YamlNode(document.contents as Node | null, "", { file, lines, document });
  });
}

/** Parses one document; an empty text is a null node. A UserError with file, line and column when it is not YAML. */
export function parseYaml(text: string, file?: string): YamlNode {
  const documents = load(text, file);
  if (documents.length > 1) throw documents[1].error("only one YAML document is expected here");
  return documents[0] ?? load("null", file)[0];
}

/** Parses a stream of documents separated by `---`; empty ones are left out. */
export function parseYamlStream(text: string, file?: string): YamlNode[] {
  return load(text, file).filter((node) => !node.isNull);
}
