/**
 * Expands the templates in labels and annotations of Prometheus' rules.
 *
 * Templates run synchronously, queries do not: the first call of a query suspends the run, the query is made, and the
 * template runs again from its start with the answer at hand. A template is pure but for its queries and the fixed
 * evaluation time, so every run takes the same way; with n different queries it runs n + 1 times.
 */
import { TemplateError, type TemplateErrorCode } from "./error.ts";
import { Suspension } from "./exec/environment.ts";
import { DEFAULT_LIMITS, type Limits } from "./exec/limits.ts";
import { alertData, prometheusFunctions, type SampleValue, type TemplateSample } from "./functions/prometheus.ts";
import { Template } from "./template.ts";

export interface ExpandOptions {
  /** Name of the template in messages; upstream's is `__alert_NAME` for rules. */
  name: string;
  labels: Record<string, string>;
  externalLabels: Record<string, string>;
  externalUrl: string;
  value: SampleValue;
  /** Unix ms of the evaluation. */
  timestampMs: number;
  query(expr: string, timestampMs: number): Promise<readonly TemplateSample[]>;
  limits?: Partial<Limits>;
}

/** Upstream's prelude. It stands before the text, so that columns in messages agree with upstream's. */
const PRELUDE =
  "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}";
/** Different queries one template may make. */
const MAX_QUERIES = 100;

type Answer = { samples: readonly TemplateSample[] } | { error: unknown };

/** The time limit over all runs of one template, without the time its queries take. */
export class TimeBudget {
  readonly #limits: Partial<Limits>;
  #left: number;

  constructor(limits: Partial<Limits> = {}) {
    this.#limits = limits;
    this.#left = limits.milliseconds ?? DEFAULT_LIMITS.milliseconds;
  }

  /** Runs with the limits that are left. */
  spend<T>(run: (limits: Partial<Limits>) => T): T {
    const start = performance.now();
    try {
      return run({ ...this.#limits, milliseconds: this.#left });
    } finally {
      this.#left -= performance.now() - start;
    }
  }
}

/** Runs `execute` until no query is missing. */
export async function withQueries(
  query: (expr: string) => Promise<readonly TemplateSample[]>,
  execute: (query: (expr: string) => readonly TemplateSample[]) => string,
): Promise<string> {
  const answers = new Map<string, Answer>();
  const ask = (expr: string): readonly TemplateSample[] => {
    const answer = answers.get(expr);
    if (answer) {
      if ("error" in answer) throw answer.error;
      return answer.samples;
    }
    if (answers.size >= MAX_QUERIES) throw new Error(`more than ${MAX_QUERIES} different queries in one template`);
    throw new Suspension(
      query(expr).then(
        (samples) => void answers.set(expr, { samples }),
        (error: unknown) => void answers.set(expr, { error }),
      ),
    );
  };
  for (;;) {
    try {
      return execute(ask);
    } catch (error) {
      if (!(error instanceof Suspension)) throw error;
      await error.ready;
    }
  }
}

/** As upstream words it: `error executing template NAME: …`. */
export function rethrow(doing: string, name: string, error: unknown): never {
  if (!(error instanceof TemplateError)) throw error;
  throw new TemplateError(error.code as TemplateErrorCode, `error ${doing} ${name}: ${error.message}`, {
    where: error.where,
    fix: error.fix,
    cause: error,
  });
}

/**
 * The text with `$labels`, `$externalLabels`, `$externalURL` and `$value` defined and Prometheus' functions at hand.
 * Throws a TemplateError (a UserError) with upstream's text: `error executing template NAME: template: NAME:1:130: …`.
 */
export async function expandPrometheusTemplate(text: string, options: ExpandOptions): Promise<string> {
  // Most label values hold no action at all.
  if (!text.includes("{{")) return text;
  const { name, timestampMs, externalUrl } = options;
  const parsed = parseRuleTemplate(text, name);
  const data = alertData(options);
  const budget = new TimeBudget(options.limits);
  return withQueries(
    (expr) => options.query(expr, timestampMs),
    (query) => {
      const funcs = prometheusFunctions({ query, timestampMs, externalUrl });
      try {
        return budget.spend((limits) => parsed.clone(undefined, { funcs, limits }).execute(data));
      } catch (error) {
        return rethrow("executing template", name, error);
      }
    },
  );
}

/** Names are what parsing needs of functions. */
const NO_ANSWERS = prometheusFunctions({ query: () => [], timestampMs: 0, externalUrl: "" });
/** Templates of rules that are kept parsed: each runs for every alert of its rule, at every evaluation. */
const MAX_PARSED = 2_000;
const parsedTemplates = new Map<string, Template>();

function parseRuleTemplate(text: string, name: string): Template {
  const key = `${name}\0${text}`;
  let template = parsedTemplates.get(key);
  if (!template) {
    template = new Template(name, { funcs: NO_ANSWERS, missingKey: "zero" });
    try {
      template.parse(PRELUDE + text);
    } catch (error) {
      rethrow("parsing template", name, error);
    }
    if (parsedTemplates.size >= MAX_PARSED) parsedTemplates.delete(parsedTemplates.keys().next().value!);
    parsedTemplates.set(key, template);
  }
  return template;
}

/** Whether the text parses as a rule's template; throws as expandPrometheusTemplate does. */
export function checkPrometheusTemplate(text: string, name: string): void {
  parseRuleTemplate(text, name);
}
