/** Prometheus' console templates: HTML pages with the functions of its rules, and `tmpl`. */

import type { MissingKey } from "./exec/environment.ts";
import type { Limits } from "./exec/limits.ts";
import { rethrow, TimeBudget, withQueries } from "./expand.ts";
import { prometheusFunctions, type TemplateSample } from "./functions/prometheus.ts";
import { HtmlTemplate } from "./html/template.ts";
import { HTML } from "./html/types.ts";
import { fn } from "./value/function.ts";
import { ANY, mapOf, STRING, Type } from "./value/type.ts";
import { GoMap, STRING_MAP, sliceOf, string, stringMap, Value } from "./value/value.ts";

/** Upstream's variables of a page. Stands before the text on one line, so that lines in messages agree with upstream's. */
export const CONSOLE_PRELUDE =
  "{{$rawParams := .RawParams }}{{$params := .Params}}{{$path := .Path}}{{$externalLabels := .ExternalLabels}}";

export interface ConsoleOptions {
  /** Name of the template in messages; upstream's is `__console_PATH` for pages. */
  name: string;
  data: unknown;
  /** Texts that define templates: the files of the console library, by their base names. */
  libraries: readonly { name: string; text: string }[];
  externalUrl: string;
  /** Unix ms of the evaluation. */
  timestampMs: number;
  query(expr: string, timestampMs: number): Promise<readonly TemplateSample[]>;
  missingKey?: MissingKey;
  limits?: Partial<Limits>;
}

/**
 * The page as HTML, with all output escaped for where it stands. `text` is used as it is: put CONSOLE_PRELUDE before it
 * for upstream's variables. Throws a TemplateError with upstream's text.
 */
export async function expandPrometheusConsole(text: string, options: ConsoleOptions): Promise<string> {
  const { name, data, libraries, timestampMs, externalUrl, missingKey = "zero" } = options;
  const budget = new TimeBudget(options.limits);
  return withQueries(
    (expr) => options.query(expr, timestampMs),
    (query) =>
      budget.spend((limits) => {
        const tmpl = fn([STRING, ANY], HTML, (other, value) => new Value(HTML, page.execute(value, other.text)));
        const funcs = { ...prometheusFunctions({ query, timestampMs, externalUrl }), tmpl };
        const page = new HtmlTemplate(name, { funcs, missingKey, limits });
        let doing = "parsing template";
        try {
          page.parse(text);
          doing = "parsing template files for";
          for (const library of libraries) page.parse(library.text, library.name);
          doing = "executing template";
          return page.execute(data);
        } catch (error) {
          return rethrow(doing, name, error);
        }
      }),
  );
}

const VALUES = new Type("map", "url.Values", { key: STRING, elem: STRING.slice });
const CONSOLE_DATA = new Type(
  "struct",
  "struct { RawParams url.Values; Params map[string]string; Path string; ExternalLabels map[string]string }",
  {
    fields: [
      { name: "RawParams", type: VALUES },
      { name: "Params", type: STRING_MAP },
      { name: "Path", type: STRING },
      { name: "ExternalLabels", type: mapOf(STRING, STRING) },
    ],
  },
);

/** What a console page is given: `.RawParams`, `.Params` (the first value of each), `.Path`, `.ExternalLabels`. */
export function consoleData(request: {
  params: Readonly<Record<string, readonly string[]>>;
  path: string;
  externalLabels: Readonly<Record<string, string>>;
}): Value {
  const raw = new GoMap();
  for (const [name, values] of Object.entries(request.params))
    raw.set(string(name), sliceOf(STRING, values.map(string)));
  const first = Object.entries(request.params).map(([name, values]) => [name, values[0] ?? ""] as const);
  return new Value(CONSOLE_DATA, [
    new Value(VALUES, raw),
    stringMap(first),
    string(request.path.replace(/^\/+/, "")),
    stringMap(Object.entries(request.externalLabels)),
  ]);
}
