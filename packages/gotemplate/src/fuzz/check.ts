/** What must hold for every text whatsoever: it parses and runs, or fails with a TemplateError, within its limits. */
import { TemplateError } from "../error.ts";
import { DEFAULT_LIMITS, type Limits } from "../exec/limits.ts";
import { alertmanagerFunctions } from "../functions/alertmanager.ts";
import { prometheusFunctions } from "../functions/prometheus.ts";
import { HtmlTemplate } from "../html/template.ts";
import { CSS, HTML, HTML_ATTR, JS } from "../html/types.ts";
import { Template } from "../template.ts";
import { Moment } from "../time/moment.ts";
import { time } from "../time/types.ts";
import { fromJs, string, Value } from "../value/value.ts";

const LIMITS: Required<Limits> = { steps: 5_000, output: 100_000, depth: 200, milliseconds: 1_000 };

const FUNCTIONS = {
  ...prometheusFunctions({
    query: () => [{ labels: { a: "<1>" }, value: 1.5 }],
    timestampMs: 1_700_000_000_000,
    externalUrl: "http://localhost/x",
  }),
  ...alertmanagerFunctions({ now: () => 1_700_000_000_000 }),
};

const leaf = { text: "</script>'\"<b>&` ${x}", list: ["<1>", 2, null], map: { k: "v", 世: [1] } };
const DATA = fromJs({
  ...leaf,
  next: { ...leaf, next: leaf },
  float: 1234.5,
  url: "javascript:alert(1)//?a=b c#d",
  html: new Value(HTML, "<b>bold</b> &amp; <script>"),
  js: new Value(JS, "f('x')"),
  css: new Value(CSS, "a { b: c }"),
  attr: new Value(HTML_ATTR, "checked"),
  time: time(Moment.fromMillis(1_700_000_000_123)),
  bytes: string("\udc80é"),
});

export interface Outcome {
  /** Code of the TemplateError, undefined when it ran. */
  code: string | undefined;
  milliseconds: number;
}

/** Throws when something is wrong with how the text was dealt with. `clock` tells ms; one of processor time is fair on a busy machine. */
export function checkTemplate(
  text: string,
  isHtml: boolean,
  withDefaults = false,
  clock: () => number = () => performance.now(),
): Outcome {
  const limits = withDefaults ? DEFAULT_LIMITS : LIMITS;
  const start = clock();
  let code: string | undefined;
  try {
    const options = { funcs: FUNCTIONS, limits };
    const template = isHtml ? new HtmlTemplate("fuzz", options) : new Template("fuzz", options);
    const out = template.parse(text).execute(DATA);
    if (out.length > limits.output) throw new Error(`${out.length} characters of output`);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    // JavaScript's own words would be a bug of ours that was taken for the template's.
    if (
      /undefined|Cannot read|is not a function/.test(error.message) &&
      !/undefined variable|is undefined/.test(error.message)
    ) {
      throw new Error(`a bug shows in the message: ${error.message}`, { cause: error });
    }
    code = error.code;
  }
  const milliseconds = clock() - start;
  if (milliseconds > limits.milliseconds + 2_000) throw new Error(`took ${Math.round(milliseconds)} ms`);
  return { code, milliseconds };
}
