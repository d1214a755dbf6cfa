/** Templates of notifications: the defaults and what the user's files define, run over a notification. */
import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { alertmanagerFunctions, HtmlTemplate, type Limits, Template, type Value } from "@pharos/gotemplate";
import { describeError, UserError } from "@pharos/model";
import { type NotificationData, templateData } from "./data.ts";
import { DEFAULT_TEMPLATES } from "./default-templates.ts";
import { NotifyError } from "./integration.ts";

/** A group of ten thousands of alerts must still be told; a template that runs away must end. */
const LIMITS: Limits = { steps: 50_000_000, output: 64 * 2 ** 20, depth: 1_000, milliseconds: 30_000 };
/** Compiled texts that are kept: they are the configuration's, so there are few. */
const MAX_COMPILED = 5_000;

type Kind = "text" | "html";

export interface Templates {
  /** Runs a text as a template; throws a NotifyError that no retry mends. */
  text(template: string, data: NotificationData): string;
  /** As `text`, with values escaped for where they stand in HTML. */
  html(template: string, data: NotificationData): string;
  /** As the two above, over data that is a Go value already. Throws a TemplateError. */
  execute(kind: Kind, template: string, data: Value): string;
  /** A route's labels, which may be templates that refer to each other. A label that fails is left out and told of. */
  routeLabels(
    labels: Readonly<Record<string, string>>,
    data: NotificationData,
    failed: (label: string, error: unknown) => void,
  ): Record<string, string>;
}

interface Runnable {
  execute(data: unknown): string;
}

type Resolver = (name: string) => string;

export interface TemplateFile {
  path: string;
  text: string;
}

class TemplateSet implements Templates {
  /** What a template that runs now gets from `routeLabels`; templates run synchronously. */
  #routeLabel: Resolver = () => "";
  readonly #set: Template;
  readonly #compiled = { text: new Map<string, Runnable>(), html: new Map<string, Runnable>() };
  /** Values of the data that is being worked on: an integration runs a dozen templates over the same. */
  readonly #values = new WeakMap<NotificationData, Value>();

  constructor(files: readonly TemplateFile[], now: () => number) {
    const funcs = alertmanagerFunctions({ routeLabel: (name) => this.#routeLabel(name), now });
    let set = new Template("default.tmpl", { funcs, missingKey: "zero", limits: LIMITS }).parse(DEFAULT_TEMPLATES);
    for (const { path, text } of files) {
      try {
        set = set.clone(basename(path)).parse(text);
      } catch (error) {
        throw new UserError("alertmanager.template", describeError(error), { where: { file: path }, cause: error });
      }
    }
    this.#set = set;
  }

  text(template: string, data: NotificationData): string {
    return this.#run("text", template, data, (name) => data.routeLabels[name] ?? "");
  }

  html(template: string, data: NotificationData): string {
    return this.#run("html", template, data, (name) => data.routeLabels[name] ?? "");
  }

  execute(kind: Kind, template: string, data: Value): string {
    return this.#compile(kind, template).execute(data);
  }

  routeLabels(
    labels: Readonly<Record<string, string>>,
    data: NotificationData,
    failed: (label: string, error: unknown) => void,
  ): Record<string, string> {
    const done = new Map<string, string>();
    const running: string[] = [];
    const resolve: Resolver = (name) => {
      if (!Object.hasOwn(labels, name)) return "";
      const known = done.get(name);
      if (known !== undefined) return known;
      if (running.includes(name)) throw new Error(`route label cycle detected: ${[...running, name].join(" -> ")}`);
      running.push(name);
      try {
        const rendered = this.#run("text", labels[name], data, resolve);
        done.set(name, rendered);
        return rendered;
      } finally {
        running.pop();
      }
    };
    const out: Record<string, string> = {};
    for (const name of Object.keys(labels)) {
      try {
        out[name] = resolve(name);
      } catch (error) {
        failed(name, error);
      }
    }
    return out;
  }

  #run(kind: Kind, template: string, data: NotificationData, routeLabel: Resolver): string {
    if (!template.includes("{{")) return template;
    const outer = this.#routeLabel;
    this.#routeLabel = routeLabel;
    try {
      let value = this.#values.get(data);
      if (!value) this.#values.set(data, (value = templateData(data)));
      return this.execute(kind, template, value);
    } catch (error) {
      if (error instanceof NotifyError) throw error;
      throw new NotifyError(describeError(error), { cause: error });
    } finally {
      this.#routeLabel = outer;
    }
  }

  #compile(kind: Kind, template: string): Runnable {
    const compiled = this.#compiled[kind];
    let found = compiled.get(template);
    if (!found) {
      const own = this.#set.clone("").parse(template);
      found = kind === "text" ? own : new HtmlTemplate(own);
      if (compiled.size >= MAX_COMPILED) compiled.clear();
      compiled.set(template, found);
    }
    return found;
  }
}

export function createTemplates(files: readonly TemplateFile[], now: () => number = Date.now): Templates {
  return new TemplateSet(files, now);
}

/** Files of upstream's glob patterns; a pattern that finds nothing is no error: they may come later. */
export function readTemplateFiles(globs: readonly string[]): TemplateFile[] {
  return globs.flatMap((glob) =>
    globSync(glob)
      .sort()
      .map((path) => ({ path, text: readFileSync(path, "utf8") })),
  );
}

const ANY_FUNCTIONS = alertmanagerFunctions();

/** Throws when the text is no template. */
export function checkTemplate(text: string): void {
  new Template("", { funcs: ANY_FUNCTIONS }).parse(text);
}
