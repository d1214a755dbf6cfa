/** One template being executed: its variables, and where it is, for messages. */
import { TemplateError } from "../error.ts";
import type { Node, Tree } from "../node.ts";
import { printNode } from "../node.ts";
import { placeOf } from "../place.ts";
import { quote } from "../text/quote.ts";
import type { Value } from "../value/value.ts";

interface Variable {
  name: string;
  value: Value | undefined;
}

export class Frame {
  readonly tree: Tree;
  /** The node that messages name. */
  node: Node | undefined;
  readonly #variables: Variable[];

  constructor(tree: Tree, data: Value | undefined) {
    this.tree = tree;
    this.#variables = [{ name: "$", value: data }];
  }

  /** Ends the execution with Go's text: the place, the template, the node. */
  fail(message: string, cause?: unknown): never {
    const { name } = this.tree;
    const node = this.node;
    if (node === undefined) throw new TemplateError("gotemplate.exec", `template: ${name}: ${message}`, { cause });
    const { text, where } = placeOf(this.tree, node);
    throw new TemplateError(
      "gotemplate.exec",
      `template: ${text}: executing ${quote(name)} at <${printNode(node)}>: ${message}`,
      { where, cause },
    );
  }

  /** Ends the execution because it would take too much. */
  limit(message: string, fix: string): never {
    const { parseName, name } = this.tree;
    const place = this.node && placeOf(this.tree, this.node);
    const at = this.node ? ` at <${printNode(this.node)}>` : "";
    throw new TemplateError(
      "gotemplate.limit",
      `template: ${place?.text ?? parseName}: executing ${quote(name)}${at}: ${message}`,
      { fix, where: place?.where },
    );
  }

  /** Variables that are set now; given to `forget` it ends their scope. */
  get mark(): number {
    return this.#variables.length;
  }

  forget(mark: number): void {
    this.#variables.length = mark;
  }

  declare(name: string, value: Value | undefined): void {
    this.#variables.push({ name, value });
  }

  /** Sets the variable that was declared as the `index`-th. */
  set(index: number, value: Value | undefined): void {
    this.#variables[index].value = value;
  }

  /** Sets the innermost variable of the name. */
  assign(name: string, value: Value | undefined): void {
    this.#find(name).value = value;
  }

  variable(name: string): Value | undefined {
    return this.#find(name).value;
  }

  #find(name: string): Variable {
    for (let i = this.#variables.length - 1; i >= 0; i--) {
      if (this.#variables[i].name === name) return this.#variables[i];
    }
    this.fail(`undefined variable: ${name}`);
  }
}
