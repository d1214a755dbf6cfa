export * from "./engine.ts";
export { QueryError, type QueryErrorKind } from "./error.ts";
