/** A set of named templates whose output is safe HTML, as Go's html/template.Template. */
import { TemplateError } from "../error.ts";
import { execute } from "../exec/execute.ts";
import { Meter } from "../exec/limits.ts";
import { Template, type TemplateOptions } from "../template.ts";
import { quote } from "../text/quote.ts";
import type { GoFunc } from "../value/type.ts";
import { fromJs } from "../value/value.ts";
import { EscapedSet } from "./escape.ts";
import { ESCAPERS } from "./escapers.ts";

export class HtmlTemplate {
  readonly #text: Template;
  /** Made by the first execution; nothing may be added after that. */
  #escaped: EscapedSet | undefined;
  /** The template's own and the escapers. */
  #functions: ReadonlyMap<string, GoFunc> | undefined;
  /** Of the execution that is running: one that a function starts shares its limits. */
  #meter: Meter | undefined;

  /** A name, or a text template: its set is copied, and its options are used unless others are given. */
  constructor(template: string | Template, options: TemplateOptions = {}) {
    this.#text = typeof template === "string" ? new Template(template, options) : template.clone(undefined, options);
  }

  get name(): string {
    return this.#text.name;
  }

  /** Names of all templates of the set. */
  get names(): string[] {
    return this.#text.names;
  }

  #checkUnused(doing: string): void {
    if (this.#escaped) throw new TemplateError("gotemplate.escape", `html/template: cannot ${doing}`);
  }

  /**
   * Adds the text, as Template.parse does. Throws a TemplateError that names the line, and once a template of the set
   * was executed.
   */
  parse(text: string, name?: string): this {
    this.#checkUnused("Parse after Execute");
    this.#text.parse(text, name);
    return this;
  }

  /** Another template of the same set, as Template.clone. Throws once a template of the set was executed. */
  clone(name?: string, options: TemplateOptions = {}): HtmlTemplate {
    this.#checkUnused(`Clone ${quote(this.name)} after it has executed`);
    return new HtmlTemplate(this.#text.clone(name, options));
  }

  /**
   * The HTML with every action's output escaped for where it stands. Throws a TemplateError: of code
   * `gotemplate.escape` when the template is not safe with any data, else as Template.execute does.
   */
  execute(data?: unknown, name = this.name): string {
    const set = (this.#escaped ??= new EscapedSet(this.#text.environment.templates, this.#text.limits.steps));
    if (!set.trees.has(name)) this.#missing(name);
    set.escape(name, (other) => other === this.name);
    const environment = {
      ...this.#text.environment,
      templates: set.trees,
      functions: (this.#functions ??= new Map([...this.#text.functions, ...Object.entries(ESCAPERS)])),
    };
    const outer = this.#meter;
    const meter = outer ?? new Meter(this.#text.limits);
    this.#meter = meter;
    try {
      return execute(environment, set.trees.get(name)!, fromJs(data), meter).toWellFormed();
    } finally {
      this.#meter = outer;
    }
  }

  #missing(name: string): never {
    throw new TemplateError(
      "gotemplate.exec",
      name === this.name
        ? `template: ${quote(name)} is an incomplete or empty template`
        : `html/template: ${quote(name)} is undefined`,
    );
  }
}
