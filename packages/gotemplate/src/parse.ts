/**
 * Parser of Go's template language. Messages and lines are Go's, which needs its token buffer: an error names the line
 * of the token read last from the lexer, not of the one that is in the way.
 */
import { parseConstant } from "./constant.ts";
import { TemplateError } from "./error.ts";
import { describeToken, Lexer, type Token, type TokenKind } from "./lex.ts";
import type {
  BranchNode,
  CommandNode,
  ElseNode,
  EndNode,
  ListNode,
  LoopNode,
  Node,
  Operand,
  PipeNode,
  StringNode,
  TemplateNode,
  Tree,
  VariableNode,
} from "./node.ts";
import { isEmptyTree, printNode } from "./node.ts";
import { unquote } from "./text/quote.ts";

export interface ParseOptions {
  hasFunction(name: string): boolean;
  comments?: boolean;
  /** Nesting of parentheses and control structures that is refused; keeps the parser off the stack's end. */
  maxDepth?: number;
}

/** The trees of a text by name: its own, and one for each `define` and `block`. */
export function parseTemplate(name: string, text: string, options: ParseOptions): Map<string, Tree> {
  const lexer = new Lexer(text, {
    breakIsWord: options.hasFunction("break"),
    continueIsWord: options.hasFunction("continue"),
    comments: options.comments,
  });
  const trees = new Map<string, Tree>();
  new Parser({ name, text, lexer, trees, options, depth: 0, tokens: 0 }).parse(name);
  return trees;
}

interface Source {
  /** For messages. */
  name: string;
  text: string;
  lexer: Lexer;
  trees: Map<string, Tree>;
  options: ParseOptions;
  depth: number;
  /** Read so far. */
  tokens: number;
}

/** Most tokens of a text: what they are parsed to takes some hundred megabytes. */
const MAX_TOKENS = 600_000;

type Item = Node;

const OPERANDS: ReadonlySet<TokenKind> = new Set<TokenKind>([
  "bool",
  "charconst",
  "complex",
  ".",
  "field",
  "identifier",
  "number",
  "nil",
  "raw string",
  "string",
  "variable",
  "(",
]);

class Parser {
  readonly #source: Source;
  /** Three-token look-ahead; [0] is the token read last from the lexer. */
  readonly #tokens: Token[] = [
    { kind: "error", pos: 0, text: "", line: 0 },
    { kind: "error", pos: 0, text: "", line: 0 },
    { kind: "error", pos: 0, text: "", line: 0 },
  ];
  #peeked = 0;
  #vars: string[] = ["$"];
  #rangeDepth = 0;
  /** Line of the `{{` of the action being parsed, 0 outside. */
  #actionLine = 0;

  constructor(source: Source) {
    this.#source = source;
  }

  parse(name: string): void {
    const root: ListNode = { kind: "list", pos: this.#peek().pos, nodes: [] };
    while (this.#peek().kind !== "eof") {
      if (this.#peek().kind === "left delim") {
        const delimiter = this.#next();
        if (this.#nextNonSpace().kind === "define") {
          new Parser(this.#source).#definition();
          continue;
        }
        this.#backup2(delimiter);
      }
      const node = this.#textOrAction();
      if (node.kind === "end" || node.kind === "else") this.#fail(`unexpected ${printNode(node)}`);
      root.nodes.push(node);
    }
    this.#add(name, root);
  }

  #fail(message: string): never {
    const { name } = this.#source;
    const { line } = this.#tokens[0];
    throw new TemplateError("gotemplate.parse", `template: ${name}:${line}: ${message}`, {
      where: name === "" ? { line } : { file: name, line },
    });
  }

  #unexpected(token: Token, context: string): never {
    if (token.kind === "error") {
      let extra = "";
      if (this.#actionLine !== 0 && this.#actionLine !== token.line) {
        extra = ` in action started at ${this.#source.name}:${this.#actionLine}`;
        if (token.text.endsWith(" action")) extra = extra.slice(" in action".length);
      }
      this.#fail(describeToken(token) + extra);
    }
    this.#fail(`unexpected ${describeToken(token)} in ${context}`);
  }

  #read(): Token {
    if (++this.#source.tokens > MAX_TOKENS) {
      const { name } = this.#source;
      throw new TemplateError("gotemplate.limit", `template: ${name}: more than ${MAX_TOKENS} tokens`, {
        where: name === "" ? {} : { file: name },
        fix: "Split this template into several",
      });
    }
    return this.#source.lexer.next();
  }

  #next(): Token {
    if (this.#peeked > 0) this.#peeked--;
    else this.#tokens[0] = this.#read();
    return this.#tokens[this.#peeked];
  }

  #backup(): void {
    this.#peeked++;
  }

  #backup2(first: Token): void {
    this.#tokens[1] = first;
    this.#peeked = 2;
  }

  #backup3(first: Token, second: Token): void {
    this.#tokens[1] = second;
    this.#tokens[2] = first;
    this.#peeked = 3;
  }

  #peek(): Token {
    if (this.#peeked === 0) {
      this.#peeked = 1;
      this.#tokens[0] = this.#read();
    }
    return this.#tokens[this.#peeked - 1];
  }

  #nextNonSpace(): Token {
    let token = this.#next();
    while (token.kind === "space") token = this.#next();
    return token;
  }

  #peekNonSpace(): Token {
    const token = this.#nextNonSpace();
    this.#backup();
    return token;
  }

  #expect(kind: TokenKind, context: string): Token {
    const token = this.#nextNonSpace();
    if (token.kind !== kind) this.#unexpected(token, context);
    return token;
  }

  #enter(): void {
    if (++this.#source.depth > (this.#source.options.maxDepth ?? 1000)) this.#fail("template is nested too deeply");
  }

  #add(name: string, root: ListNode): void {
    const { trees, text } = this.#source;
    const existing = trees.get(name);
    if (!existing || isEmptyTree(existing.root)) {
      trees.set(name, { name, parseName: this.#source.name, text, root });
      return;
    }
    if (!isEmptyTree(root)) this.#fail(`template: multiple definition of template ${JSON.stringify(name)}`);
  }

  #unquote(token: Token): string {
    const text = unquote(token.text);
    if (text === undefined) this.#fail("invalid syntax");
    return text;
  }

  #definition(): void {
    const context = "define clause";
    const token = this.#nextNonSpace();
    if (token.kind !== "string" && token.kind !== "raw string") this.#unexpected(token, context);
    const name = this.#unquote(token);
    this.#expect("right delim", context);
    const { list, end } = this.#itemList();
    if (end.kind !== "end") this.#fail(`unexpected ${printNode(end)} in ${context}`);
    this.#add(name, list);
  }

  #itemList(): { list: ListNode; end: EndNode | ElseNode } {
    const list: ListNode = { kind: "list", pos: this.#peekNonSpace().pos, nodes: [] };
    while (this.#peekNonSpace().kind !== "eof") {
      const node = this.#textOrAction();
      if (node.kind === "end" || node.kind === "else") return { list, end: node };
      list.nodes.push(node);
    }
    this.#fail("unexpected EOF");
  }

  #textOrAction(): Item {
    const token = this.#nextNonSpace();
    switch (token.kind) {
      case "text":
        return { kind: "text", pos: token.pos, text: token.text };
      case "comment":
        return { kind: "comment", pos: token.pos, text: token.text };
      case "left delim": {
        this.#actionLine = token.line;
        const node = this.#action();
        this.#actionLine = 0;
        return node;
      }
      default:
        this.#unexpected(token, "input");
    }
  }

  #action(): Item {
    const token = this.#nextNonSpace();
    switch (token.kind) {
      case "block":
        return this.#block();
      case "break":
      case "continue":
        return this.#loopControl(token.kind, token);
      case "else": {
        const next = this.#peekNonSpace();
        if (next.kind === "if" || next.kind === "with") return { kind: "else", pos: next.pos };
        return { kind: "else", pos: this.#expect("right delim", "else").pos };
      }
      case "end":
        return { kind: "end", pos: this.#expect("right delim", "end").pos };
      case "if":
      case "range":
      case "with":
        return this.#branch(token.kind);
      case "template":
        return this.#template();
    }
    this.#backup();
    const { pos, line } = this.#peek();
    return { kind: "action", pos, line, pipe: this.#pipeline("command", "right delim") };
  }

  #loopControl(kind: "break" | "continue", { pos, line }: Token): LoopNode {
    const token = this.#nextNonSpace();
    if (token.kind !== "right delim") this.#unexpected(token, `{{${kind}}}`);
    if (this.#rangeDepth === 0) this.#fail(`{{${kind}}} outside {{range}}`);
    return { kind, pos, line };
  }

  #pipeline(context: string, end: TokenKind): PipeNode {
    this.#enter();
    const start = this.#peekNonSpace();
    const pipe: PipeNode = { kind: "pipe", pos: start.pos, line: start.line, isAssign: false, decl: [], commands: [] };
    this.#declarations(pipe, context);
    for (;;) {
      const token = this.#nextNonSpace();
      if (token.kind === end) break;
      if (!OPERANDS.has(token.kind)) this.#unexpected(token, context);
      this.#backup();
      pipe.commands.push(this.#command());
    }
    if (pipe.commands.length === 0) this.#fail(`missing value for ${context}`);
    // In a | b | c only the first may be a constant.
    for (const [i, command] of pipe.commands.entries()) {
      const { kind } = command.args[0];
      if (i > 0 && (kind === "bool" || kind === "dot" || kind === "nil" || kind === "number" || kind === "string")) {
        this.#fail(`non executable command in pipeline stage ${i + 1}`);
      }
    }
    this.#source.depth--;
    return pipe;
  }

  #declarations(pipe: PipeNode, context: string): void {
    for (;;) {
      const variable = this.#peekNonSpace();
      if (variable.kind !== "variable") return;
      this.#next();
      // `$x foo` is an argument, `$x := foo` a declaration: the space between must be given back as well.
      const following = this.#peek();
      const next = this.#peekNonSpace();
      const isComma = next.kind === "char" && next.text === ",";
      if (next.kind !== "=" && next.kind !== ":=" && !isComma) {
        if (following.kind === "space") this.#backup3(variable, following);
        else this.#backup2(variable);
        return;
      }
      this.#nextNonSpace();
      if (!isComma) pipe.isAssign = next.kind === "=";
      pipe.decl.push({ kind: "variable", pos: variable.pos, ident: [variable.text] });
      this.#vars.push(variable.text);
      if (!isComma) return;
      if (context !== "range" || pipe.decl.length >= 2) this.#fail(`too many declarations in ${context}`);
      const { kind } = this.#peekNonSpace();
      if (kind !== "variable" && kind !== "right delim" && kind !== ")") {
        this.#fail("range can only initialize variables");
      }
    }
  }

  #branch(kind: BranchNode["kind"]): BranchNode {
    this.#enter();
    const scope = this.#vars.length;
    const pipe = this.#pipeline(kind, "right delim");
    if (kind === "range") this.#rangeDepth++;
    const { list, end } = this.#itemList();
    if (kind === "range") this.#rangeDepth--;
    let elseList: ListNode | undefined;
    if (end.kind === "else") {
      // {{else if}} is an if inside the else, which shares its end.
      if ((kind === "if" || kind === "with") && this.#peek().kind === kind) {
        this.#next();
        elseList = { kind: "list", pos: end.pos, nodes: [this.#branch(kind)] };
      } else {
        const rest = this.#itemList();
        if (rest.end.kind !== "end") this.#fail(`expected end; found ${printNode(rest.end)}`);
        elseList = rest.list;
      }
    }
    this.#vars.length = scope;
    this.#source.depth--;
    return { kind, pos: pipe.pos, line: pipe.line, pipe, list, elseList };
  }

  #block(): TemplateNode {
    const context = "block clause";
    const token = this.#nextNonSpace();
    const name = this.#templateName(token, context);
    const pipe = this.#pipeline(context, "right delim");
    const inner = new Parser(this.#source);
    const { list, end } = inner.#itemList();
    if (end.kind !== "end") inner.#fail(`unexpected ${printNode(end)} in ${context}`);
    inner.#add(name, list);
    return { kind: "template", pos: token.pos, line: token.line, name, pipe };
  }

  #template(): TemplateNode {
    const context = "template clause";
    const token = this.#nextNonSpace();
    const name = this.#templateName(token, context);
    let pipe: PipeNode | undefined;
    if (this.#nextNonSpace().kind !== "right delim") {
      this.#backup();
      pipe = this.#pipeline(context, "right delim");
    }
    return { kind: "template", pos: token.pos, line: token.line, name, pipe };
  }

  #templateName(token: Token, context: string): string {
    if (token.kind !== "string" && token.kind !== "raw string") this.#unexpected(token, context);
    return this.#unquote(token);
  }

  #command(): CommandNode {
    const command: CommandNode = { kind: "command", pos: this.#peekNonSpace().pos, args: [] };
    for (;;) {
      this.#peekNonSpace();
      const operand = this.#operand();
      if (operand) command.args.push(operand);
      const token = this.#next();
      if (token.kind === "space") continue;
      if (token.kind === "right delim" || token.kind === ")") this.#backup();
      else if (token.kind !== "pipe") this.#unexpected(token, "operand");
      break;
    }
    if (command.args.length === 0) this.#fail("empty command");
    return command;
  }

  #operand(): Operand | undefined {
    const node = this.#term();
    if (!node || this.#peek().kind !== "field") return node;
    const { pos } = this.#peek();
    const fields: string[] = [];
    while (this.#peek().kind === "field") fields.push(this.#next().text.slice(1));
    switch (node.kind) {
      case "field":
      case "variable":
        return { ...node, pos, ident: [...node.ident, ...fields] };
      case "bool":
      case "string":
      case "number":
      case "nil":
      case "dot":
        this.#fail(`unexpected . after term ${JSON.stringify(printNode(node))}`);
    }
    return { kind: "chain", pos, node, fields };
  }

  #term(): Operand | undefined {
    const token = this.#nextNonSpace();
    const { pos, text } = token;
    switch (token.kind) {
      case "identifier":
        if (!this.#source.options.hasFunction(text)) this.#fail(`function ${JSON.stringify(text)} not defined`);
        return { kind: "identifier", pos, ident: text };
      case ".":
        return { kind: "dot", pos };
      case "nil":
        return { kind: "nil", pos };
      case "variable":
        return this.#useVariable(pos, text);
      case "field":
        return { kind: "field", pos, ident: [text.slice(1)] };
      case "bool":
        return { kind: "bool", pos, value: text === "true" };
      case "charconst":
      case "complex":
      case "number": {
        const number = parseConstant(token.kind, text, pos);
        if (typeof number === "string") this.#fail(number);
        return number;
      }
      case "(":
        return this.#pipeline("parenthesized pipeline", ")");
      case "string":
      case "raw string":
        return { kind: "string", pos, quoted: text, text: this.#unquote(token) } satisfies StringNode;
    }
    this.#backup();
    return undefined;
  }

  #useVariable(pos: number, name: string): VariableNode {
    if (!this.#vars.includes(name)) this.#fail(`undefined variable ${JSON.stringify(name)}`);
    return { kind: "variable", pos, ident: [name] };
  }
}
