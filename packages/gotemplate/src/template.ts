/** A set of named templates that share functions, as Go's text/template.Template. */
import { BUILTINS } from "./builtins.ts";
import { TemplateError } from "./error.ts";
import type { Environment, MissingKey } from "./exec/environment.ts";
import { execute } from "./exec/execute.ts";
import { DEFAULT_LIMITS, type Limits, Meter } from "./exec/limits.ts";
import { isEmptyTree, type Tree } from "./node.ts";
import { parseTemplate } from "./parse.ts";
import { quote } from "./text/quote.ts";
import type { GoFunc } from "./value/type.ts";
import { fromJs } from "./value/value.ts";

export interface TemplateOptions {
  /** Functions beside Go's built-in ones; one of the same name replaces it. */
  funcs?: Readonly<Record<string, GoFunc>>;
  limits?: Partial<Limits>;
  /** What a missing map key gives: nothing (`invalid`, Go's default), the zero value, or an error. */
  missingKey?: MissingKey;
}

/** Longest text that is parsed, in characters. */
const MAX_TEXT = 4 * 1024 * 1024;

export class Template {
  readonly name: string;
  readonly functions: ReadonlyMap<string, GoFunc>;
  readonly #trees: Map<string, Tree>;
  readonly #options: TemplateOptions;

  constructor(name: string, options: TemplateOptions = {}, trees: ReadonlyMap<string, Tree> = new Map()) {
    this.name = name;
    this.#options = options;
    this.functions = new Map(Object.entries(options.funcs ?? {}));
    this.#trees = new Map(trees);
  }

  /**
   * Adds the text as this template, or as one of another name (a file of the set), and the templates it defines. A later
   * body replaces an earlier one of the same name unless it is empty. Throws a TemplateError that names the line.
   */
  parse(text: string, name = this.name): this {
    if (text.length > MAX_TEXT) {
      throw new TemplateError("gotemplate.limit", `template: ${name}: text is longer than ${MAX_TEXT} characters`);
    }
    const hasFunction = (func: string): boolean => this.functions.has(func) || Object.hasOwn(BUILTINS, func);
    const trees = parseTemplate(name, text, { hasFunction });
    if (name !== this.name) this.#trees.delete(name);
    for (const [defined, tree] of trees) {
      if (!this.#trees.has(defined) || !isEmptyTree(tree.root)) this.#trees.set(defined, tree);
    }
    return this;
  }

  /**
   * Another template of the same set: what is parsed into it is not seen here. With a name it starts without text of
   * its own (Go's `Clone().New(name)`), without one it is a copy. Options given replace those of this template.
   */
  clone(name?: string, options: TemplateOptions = {}): Template {
    const clone = new Template(name ?? this.name, { ...this.#options, ...options }, this.#trees);
    if (name !== undefined) clone.#trees.delete(name);
    return clone;
  }

  /** Names of all templates of the set. */
  get names(): string[] {
    return [...this.#trees.keys()].sort();
  }

  tree(name = this.name): Tree | undefined {
    return this.#trees.get(name);
  }

  get limits(): Required<Limits> {
    return { ...DEFAULT_LIMITS, ...this.#options.limits };
  }

  get environment(): Environment {
    return {
      templates: this.#trees,
      functions: this.functions,
      missingKey: this.#options.missingKey ?? "invalid",
    };
  }

  /**
   * The text with its actions replaced by what they print. `data` may be JavaScript data (see fromJs) or a Value.
   * Throws a TemplateError with Go's message, and lets a Suspension of a function through.
   */
  execute(data?: unknown, name = this.name): string {
    const tree = this.#trees.get(name);
    if (!tree) {
      throw new TemplateError(
        "gotemplate.exec",
        name === this.name
          ? `template: ${name}: ${quote(name)} is an incomplete or empty template`
          : `template: no template ${quote(name)} associated with template ${quote(this.name)}`,
      );
    }
    return execute(this.environment, tree, fromJs(data), new Meter(this.limits)).toWellFormed();
  }
}
