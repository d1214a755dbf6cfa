export * from "./console.ts";
export { parseConstant } from "./constant.ts";
export * from "./error.ts";
export { type MissingKey, Suspension } from "./exec/environment.ts";
export { DEFAULT_LIMITS, type Limits } from "./exec/limits.ts";
export {
  checkPrometheusTemplate,
  type ExpandOptions,
  expandPrometheusTemplate,
  withQueries,
} from "./expand.ts";
export { formatFloat } from "./fmt/float.ts";
export { sprint, sprintf, sprintln } from "./fmt/print.ts";
export { type AlertmanagerEnvironment, alertmanagerFunctions } from "./functions/alertmanager.ts";
export * from "./functions/alertmanager-data.ts";
export {
  type PrometheusEnvironment,
  prometheusFunctions,
  type SampleValue,
  type TemplateSample,
  vector,
} from "./functions/prometheus.ts";
export { replaceAll as replaceAllRegexp } from "./functions/regexp.ts";
export { HtmlTemplate } from "./html/template.ts";
export * from "./html/types.ts";
export { marshal as toJson } from "./json/marshal.ts";
export { Lexer, type Token } from "./lex.ts";
export { printNode, type Tree } from "./node.ts";
export { parseTemplate } from "./parse.ts";
export { Template, type TemplateOptions } from "./template.ts";
export { htmlEscape, pathEscape, queryEscape } from "./text/escape.ts";
export { quote, unquote } from "./text/quote.ts";
export { formatGoDuration, parseGoDuration } from "./time/duration.ts";
export { formatTime } from "./time/layout.ts";
export { Moment } from "./time/moment.ts";
export { parseTime } from "./time/parse.ts";
export { DURATION, duration, TIME, time } from "./time/types.ts";
export { fixedZone, loadZone, UTC, type Zone } from "./time/zone.ts";
export * from "./value/function.ts";
export * from "./value/type.ts";
export {
  ANY_MAP,
  bool,
  boxed,
  complex,
  float,
  fromJs,
  func,
  GoMap,
  int,
  pointerTo,
  STRING_MAP,
  sliceOf,
  string,
  stringMap,
  Value,
  zero,
} from "./value/value.ts";
