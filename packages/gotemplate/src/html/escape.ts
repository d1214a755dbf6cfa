/**
 * Finds out statically in which context each action of a template stands, and appends the escapers that make its output
 * safe there (html/template/escape.go). Nothing of the parsed trees is changed: the result is a copy.
 *
 * A template called in another context than plain text is copied under a name that tells the context. What a called
 * template ends in is first assumed to be what it starts in, so that recursive ones come to an end, and then checked.
 */
import { TemplateError } from "../error.ts";
import { isStackOverflow } from "../exec/evaluate.ts";
import type { ActionNode, BranchNode, ListNode, Node, TemplateNode, TextNode, Tree } from "../node.ts";
import { printNode } from "../node.ts";
import { placeOf } from "../place.ts";
import { quote } from "../text/quote.ts";
import {
  type Context,
  derivedName,
  describeContext,
  failed,
  nudge,
  type Place,
  type Problem,
  START,
  sameContext,
} from "./context.ts";
import { escapersFor } from "./escape-action.ts";
import { escapeTextNode } from "./escape-text.ts";
import type { EscaperName } from "./escapers.ts";
import { withEscapers } from "./pipeline.ts";

/** Contexts at the breaks and continues of the loop around. */
interface Loop {
  outer: Loop | undefined;
  exits: { kind: "break" | "continue"; context: Context; place: Place; line: number }[];
}

interface Budget {
  /** Nodes that may still be visited: nested loops are visited twice on every level. */
  steps: number;
}

/** What was found out, not yet applied. */
class Findings {
  /** Context at the end of a template, by its (derived) name. */
  readonly ends = new Map<string, Context>();
  readonly derived = new Map<string, Tree>();
  readonly called = new Set<string>();
  readonly actions = new Map<ActionNode, readonly EscaperName[]>();
  readonly calls = new Map<TemplateNode, string>();
  readonly texts = new Map<TextNode, string>();

  adopt(other: Findings): void {
    for (const [name, end] of other.ends) this.ends.set(name, end);
    for (const [name, tree] of other.derived) this.derived.set(name, tree);
    for (const name of other.called) this.called.add(name);
    for (const [node, escapers] of other.actions) this.actions.set(node, escapers);
    for (const [node, name] of other.calls) this.calls.set(node, name);
    for (const [node, text] of other.texts) this.texts.set(node, text);
  }
}

/** The trees of a set of templates, of which some are escaped and may be executed. */
export class EscapedSet {
  /** Originals, each replaced by its escaped copy once it is reached. */
  readonly #trees: Map<string, Tree>;
  readonly #findings = new Findings();
  readonly #failures = new Map<string, TemplateError>();
  readonly #done = new Set<string>();
  readonly #maxSteps: number;

  constructor(trees: ReadonlyMap<string, Tree>, maxSteps: number) {
    // Copies, because edits are found by the identity of nodes and a tree may stand in other sets as well.
    this.#trees = new Map(Array.from(trees, ([name, tree]) => [name, copyTree(tree, name)]));
    this.#maxSteps = maxSteps;
  }

  get trees(): ReadonlyMap<string, Tree> {
    return this.#trees;
  }

  /** Makes the named template safe to execute. Throws a TemplateError when it cannot be, now and later. */
  escape(name: string, isDeclared: (name: string) => boolean): void {
    const failure = this.#failures.get(name);
    if (failure) throw failure;
    if (this.#done.has(name)) return;
    const tree = this.#trees.get(name)!;
    const scope: Scope = {
      trees: this.#trees,
      isDeclared,
      budget: { steps: this.#maxSteps },
    };
    let end: Context | undefined;
    try {
      end = this.#end(scope, tree, name);
    } finally {
      // What was assumed of it must not stand when another template calls it.
      if (end?.state !== "Text") this.#findings.ends.delete(name);
    }
    const problem =
      end.problem ??
      (end.state === "Text"
        ? undefined
        : { name, line: 0, text: `ends in a non-text context: ${describeContext(end)}` });
    if (problem) {
      problem.name = name;
      const error = toError(problem);
      this.#failures.set(name, error);
      throw error;
    }
    this.#done.add(name);
    this.#commit();
  }

  #end(scope: Scope, tree: Tree, name: string): Context {
    try {
      return new Escaper(scope, this.#findings, undefined, tree).template(START, tree.root, name, 0).context;
    } catch (error) {
      if (!isStackOverflow(error)) throw error;
      throw new TemplateError("gotemplate.limit", `html/template:${name}: templates call each other too deeply`, {
        fix: "Nest fewer loops and templates in each other",
      });
    }
  }

  #commit(): void {
    const { derived, called, actions, calls, texts } = this.#findings;
    for (const [name, tree] of derived) if (!this.#trees.has(name)) this.#trees.set(name, tree);
    for (const [node, escapers] of actions) node.pipe = withEscapers(node.pipe, escapers);
    for (const [node, name] of calls) node.name = name;
    for (const [node, text] of texts) node.text = text;
    called.clear();
    actions.clear();
    calls.clear();
    texts.clear();
  }
}

function toError(problem: Problem): TemplateError {
  const { place, name, line, text } = problem;
  if (place) {
    const at = placeOf(place.tree, place.node);
    return new TemplateError("gotemplate.escape", `html/template:${at.text}: ${text}`, { where: at.where });
  }
  const where = name === "" ? {} : { file: name };
  if (line > 0) {
    const message = `html/template:${name}:${line}: ${text}`;
    return new TemplateError("gotemplate.escape", message, { where: { ...where, line } });
  }
  return new TemplateError("gotemplate.escape", `html/template:${name === "" ? "" : `${name}:`} ${text}`, { where });
}

function copyTree(tree: Tree, name: string): Tree {
  return { ...tree, name, root: copyList(tree.root) };
}

/** Pipelines are replaced as a whole, so that they need no copy. */
function copyList(list: ListNode): ListNode {
  return { ...list, nodes: list.nodes.map(copyNode) };
}

function copyNode(node: Node): Node {
  if (node.kind !== "if" && node.kind !== "with" && node.kind !== "range") return { ...node };
  return { ...node, list: copyList(node.list), elseList: node.elseList && copyList(node.elseList) };
}

interface Scope {
  trees: ReadonlyMap<string, Tree>;
  /** Whether there is a template of this name, be it without text. */
  isDeclared(name: string): boolean;
  budget: Budget;
}

class Escaper {
  readonly #scope: Scope;
  readonly #findings: Findings;
  #loop: Loop | undefined;
  /** The tree whose nodes are visited. */
  readonly #tree: Tree;

  constructor(scope: Scope, findings: Findings, loop: Loop | undefined, tree: Tree) {
    this.#scope = scope;
    this.#findings = findings;
    this.#loop = loop;
    this.#tree = tree;
  }

  #place(node: Node): Place {
    return { node, tree: this.#tree };
  }

  #node(c: Context, node: Node): Context {
    if (--this.#scope.budget.steps < 0) {
      throw new TemplateError("gotemplate.limit", `html/template:${this.#tree.name}: too many steps to escape it`, {
        fix: "Nest fewer loops and templates in each other",
      });
    }
    switch (node.kind) {
      case "action": {
        // A variable that is set prints nothing.
        if (node.pipe.decl.length > 0) return c;
        const found = escapersFor(nudge(c), node, this.#place(node));
        if (found.escapers) this.#findings.actions.set(node, found.escapers);
        return found.context;
      }
      case "break":
      case "continue":
        this.#loop!.exits.push({ kind: node.kind, context: c, place: this.#place(node), line: node.line });
        return { ...START, state: "Dead" };
      case "comment":
        return c;
      case "if":
      case "with":
      case "range":
        return this.#branch(c, node);
      case "template": {
        const { context, name } = this.template(c, node, node.name, node.line);
        if (name !== node.name) this.#findings.calls.set(node, name);
        return context;
      }
      case "text": {
        const { context, text } = escapeTextNode(c, node.text);
        if (text !== undefined) this.#findings.texts.set(node, text);
        return context;
      }
      default:
        throw new Error(`cannot escape ${printNode(node)}`);
    }
  }

  #list(start: Context, list: ListNode | undefined): Context {
    let c = start;
    for (const node of list?.nodes ?? []) {
      c = this.#node(c, node);
      if (c.state === "Dead") break;
    }
    return c;
  }

  #branch(c: Context, node: BranchNode): Context {
    if (node.kind !== "range") {
      const first = this.#list(c, node.list);
      return this.#join(first, this.#list(c, node.elseList), node, node.kind);
    }
    let body = this.#turn(c, (start) => this.#list(start, node.list));
    if (body.state === "Error") return body;
    // The body may run again: a second turn must end where the first did.
    body = this.#turn(body, (start) => {
      const again = new Escaper(this.#scope, this.#nested(), this.#loop, this.#tree).#list(start, node.list);
      const both = this.#join(start, again, node, "range");
      if (both.problem) {
        both.problem.line = node.line;
        both.problem.text = `on range loop re-entry: ${both.problem.text}`;
      }
      return both;
    });
    if (body.state === "Error") return body;
    return this.#join(body, this.#list(c, node.elseList), node, "range");
  }

  /** One turn of a loop with what its breaks and continues add. */
  #turn(c: Context, body: (start: Context) => Context): Context {
    const loop: Loop = { outer: this.#loop, exits: [] };
    this.#loop = loop;
    let end = body(c);
    this.#loop = loop.outer;
    if (end.state === "Error") return end;
    const exits = [
      ...loop.exits.filter((exit) => exit.kind === "break"),
      ...loop.exits.filter((exit) => exit.kind === "continue"),
    ];
    for (const exit of exits) {
      end = this.#join(end, exit.context, exit.place.node, "range");
      if (end.problem) {
        end.problem.line = exit.line;
        end.problem.text = `at range loop ${exit.kind}: ${end.problem.text}`;
        return end;
      }
    }
    return end;
  }

  /** Findings that may be thrown away, knowing the ends found so far. */
  #nested(): Findings {
    const nested = new Findings();
    for (const [name, end] of this.#findings.ends) nested.ends.set(name, end);
    return nested;
  }

  #join(a: Context, b: Context, node: Node, kind: string): Context {
    if (a.state === "Error") return a;
    if (b.state === "Error") return b;
    if (a.state === "Dead") return b;
    if (b.state === "Dead" || sameContext(a, b)) return a;
    if (sameContext({ ...a, urlPart: b.urlPart }, b)) return { ...a, urlPart: "Unknown" };
    if (sameContext({ ...a, jsCtx: b.jsCtx }, b)) return { ...a, jsCtx: "Unknown" };
    // <p title={{if .C}}{{.}}{{end}} ends in the value, though without C the value has not begun.
    const [nudgedA, nudgedB] = [nudge(a), nudge(b)];
    if (!sameContext(nudgedA, a) || !sameContext(nudgedB, b)) {
      const joined = this.#join(nudgedA, nudgedB, node, kind);
      if (joined.state !== "Error") return joined;
    }
    const both = `${describeContext(a)}, ${describeContext(b)}`;
    return failed(`{{${kind}}} branches end in different contexts: ${both}`, this.#place(node));
  }

  #lookup(name: string): Tree | undefined {
    return this.#scope.trees.get(name) ?? this.#findings.derived.get(name);
  }

  /** The end of the named template when it is called in the context, and the name of its copy for that. */
  template(c: Context, node: Node, name: string, line: number): { context: Context; name: string } {
    const derived = derivedName(c, name);
    this.#findings.called.add(derived);
    const known = this.#findings.ends.get(derived);
    if (known) return { context: known, name: derived };
    const original = this.#lookup(name);
    if (!original) {
      const text = this.#scope.isDeclared(name)
        ? `${quote(name)} is an incomplete or empty template`
        : `no such template ${quote(name)}`;
      return { context: failed(text, this.#place(node), line), name: derived };
    }
    let tree = original;
    if (derived !== name) {
      tree = this.#lookup(derived) ?? copyTree(original, derived);
      this.#findings.derived.set(derived, tree);
    }
    return { context: this.#end(c, tree), name: derived };
  }

  #end(c: Context, tree: Tree): Context {
    const first = this.#assume(c, c, tree);
    if (first.right) return first.context;
    // What it ended in may be the end it always has. (Go visits it from there, and so escapes it for another start; of
    // that only what it does to the text of an error is left.)
    const start = first.context.problem ? first.context : c;
    const second = this.#assume(start, first.context, tree);
    if (second.right) return second.context;
    if (first.context.state === "Error") return first.context;
    return failed(`cannot compute output context for template ${tree.name}`, { node: tree.root, tree });
  }

  /** Visits a template under the assumption that it ends in `end`; findings are kept only if that was right. */
  #assume(start: Context, end: Context, tree: Tree): { context: Context; right: boolean } {
    this.#findings.ends.set(tree.name, end);
    const findings = this.#nested();
    const context = new Escaper(this.#scope, findings, this.#loop, tree).#list(start, tree.root);
    const right = context.state !== "Error" && (!findings.called.has(tree.name) || sameContext(end, context));
    if (right) {
      this.#findings.adopt(findings);
      // Go keeps the assumption even where nothing relied on it and it is wrong, so that a later call of the template
      // is taken to end in a context it does not end in, and what follows is escaped for the wrong one.
      this.#findings.ends.set(tree.name, context);
    }
    return { context, right };
  }
}
