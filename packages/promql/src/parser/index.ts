export * from "./ast.ts";
export { PromqlParseError } from "./error.ts";
export { FUNCTIONS } from "./functions.ts";
export { exprToJson } from "./json.ts";
export { type ParserOptions, parseExpr, parseMetricSelector, sourceOf } from "./parse.ts";
export { formatExpr, prettify } from "./printer.ts";
export { parseSeriesDescription, type SequenceValue, type SeriesDescription } from "./series.ts";
export { describePosition } from "./text.ts";
export { childrenOf, selectorsOf, type Visitor, walk } from "./walk.ts";
