/** Runs a parsed template: text, actions, conditions, loops, calls of templates. */
import { TemplateError } from "../error.ts";
import { printValue } from "../fmt/print.ts";
import { hasText } from "../fmt/verbs.ts";
import type { BranchNode, ListNode, Node, TemplateNode, Tree } from "../node.ts";
import { printNode } from "../node.ts";
import { LimitReached } from "../text/bound.ts";
import { quote } from "../text/quote.ts";
import { isInt, isUint } from "../value/type.ts";
import { indirect, int, isTrue, pointerTo, Value } from "../value/value.ts";
import type { Environment } from "./environment.ts";
import { Evaluator, isStackOverflow } from "./evaluate.ts";
import { Frame } from "./frame.ts";
import type { Meter } from "./limits.ts";

/** How a list of nodes ended. */
type Outcome = "done" | "break" | "continue";

/** What one turn of a loop is given. */
interface Turn {
  key: Value | undefined;
  value: Value | undefined;
}

/** The output. Throws a TemplateError, or a Suspension. */
export function execute(env: Environment, tree: Tree, data: Value | undefined, meter: Meter): string {
  const out: string[] = [];
  meter.enter();
  try {
    new Run(env, new Frame(tree, data), meter, out).walk(data, tree.root);
  } catch (error) {
    if (!isStackOverflow(error)) throw error;
    throw new TemplateError(
      "gotemplate.limit",
      `template: ${tree.parseName}: executing ${quote(tree.name)}: exceeded maximum template depth (100000)`,
      { fix: "A template probably calls itself without end" },
    );
  } finally {
    meter.leave();
  }
  return out.join("");
}

class Run {
  readonly #env: Environment;
  readonly #frame: Frame;
  readonly #meter: Meter;
  readonly #out: string[];
  readonly #evaluator: Evaluator;

  constructor(env: Environment, frame: Frame, meter: Meter, out: string[]) {
    this.#env = env;
    this.#frame = frame;
    this.#meter = meter;
    this.#out = out;
    this.#evaluator = new Evaluator(env, frame, meter);
  }

  #write(text: string): void {
    this.#meter.write(text.length);
    this.#out.push(text);
  }

  walk(dot: Value | undefined, node: Node): Outcome {
    try {
      return this.#walk(dot, node);
    } catch (error) {
      if (error instanceof LimitReached) this.#frame.limit(error.message, error.fix);
      throw error;
    }
  }

  #walk(dot: Value | undefined, node: Node): Outcome {
    this.#frame.node = node;
    this.#meter.step();
    switch (node.kind) {
      case "list":
        return this.#list(dot, node);
      case "text":
        this.#write(node.text);
        return "done";
      case "comment":
        return "done";
      case "action": {
        const value = this.#evaluator.pipeline(dot, node.pipe);
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
      const outcome = this.#walk(dot, node);
      if (outcome !== "done") return outcome;
    }
    return "done";
  }

  #condition(dot: Value | undefined, node: BranchNode): Outcome {
    const { mark } = this.#frame;
    const value = this.#evaluator.pipeline(dot, node.pipe);
    let outcome: Outcome = "done";
    if (isTrue(value)) {
      outcome = this.#walk(node.kind === "with" ? value : dot, node.list);
    } else if (node.elseList) outcome = this.#walk(dot, node.elseList);
    this.#frame.forget(mark);
    return outcome;
  }

  #range(dot: Value | undefined, node: BranchNode): Outcome {
    const frame: Frame = this.#frame;
    const start = frame.mark;
    const { value } = indirect(this.#evaluator.pipeline(dot, node.pipe));
    const { mark } = frame;
    const { decl, isAssign } = node.pipe;
    let turns = 0;
    for (const turn of this.#turns(value, node)) {
      turns++;
      this.#meter.step();
      decl.forEach((variable, i) => {
        const given = decl.length === 1 || i === 1 ? turn.value : turn.key;
        if (isAssign) frame.assign(variable.ident[0], given);
        else frame.set(mark - decl.length + i, given);
      });
      const outcome = this.#walk(turn.value, node.list);
      frame.forget(mark);
      if (outcome === "break") break;
    }
    const outcome = turns === 0 && node.elseList ? this.#walk(dot, node.elseList) : "done";
    frame.forget(start);
    return outcome;
  }

  #turns(value: Value | undefined, node: BranchNode): Iterable<Turn> {
    if (value === undefined) return [];
    const { kind } = value;
    if (kind === "slice" || kind === "array") return elements(value);
    if (kind === "map") return value.map.sorted();
    if (kind === "interface") return [];
    const isPair = node.pipe.decl.length > 1;
    if (isInt(kind) || isUint(kind)) {
      if (isPair) this.#frame.fail(`can't use ${printValue(value)} to iterate over more than one variable`);
      return countTo(value);
    }
    const { sequence } = value;
    if (sequence) {
      // Without "to": so is Go's text.
      if (isPair && value.type.sequence === 1) {
        this.#frame.fail(`can't use ${printValue(value)} iterate over more than one variable`);
      }
      return isPair ? pairs(sequence()) : firsts(sequence());
    }
    this.#frame.fail(`range can't iterate over ${printValue(value)}`);
  }

  #template(dot: Value | undefined, node: TemplateNode): void {
    const frame: Frame = this.#frame;
    const tree = this.#env.templates.get(node.name);
    if (!tree) frame.fail(`template ${quote(node.name)} not defined`);
    this.#meter.enter();
    const data = this.#evaluator.pipeline(dot, node.pipe);
    new Run(this.#env, new Frame(tree, data), this.#meter, this.#out).walk(data, tree.root);
    this.#meter.leave();
  }

  #print(node: Node, value: Value | undefined): void {
    this.#frame.node = node;
    const shown = value?.kind === "ptr" ? indirect(value).value : value;
    if (shown === undefined) {
      this.#write("<no value>");
      return;
    }
    if (shown.kind === "func") this.#frame.fail(`can't print ${printNode(node)} of type ${shown.type.name}`);
    const usesPointer = shown.addressable && !hasText(shown.type) && hasText(shown.type.pointer);
    this.#write(printValue(usesPointer ? pointerTo(shown) : shown));
  }
}

function* elements(list: Value): Generator<Turn> {
  const isAddressable = list.kind === "slice" || list.addressable;
  for (const [i, item] of list.items.entries()) {
    if (isAddressable) item.addressable = true;
    yield { key: int(i), value: item };
  }
}

function* countTo(limit: Value): Generator<Turn> {
  for (let i = 0n; i < limit.int; i++) yield { key: undefined, value: new Value(limit.type, i) };
}

function* pairs(items: Iterable<readonly Value[]>): Generator<Turn> {
  for (const [key, value] of items) yield { key, value };
}

/** Of a pair its first. */
function* firsts(items: Iterable<readonly Value[]>): Generator<Turn> {
  for (const [value] of items) yield { key: undefined, value };
}
