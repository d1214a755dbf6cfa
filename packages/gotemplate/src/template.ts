/** A set of named templates that share functions, as Go's text/template.Template. */
import { BUILTINS } from "./builtins.ts";
import { TemplateError } from "./error.ts";
import { type Environment, execute, type Limits, type MissingKey } from "./exec.ts";
import { isEmptyTree, type Tree } from "./node.ts";
import { parseTemplate } from "./parse.ts";
import { quote } from "./text/quote.ts";
import type { GoFunc } from "./value/type.ts";
import { fromJs } from "./value/value.ts";

export const DEFAULT_LIMITS: Limits = { steps: 1_000_000, output: 16 * 1024 * 1024, depth: 2_000 };

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
   * Adds the text as this template, and the templates it defines. A later body replaces an earlier one of the same name
   * unless it is empty. Throws a TemplateError that names the line.
   */
  parse(text: string): this {
    if (text.length > MAX_TEXT) {
      throw new TemplateError("gotemplate.limit", `template: ${this.name}: text is longer than ${MAX_TEXT} characters`);
    }
    const hasFunction = (name: string): boolean => this.functions.has(name) || Object.hasOwn(BUILTINS, name);
    for (const [name, tree] of parseTemplate(this.name, text, { hasFunction })) {
      const existing = this.#trees.get(name);
      if (!existing || isEmptyTree(existing.root) || !isEmptyTree(tree.root)) this.#trees.set(name, tree);
    }
    return this;
  }

  /** Another template of the same set: what is parsed into it is not seen here. */
  clone(name = this.name, options: TemplateOptions = {}): Template {
    return new Template(name, { ...this.#options, ...options }, this.#trees);
  }

  /** Names of all templates of the set. */
  get names(): string[] {
    return [...this.#trees.keys()].sort();
  }

  tree(name = this.name): Tree | undefined {
    return this.#trees.get(name);
  }

  get environment(): Environment {
    return {
      templates: this.#trees,
      functions: this.functions,
      missingKey: this.#options.missingKey ?? "invalid",
      limits: { ...DEFAULT_LIMITS, ...this.#options.limits },
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
        `template: ${name}: ${quote(name)} is an incomplete or empty template`,
      );
    }
    return execute(this.environment, tree, fromJs(data)).toWellFormed();
  }
}
