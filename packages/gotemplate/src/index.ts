export { parseConstant } from "./constant.ts";
export * from "./error.ts";
export { type Limits, type MissingKey, Suspension } from "./exec.ts";
export * from "./expand.ts";
export { formatFloat } from "./fmt/float.ts";
export { sprint, sprintf, sprintln } from "./fmt/print.ts";
export {
  type PrometheusEnvironment,
  prometheusFunctions,
  type SampleValue,
  type TemplateSample,
} from "./functions/prometheus.ts";
export * from "./html/types.ts";
export { Lexer, type Token } from "./lex.ts";
export { printNode, type Tree } from "./node.ts";
export { parseTemplate } from "./parse.ts";
export { DEFAULT_LIMITS, Template, type TemplateOptions } from "./template.ts";
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
