/** One row of template-vectors.json under the engine it names. */
import { DEFAULT_TEMPLATES } from "@pharos/alertmanager";
import {
  alertmanagerFunctions,
  expandPrometheusConsole,
  expandPrometheusTemplate,
  HtmlTemplate,
  type MissingKey,
  prometheusFunctions,
  type SampleValue,
  Template,
  type TemplateSample,
} from "@pharos/gotemplate";
import { goValue } from "./values.ts";

export interface Vector {
  id: string;
  engine: string;
  group: string;
  template: string;
  data?: unknown;
  options?: string[];
  query?: { $sample: { labels: Record<string, string>; value: number | string } }[];
  query_error?: string;
  files?: Record<string, string>;
  expected?: string;
  error?: string;
}

const number = (value: number | string): SampleValue =>
  value === "+Inf" ? Infinity : value === "-Inf" ? -Infinity : Number(value);

function samples(vector: Vector): TemplateSample[] {
  if (vector.query_error !== undefined) throw new Error(vector.query_error);
  return (vector.query ?? []).map(({ $sample }) => ({ labels: $sample.labels, value: number($sample.value) }));
}

function missingKey(vector: Vector, standard: MissingKey): MissingKey {
  const option = vector.options?.find((text) => text.startsWith("missingkey="))?.slice("missingkey=".length);
  return option === "default" || option === "invalid" ? "invalid" : ((option as MissingKey | undefined) ?? standard);
}

/** As Alertmanager expands a field: in a clone of its default templates and the user's files, named "". */
function expandAlertmanager(vector: Vector): string {
  const data = goValue(vector.data);
  const labels = (vector.data as { $amdata?: { routeLabels?: Record<string, string> } } | undefined)?.$amdata
    ?.routeLabels;
  const running: string[] = [];
  const routeLabel = (name: string): string => {
    if (labels?.[name] === undefined) return "";
    if (running.includes(name)) throw new Error(`route label cycle detected: ${[...running, name].join(" -> ")}`);
    running.push(name);
    const text = base.clone("").parse(labels[name]).execute(data);
    running.pop();
    return text;
  };
  const base = new Template("", { funcs: alertmanagerFunctions({ routeLabel }), missingKey: "zero" });
  base.parse(DEFAULT_TEMPLATES);
  for (const text of Object.values(vector.files ?? {})) base.parse(text);
  const template = base.clone("").parse(vector.template);
  return vector.engine === "am-html" ? new HtmlTemplate(template).execute(data) : template.execute(data);
}

async function expand(vector: Vector): Promise<string> {
  switch (vector.engine) {
    case "go-text":
      return new Template("t", { missingKey: missingKey(vector, "invalid") })
        .parse(vector.template)
        .execute(goValue(vector.data));
    case "prom-text": {
      const funcs = prometheusFunctions({
        query: () => samples(vector),
        timestampMs: 1353755652000,
        externalUrl: "http://testhost:9090/path/prefix",
      });
      const template = new Template("test", { funcs, missingKey: missingKey(vector, "zero") });
      let doing = "parsing";
      try {
        template.parse(vector.template);
        doing = "executing";
        return template.execute(goValue(vector.data));
      } catch (error) {
        throw new Error(`error ${doing} template test: ${(error as Error).message}`);
      }
    }
    case "prom-alert": {
      const data = vector.data as {
        Labels?: { $map: Record<string, string> };
        ExternalLabels?: { $map: Record<string, string> };
        Value?: number | { $float: string };
      };
      const value = typeof data.Value === "object" ? data.Value.$float : data.Value;
      return expandPrometheusTemplate(vector.template, {
        name: "__alert_TestAlert",
        labels: data.Labels?.$map ?? {},
        externalLabels: data.ExternalLabels?.$map ?? {},
        externalUrl: "http://testhost:9090/path/prefix",
        value: number(value ?? 0),
        timestampMs: 1353755652000,
        query: async () => samples(vector),
      });
    }
    case "go-html":
      return new HtmlTemplate("t", { missingKey: missingKey(vector, "invalid") })
        .parse(vector.template)
        .execute(goValue(vector.data));
    case "prom-html":
      return expandPrometheusConsole(vector.template, {
        name: "test",
        data: goValue(vector.data),
        libraries: Object.entries(vector.files ?? {}).map(([name, text]) => ({ name, text })),
        externalUrl: "http://testhost:9090/path/prefix",
        timestampMs: 1353755652000,
        missingKey: missingKey(vector, "zero"),
        query: async () => samples(vector),
      });
    case "am-text":
    case "am-html":
      return expandAlertmanager(vector);
    default:
      throw new Error(`there is no engine ${vector.engine}`);
  }
}

export async function runVector(vector: Vector): Promise<string | undefined> {
  try {
    const text = await expand(vector);
    if (vector.error !== undefined) return `did not fail but gave ${JSON.stringify(text)}, want ${vector.error}`;
    return text === vector.expected
      ? undefined
      : `got ${JSON.stringify(text)}, want ${JSON.stringify(vector.expected)}`;
  } catch (error) {
    const { message } = error as Error;
    if (vector.error === undefined) return `failed: ${message}`;
    return message === vector.error
      ? undefined
      : `got ${JSON.stringify(message)}, want ${JSON.stringify(vector.error)}`;
  }
}
