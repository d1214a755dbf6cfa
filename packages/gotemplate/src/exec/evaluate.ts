/** Pipelines, commands and operands: what gives a value. Rules and messages are Go's text/template/exec.go. */
import { BUILTINS, callValue } from "../builtins.ts";
import { TemplateError } from "../error.ts";
import type { ChainNode, CommandNode, IdentifierNode, Node, Operand, PipeNode, VariableNode } from "../node.ts";
import { printNode } from "../node.ts";
import { LimitReached } from "../text/bound.ts";
import { quote } from "../text/quote.ts";
import { ANY_VALUE, type GoFunc, type Type } from "../value/type.ts";
import { bool, isTrue, string, type Value } from "../value/value.ts";
import { asArgument, countArguments, NOTHING_PIPED, nilArgument } from "./argument.ts";
import { type Environment, Suspension } from "./environment.ts";
import type { Frame } from "./frame.ts";
import type { Meter } from "./limits.ts";
import { literalArgument, numberValue } from "./literal.ts";
import { lookUp } from "./lookup.ts";

/** Without calling anything that needs much of the stack: there is little left. */
export function isStackOverflow(error: unknown): boolean {
  return error instanceof Error && (error.message.includes("call stack") || error.message.endsWith("Stack overflow"));
}

export class Evaluator {
  readonly #env: Environment;
  readonly #frame: Frame;
  readonly #meter: Meter;

  constructor(env: Environment, frame: Frame, meter: Meter) {
    this.#env = env;
    this.#frame = frame;
    this.#meter = meter;
  }

  /** The value of the last command; variables the pipeline declares are set. */
  pipeline(dot: Value | undefined, pipe: PipeNode | undefined): Value | undefined {
    if (!pipe) return undefined;
    this.#frame.node = pipe;
    let value: Value | undefined = NOTHING_PIPED;
    for (const command of pipe.commands) {
      this.#meter.step();
      value = this.#command(dot, command, value);
      if (value?.kind === "interface" && value.type.demands.length === 0) value = value.inner ?? undefined;
    }
    for (const variable of pipe.decl) {
      if (pipe.isAssign) this.#frame.assign(variable.ident[0], value);
      else this.#frame.declare(variable.ident[0], value);
    }
    return value;
  }

  #notAFunction(args: readonly Operand[], final: Value | undefined): void {
    if (args.length > 1 || final !== NOTHING_PIPED) {
      this.#frame.fail(`can't give argument to non-function ${printNode(args[0])}`);
    }
  }

  #command(dot: Value | undefined, command: CommandNode, final: Value | undefined): Value | undefined {
    const { args } = command;
    const first = args[0];
    switch (first.kind) {
      case "field":
        this.#frame.node = first;
        return this.#fields(dot, dot, first, first.ident, args, final);
      case "chain":
        return this.#chain(dot, first, args, final);
      case "identifier":
        return this.#function(dot, first, command, args, final);
      case "pipe":
        this.#notAFunction(args, final);
        return this.pipeline(dot, first);
      case "variable":
        return this.#variable(dot, first, args, final);
    }
    this.#frame.node = first;
    this.#notAFunction(args, final);
    switch (first.kind) {
      case "bool":
        return bool(first.value);
      case "dot":
        return dot;
      case "nil":
        return this.#frame.fail("nil is not a command");
      case "number":
        return numberValue(this.#frame, first);
      case "string":
        return string(first.text);
    }
  }

  #chain(
    dot: Value | undefined,
    node: ChainNode,
    args: readonly Operand[],
    final: Value | undefined,
  ): Value | undefined {
    this.#frame.node = node;
    if (node.node.kind === "nil") this.#frame.fail(`indirection through explicit nil in ${printNode(node)}`);
    const receiver = this.#argument(dot, undefined, node.node);
    return this.#fields(dot, receiver, node, node.fields, args, final);
  }

  #variable(
    dot: Value | undefined,
    node: VariableNode,
    args: readonly Operand[],
    final: Value | undefined,
  ): Value | undefined {
    this.#frame.node = node;
    const value = this.#frame.variable(node.ident[0]);
    if (node.ident.length === 1) {
      this.#notAFunction(args, final);
      return value;
    }
    return this.#fields(dot, value, node, node.ident.slice(1), args, final);
  }

  /** `.A.B.C`: arguments are for the last. */
  #fields(
    dot: Value | undefined,
    start: Value | undefined,
    node: Node,
    names: readonly string[],
    args: readonly Operand[],
    final: Value | undefined,
  ): Value | undefined {
    let holder = start;
    names.forEach((name, i) => {
      const isLast = i === names.length - 1;
      const [given, piped] = isLast ? [args, final] : [[], NOTHING_PIPED];
      const hasArguments = given.length > 1 || piped !== NOTHING_PIPED;
      const found = lookUp(this.#frame, holder, name, hasArguments, this.#env.missingKey);
      holder = "method" in found ? this.#call(dot, found.method, node, name, given, piped) : found.value;
    });
    return holder;
  }

  #function(
    dot: Value | undefined,
    node: IdentifierNode,
    command: Node,
    args: readonly Operand[],
    final: Value | undefined,
  ): Value | undefined {
    this.#frame.node = node;
    const name = node.ident;
    const own = this.#env.functions.get(name);
    const called = own ?? (Object.hasOwn(BUILTINS, name) ? BUILTINS[name] : undefined);
    if (!called) this.#frame.fail(`${quote(name)} is not a defined function`);
    if (!own && (name === "and" || name === "or")) return this.#shortCircuit(dot, name, args, final);
    if (!own && name === "call") return this.#callBuiltin(dot, command, args, final);
    return this.#call(dot, called, command, name, args, final);
  }

  #shortCircuit(
    dot: Value | undefined,
    name: "and" | "or",
    args: readonly Operand[],
    final: Value | undefined,
  ): Value | undefined {
    countArguments(this.#frame, BUILTINS[name], name, args, final);
    let value: Value | undefined;
    for (const arg of args.slice(1)) {
      value = this.#argument(dot, ANY_VALUE, arg);
      if (isTrue(value) === (name === "or")) return value;
    }
    return final === NOTHING_PIPED ? value : final;
  }

  #callBuiltin(
    dot: Value | undefined,
    command: Node,
    args: readonly Operand[],
    final: Value | undefined,
  ): Value | undefined {
    countArguments(this.#frame, BUILTINS.call, "call", args, final);
    const values = args.slice(1).map((arg) => this.#argument(dot, ANY_VALUE, arg));
    if (final !== NOTHING_PIPED) values.push(final);
    const spelled =
      args.length > 1 ? printNode(args[1]) : final?.kind === "string" ? final.text : `<${final?.type.name} Value>`;
    return this.#safely(command, "call", () => callValue(spelled, values[0], values.slice(1)));
  }

  #call(
    dot: Value | undefined,
    func: GoFunc,
    node: Node,
    name: string,
    args: readonly Operand[],
    final: Value | undefined,
  ): Value | undefined {
    countArguments(this.#frame, func, name, args, final);
    const last = func.params.length - 1;
    const values = args.slice(1).map((arg, i) => this.#argument(dot, func.params[Math.min(i, last)], arg));
    if (final !== NOTHING_PIPED) {
      values.push(asArgument(this.#frame, final, func.params[Math.min(values.length, last)]));
    }
    return this.#safely(node, name, () => func.call(values));
  }

  /** What the function throws becomes the template's error. */
  #safely(node: Node, name: string, call: () => Value | undefined): Value | undefined {
    let value: Value | undefined;
    try {
      value = call();
    } catch (error) {
      if (error instanceof Suspension || error instanceof LimitReached || isStackOverflow(error)) throw error;
      // Of a template that the function ran.
      if (error instanceof TemplateError && error.code === "gotemplate.limit") throw error;
      this.#frame.node = node;
      this.#frame.fail(`error calling ${name}: ${error instanceof Error ? error.message : String(error)}`, error);
    }
    this.#meter.checkClock();
    if (value?.kind === "string") this.#meter.check(value.text.length);
    return value;
  }

  #argument(dot: Value | undefined, type: Type | undefined, node: Operand): Value | undefined {
    const frame: Frame = this.#frame;
    frame.node = node;
    switch (node.kind) {
      case "dot":
        return asArgument(frame, dot, type);
      case "nil":
        return nilArgument(frame, type);
      case "field":
        return asArgument(frame, this.#fields(dot, dot, node, node.ident, [node], NOTHING_PIPED), type);
      case "variable":
        return asArgument(frame, this.#variable(dot, node, [], NOTHING_PIPED), type);
      case "pipe":
        return asArgument(frame, this.pipeline(dot, node), type);
      case "identifier":
        return asArgument(frame, this.#function(dot, node, node, [], NOTHING_PIPED), type);
      case "chain":
        return asArgument(frame, this.#chain(dot, node, [], NOTHING_PIPED), type);
      default:
        return literalArgument(frame, type, node);
    }
  }
}
