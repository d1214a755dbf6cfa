/**
 * Runs a parsed template. Rules of lookup, calling and conversion, and every message, are Go's text/template/exec.go.
 */
import { BUILTINS, callValue, prepareArgument } from "./builtins.ts";
import { TemplateError } from "./error.ts";
import { printValue } from "./fmt/print.ts";
import type {
  BranchNode,
  CommandNode,
  ListNode,
  Node,
  NumberNode,
  Operand,
  PipeNode,
  TemplateNode,
  Tree,
} from "./node.ts";
import { printNode } from "./node.ts";
import { quote } from "./text/quote.ts";
import { byteLength } from "./text/utf8.ts";
import { ANY_VALUE, canBeNil, type GoFunc, isComplex, isFloat, isInt, isUint, type Type } from "./value/type.ts";
import { bool, boxed, complex, float, indirect, int, isTrue, pointerTo, string, Value, zero } from "./value/value.ts";

export type MissingKey = "invalid" | "zero" | "error";

export interface Limits {
  /** Nodes walked and loop turns made. */
  steps: number;
  /** Characters written, at most this many. */
  output: number;
  /** Templates calling templates. */
  depth: number;
}

/** What a running template may look up. */
export interface Environment {
  templates: ReadonlyMap<string, Tree>;
  functions: ReadonlyMap<string, GoFunc>;
  missingKey: MissingKey;
  limits: Limits;
}

/** Thrown through the template by a function that cannot answer yet; whoever executes it answers and starts again. */
export class Suspension {
  readonly ready: Promise<void>;

  constructor(ready: Promise<void>) {
    this.ready = ready;
  }
}

/** Go's depth limit, named in the message. JavaScript's stack ends earlier, which reads the same to the user. */
const GO_DEPTH = 100_000;
/** Marks that a command has no value piped into it. */
const MISSING = new Value(ANY_VALUE, null);

/** How a list of nodes ended. */
type Outcome = "done" | "break" | "continue";

interface Variable {
  name: string;
  value: Value | undefined;
}

interface Progress {
  steps: number;
  parts: string[];
  length: number;
}

/** The output; throws a TemplateError, or a Suspension. */
export function execute(environment: Environment, tree: Tree, data: Value | undefined): string {
  const progress: Progress = { steps: 0, parts: [], length: 0 };
  try {
    new Run(environment, tree, data, 0, progress).walk(data, tree.root);
  } catch (error) {
    if (!(error instanceof RangeError) || !/call stack/i.test(error.message)) throw error;
    throw new TemplateError("gotemplate.limit", depthMessage(tree.parseName, tree.name), {
      fix: "A template probably calls itself without end",
    });
  }
  return progress.parts.join("");
}

function depthMessage(parseName: string, name: string): string {
  return `template: ${parseName}: executing ${quote(name)}: exceeded maximum template depth (${GO_DEPTH})`;
}

class Run {
  readonly #env: Environment;
  readonly #tree: Tree;
  readonly #depth: number;
  readonly #progress: Progress;
  #vars: Variable[];
  #node: Node | undefined;

  constructor(env: Environment, tree: Tree, data: Value | undefined, depth: number, progress: Progress) {
    this.#env = env;
    this.#tree = tree;
    this.#depth = depth;
    this.#progress = progress;
    this.#vars = [{ name: "$", value: data }];
  }

  #fail(message: string, cause?: unknown): never {
    const { parseName, name, text } = this.#tree;
    const node = this.#node;
    if (node === undefined) throw new TemplateError("gotemplate.exec", `template: ${name}: ${message}`);
    const before = text.slice(0, node.pos);
    const line = before.split("\n").length;
    const column = byteLength(before.slice(before.lastIndexOf("\n") + 1));
    throw new TemplateError(
      "gotemplate.exec",
      `template: ${parseName}:${line}:${column}: executing ${quote(name)} at <${printNode(node)}>: ${message}`,
      { where: { ...(parseName === "" ? {} : { file: parseName }), line, column: column + 1 }, cause },
    );
  }

  #limit(message: string, fix: string): never {
    const { parseName, name } = this.#tree;
    throw new TemplateError("gotemplate.limit", `template: ${parseName}: executing ${quote(name)}: ${message}`, {
      fix,
    });
  }

  #step(): void {
    if (++this.#progress.steps > this.#env.limits.steps) {
      this.#limit(`more than ${this.#env.limits.steps} steps`, "Loop over less in this template");
    }
  }

  #write(text: string): void {
    const { progress, limits } = { progress: this.#progress, limits: this.#env.limits };
    progress.length += text.length;
    if (progress.length > limits.output) {
      this.#limit(`output is longer than ${limits.output} characters`, "Print less in this template");
    }
    progress.parts.push(text);
  }

  walk(dot: Value | undefined, node: Node): Outcome {
    this.#node = node;
    this.#step();
    switch (node.kind) {
      case "list":
        return this.#list(dot, node);
      case "text":
        this.#write(node.text);
        return "done";
      case "comment":
        return "done";
      case "action": {
        const value = this.#pipeline(dot, node.pipe);
        if (node.pipe.decl.length === 0) this.#print(node, value);
        return "done";
      }
      case "if":
      case "with":
        return this.#condition(dot, node);
      case "range":
        return this.#range(dot, node);
      case "template":
        this.#template(dot, node);
        return "done";
      case "break":
      case "continue":
        return node.kind;
      default:
        throw new Error(`cannot walk ${node.kind}`);
    }
  }

  #list(dot: Value | undefined, list: ListNode): Outcome {
    for (const node of list.nodes) {
      const outcome = this.walk(dot, node);
      if (outcome !== "done") return outcome;
    }
    return "done";
  }

  #condition(dot: Value | undefined, node: BranchNode): Outcome {
    const mark = this.#vars.length;
    const value = this.#pipeline(dot, node.pipe);
    let outcome: Outcome = "done";
    if (isTrue(value)) {
      outcome = this.walk(node.kind === "with" ? value : dot, node.list);
    } else if (node.elseList) outcome = this.walk(dot, node.elseList);
    this.#vars.length = mark;
    return outcome;
  }

  #range(dot: Value | undefined, node: BranchNode): Outcome {
    const start = this.#vars.length;
    const { value } = indirect(this.#pipeline(dot, node.pipe));
    const items = this.#iterate(value, node);
    const mark = this.#vars.length;
    const { decl, isAssign } = node.pipe;
    let turns = 0;
    for (const { key, value: element } of items) {
      turns++;
      this.#step();
      const single = decl.length === 1;
      decl.forEach((variable, i) => {
        const assigned = single || i === 1 ? element : key;
        if (isAssign) this.#assign(variable.ident[0], assigned);
        else this.#vars[mark - decl.length + i].value = assigned;
      });
      const outcome = this.walk(element, node.list);
      this.#vars.length = mark;
      if (outcome === "break") break;
    }
    const outcome = turns === 0 && node.elseList ? this.walk(dot, node.elseList) : "done";
    this.#vars.length = start;
    return outcome;
  }

  /** Key and element of each turn. */
  #iterate(value: Value | undefined, node: BranchNode): Iterable<{ key: Value | undefined; value: Value | undefined }> {
    if (value === undefined) return [];
    const { kind } = value;
    if (kind === "slice" || kind === "array") {
      return value.items.map((item, i) => {
        if (kind === "slice" || value.addressable) item.addressable = true;
        return { key: int(i), value: item };
      });
    }
    if (kind === "map") return value.map.sorted();
    if (isInt(kind) || isUint(kind)) {
      if (node.pipe.decl.length > 1)
        this.#fail(`can't use ${printValue(value)} to iterate over more than one variable`);
      return countTo(value);
    }
    if (kind === "interface") return [];
    this.#fail(`range can't iterate over ${printValue(value)}`);
  }

  #template(dot: Value | undefined, node: TemplateNode): void {
    const tree = this.#env.templates.get(node.name);
    if (!tree) this.#fail(`template ${quote(node.name)} not defined`);
    if (this.#depth >= this.#env.limits.depth) this.#fail(`exceeded maximum template depth (${GO_DEPTH})`);
    const data = this.#pipeline(dot, node.pipe);
    new Run(this.#env, tree, data, this.#depth + 1, this.#progress).walk(data, tree.root);
  }

  #print(node: Node, value: Value | undefined): void {
    this.#node = node;
    const shown = value?.kind === "ptr" ? indirect(value).value : value;
    if (shown === undefined) {
      this.#write("<no value>");
      return;
    }
    if (shown.kind === "func") this.#fail(`can't print ${printNode(node)} of type ${shown.type.name}`);
    const pointer = shown.addressable && !hasText(shown.type) && hasText(shown.type.pointer);
    this.#write(printValue(pointer ? pointerTo(shown) : shown));
  }

  #assign(name: string, value: Value | undefined): void {
    for (let i = this.#vars.length - 1; i >= 0; i--) {
      if (this.#vars[i].name === name) {
        this.#vars[i].value = value;
        return;
      }
    }
    this.#fail(`undefined variable: ${name}`);
  }

  #variable(name: string): Value | undefined {
    for (let i = this.#vars.length - 1; i >= 0; i--) if (this.#vars[i].name === name) return this.#vars[i].value;
    this.#fail(`undefined variable: ${name}`);
  }

  #pipeline(dot: Value | undefined, pipe: PipeNode | undefined): Value | undefined {
    if (!pipe) return undefined;
    this.#node = pipe;
    let value: Value | undefined = MISSING;
    for (const command of pipe.commands) {
      this.#step();
      value = this.#command(dot, command, value);
      if (value?.kind === "interface" && value.type.demands.length === 0) value = value.inner ?? undefined;
    }
    for (const variable of pipe.decl) {
      if (pipe.isAssign) this.#assign(variable.ident[0], value);
      else this.#vars.push({ name: variable.ident[0], value });
    }
    return value;
  }

  #notAFunction(args: readonly Operand[], final: Value | undefined): void {
    if (args.length > 1 || final !== MISSING) this.#fail(`can't give argument to non-function ${printNode(args[0])}`);
  }

  #command(dot: Value | undefined, command: CommandNode, final: Value | undefined): Value | undefined {
    const { args } = command;
    const first = args[0];
    switch (first.kind) {
      case "field":
        this.#node = first;
        return this.#chain(dot, dot, first, first.ident, args, final);
      case "chain":
        return this.#chainNode(dot, first, args, final);
      case "identifier":
        return this.#function(dot, first, command, args, final);
      case "pipe":
        this.#notAFunction(args, final);
        return this.#pipeline(dot, first);
      case "variable":
        return this.#variableNode(dot, first, args, final);
    }
    this.#node = first;
    this.#notAFunction(args, final);
    switch (first.kind) {
      case "bool":
        return bool(first.value);
      case "dot":
        return dot;
      case "nil":
        this.#fail("nil is not a command");
        break;
      case "number":
        return this.#constant(first);
      case "string":
        return string(first.text);
    }
    this.#fail(`can't evaluate command ${quote(printNode(first))}`);
  }

  #constant(node: NumberNode): Value | undefined {
    this.#node = node;
    const isRune = node.text.startsWith("'");
    const isHexInt = /^[-+]?0[xX]/.test(node.text) && !/[pP]/.test(node.text);
    if (node.complex) return complex(node.complex.re, node.complex.im);
    if (node.float !== undefined && !isRune && !isHexInt && /[.eEpP]/.test(node.text)) return float(node.float);
    if (node.int !== undefined) return int(node.int);
    this.#fail(`${node.text} overflows int`);
  }

  #chainNode(
    dot: Value | undefined,
    node: Extract<Operand, { kind: "chain" }>,
    args: readonly Operand[],
    final: Value | undefined,
  ): Value | undefined {
    this.#node = node;
    if (node.node.kind === "nil") this.#fail(`indirection through explicit nil in ${printNode(node)}`);
    const receiver = this.#argument(dot, undefined, node.node);
    return this.#chain(dot, receiver, node, node.fields, args, final);
  }

  #variableNode(
    dot: Value | undefined,
    node: Extract<Operand, { kind: "variable" }>,
    args: readonly Operand[],
    final: Value | undefined,
  ): Value | undefined {
    this.#node = node;
    const value = this.#variable(node.ident[0]);
    if (node.ident.length === 1) {
      this.#notAFunction(args, final);
      return value;
    }
    return this.#chain(dot, value, node, node.ident.slice(1), args, final);
  }

  #chain(
    dot: Value | undefined,
    start: Value | undefined,
    node: Node,
    names: readonly string[],
    args: readonly Operand[],
    final: Value | undefined,
  ): Value | undefined {
    let receiver = start;
    for (let i = 0; i < names.length - 1; i++) receiver = this.#field(dot, names[i], node, [], MISSING, receiver);
    return this.#field(dot, names[names.length - 1], node, args, final, receiver);
  }

  #field(
    dot: Value | undefined,
    name: string,
    node: Node,
    args: readonly Operand[],
    final: Value | undefined,
    holder: Value | undefined,
  ): Value | undefined {
    if (holder === undefined) {
      if (this.#env.missingKey === "error") this.#fail(`nil data; no entry for key ${quote(name)}`);
      return undefined;
    }
    const type = holder.type;
    const { value, isNil } = indirect(holder);
    const receiver = value!;
    if (receiver.kind === "interface" && isNil) this.#fail(`nil pointer evaluating ${type.name}.${name}`);
    const method = this.#methodOf(receiver, name);
    if (method) return this.#call(dot, method, node, name, args, final);
    const hasArgs = args.length > 1 || final !== MISSING;
    if (receiver.kind === "struct") {
      const field = receiver.field(name);
      if (field) {
        if (!/^\p{Lu}/u.test(name)) this.#fail(`${name} is an unexported field of struct type ${type.name}`);
        if (hasArgs) this.#fail(`${name} has arguments but cannot be invoked as function`);
        return field;
      }
    } else if (receiver.kind === "map" && receiver.type.key!.kind === "string") {
      if (hasArgs) this.#fail(`${name} is not a method but has arguments`);
      const found = receiver.map.get(string(name));
      if (found) return found;
      if (this.#env.missingKey === "zero") return zero(receiver.type.elem!);
      if (this.#env.missingKey === "error") this.#fail(`map has no entry for key ${quote(name)}`);
      return undefined;
    } else if (receiver.kind === "ptr") {
      const element = receiver.type.elem!;
      const known = element.kind !== "struct" || element.fields.some((field) => field.name === name);
      if (known && isNil) this.#fail(`nil pointer evaluating ${type.name}.${name}`);
    }
    this.#fail(`can't evaluate field ${name} in type ${type.name}`);
  }

  /** A method of the value, or of its address when it has one, bound to it. */
  #methodOf(receiver: Value, name: string): GoFunc | undefined {
    let method = receiver.type.method(name);
    let self = receiver;
    if (!method && receiver.addressable) method = receiver.type.pointer.method(name);
    if (!method) return undefined;
    if (receiver.kind === "ptr" && receiver.inner && !method.pointer) self = receiver.inner;
    const bound = method;
    return { ...bound, call: (args) => bound.call(self, args) };
  }

  #function(
    dot: Value | undefined,
    node: Extract<Operand, { kind: "identifier" }>,
    command: Node,
    args: readonly Operand[],
    final: Value | undefined,
  ): Value | undefined {
    this.#node = node;
    const name = node.ident;
    const own = this.#env.functions.get(name);
    const called = own ?? BUILTINS[name];
    if (!called) this.#fail(`${quote(name)} is not a defined function`);
    if (!own && (name === "and" || name === "or")) return this.#shortCircuit(dot, name, command, args, final);
    if (!own && name === "call") return this.#callBuiltin(dot, command, args, final);
    return this.#call(dot, called, command, name, args, final);
  }

  #shortCircuit(
    dot: Value | undefined,
    name: "and" | "or",
    command: Node,
    args: readonly Operand[],
    final: Value | undefined,
  ): Value | undefined {
    this.#countArguments(BUILTINS[name], name, args, final);
    let value: Value | undefined;
    for (const arg of args.slice(1)) {
      value = this.#argument(dot, ANY_VALUE, arg);
      if (isTrue(value) === (name === "or")) return value;
    }
    this.#node = command;
    return final === MISSING ? value : final;
  }

  #callBuiltin(
    dot: Value | undefined,
    command: Node,
    args: readonly Operand[],
    final: Value | undefined,
  ): Value | undefined {
    this.#countArguments(BUILTINS.call, "call", args, final);
    const values = args.slice(1).map((arg) => this.#argument(dot, ANY_VALUE, arg));
    if (final !== MISSING) values.push(final);
    const spelled =
      args.length > 1 ? printNode(args[1]) : final?.kind === "string" ? final.text : `<${final?.type.name} Value>`;
    return this.#safely(command, "call", () => callValue(spelled, values[0], values.slice(1)));
  }

  #countArguments(func: GoFunc, name: string, args: readonly Operand[], final: Value | undefined): void {
    const given = Math.max(args.length - 1, 0);
    const total = given + (final === MISSING ? 0 : 1);
    const { length } = func.params;
    if (func.variadic) {
      if (total < length - 1) this.#fail(`wrong number of args for ${name}: want at least ${length - 1} got ${given}`);
    } else if (total !== length) this.#fail(`wrong number of args for ${name}: want ${length} got ${total}`);
  }

  #call(
    dot: Value | undefined,
    func: GoFunc,
    node: Node,
    name: string,
    args: readonly Operand[],
    final: Value | undefined,
  ): Value | undefined {
    this.#countArguments(func, name, args, final);
    const last = func.params.length - 1;
    const values = args.slice(1).map((arg, i) => this.#argument(dot, func.params[Math.min(i, last)], arg));
    if (final !== MISSING) values.push(this.#validate(final, func.params[Math.min(values.length, last)]));
    return this.#safely(node, name, () => func.call(values));
  }

  #safely(node: Node, name: string, call: () => Value | undefined): Value | undefined {
    try {
      return call();
    } catch (error) {
      if (error instanceof Suspension || (error instanceof RangeError && /call stack/i.test(error.message)))
        throw error;
      this.#node = node;
      this.#fail(`error calling ${name}: ${error instanceof Error ? error.message : String(error)}`, error);
    }
  }

  /** A value as a parameter of type `type` (undefined: any). */
  #validate(value: Value | undefined, type: Type | undefined): Value | undefined {
    if (type === ANY_VALUE) return value;
    if (value === undefined) {
      if (type === undefined) return undefined;
      if (canBeNil(type)) return zero(type);
      this.#fail(`invalid value; expected ${type.name}`);
    }
    if (type === undefined || value.type.assignableTo(type)) {
      return type?.kind === "interface" ? boxed(value, type) : value;
    }
    let given = value;
    if (given.kind === "interface" && given.inner) {
      given = given.inner;
      if (given.type.assignableTo(type)) return given;
    }
    if (given.kind === "ptr" && given.type.elem!.assignableTo(type)) {
      if (given.inner === null) this.#fail(`dereference of nil pointer of type ${type.name}`);
      return given.inner;
    }
    if (given.addressable && given.type.pointer.assignableTo(type)) return pointerTo(given);
    this.#fail(`wrong type for value; expected ${type.name}; got ${given.type.name}`);
  }

  #argument(dot: Value | undefined, type: Type | undefined, node: Operand): Value | undefined {
    this.#node = node;
    switch (node.kind) {
      case "dot":
        return this.#validate(dot, type);
      case "nil":
        if (type === ANY_VALUE) return undefined;
        if (type && canBeNil(type)) return zero(type);
        this.#fail(`cannot assign nil to ${type?.name ?? "nothing"}`);
        break;
      case "field":
        return this.#validate(this.#chain(dot, dot, node, node.ident, [node], MISSING), type);
      case "variable":
        return this.#validate(this.#variableNode(dot, node, [], MISSING), type);
      case "pipe":
        return this.#validate(this.#pipeline(dot, node), type);
      case "identifier":
        return this.#validate(this.#function(dot, node, node, [], MISSING), type);
      case "chain":
        return this.#validate(this.#chainNode(dot, node, [], MISSING), type);
      default:
        return this.#literal(type, node);
    }
  }

  /** A constant as a parameter of type `type`. */
  #literal(type: Type | undefined, node: Extract<Operand, { kind: "bool" | "number" | "string" }>): Value | undefined {
    const kind = type?.kind;
    if (type === undefined || kind === "any value" || (kind === "interface" && type.demands.length === 0)) {
      const value =
        node.kind === "bool" ? bool(node.value) : node.kind === "string" ? string(node.text) : this.#constant(node);
      return kind === "interface" ? boxed(value, type) : value;
    }
    if (kind === "bool") {
      if (node.kind === "bool") return new Value(type, node.value);
      this.#fail(`expected bool; found ${printNode(node)}`);
    }
    if (kind === "string") {
      if (node.kind === "string") return new Value(type, node.text);
      this.#fail(`expected string; found ${printNode(node)}`);
    }
    const number = node.kind === "number" ? node : undefined;
    if (isInt(kind!)) {
      if (number?.int !== undefined) return prepareArgument(int(number.int), type);
      this.#fail(`expected integer; found ${printNode(node)}`);
    }
    if (isUint(kind!)) {
      if (number?.uint !== undefined) return prepareArgument(int(number.uint), type);
      this.#fail(`expected unsigned integer; found ${printNode(node)}`);
    }
    if (isFloat(kind!)) {
      if (number?.float !== undefined)
        return new Value(type, kind === "float32" ? Math.fround(number.float) : number.float);
      this.#fail(`expected float; found ${printNode(node)}`);
    }
    if (isComplex(kind!)) {
      const value = number?.complex ?? (number?.float === undefined ? undefined : { re: number.float, im: 0 });
      if (value) return new Value(type, value);
      this.#fail(`expected complex; found ${printNode(node)}`);
    }
    this.#fail(`can't handle ${printNode(node)} for arg of type ${type.name}`);
  }
}

function* countTo(limit: Value): Generator<{ key: undefined; value: Value }> {
  for (let i = 0n; i < limit.int; i++) yield { key: undefined, value: new Value(limit.type, i) };
}

function hasText(type: Type): boolean {
  return type.method("Error") !== undefined || type.method("String") !== undefined;
}
