export * from "./error.ts";
export { type Limits, type MissingKey, Suspension } from "./exec.ts";
export { formatFloat } from "./fmt/float.ts";
export { sprint, sprintf, sprintln } from "./fmt/print.ts";
export { DEFAULT_LIMITS, Template, type TemplateOptions } from "./template.ts";
export { htmlEscape, pathEscape, queryEscape } from "./text/escape.ts";
export { quote, unquote } from "./text/quote.ts";
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
  sliceOf,
  STRING_MAP,
  string,
  stringMap,
  Value,
  zero,
} from "./value/value.ts";
