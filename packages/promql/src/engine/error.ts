/** A query that could not be evaluated. */
import { UserError } from "@pharos/model";

/** As the API names it: a limit or the data refused it, the time ran out, somebody gave up, or the query is no good. */
export type QueryErrorKind = "execution" | "timeout" | "canceled" | "bad_data";

export class QueryError extends UserError {
  readonly kind: QueryErrorKind;

  constructor(kind: QueryErrorKind, message: string, options: { fix?: string; cause?: unknown } = {}) {
    super(`promql.${kind}`, message, options);
    this.name = "QueryError";
    this.kind = kind;
  }
}

export const CANCELED = "query was canceled in expression evaluation";

export function executionError(message: string, fix?: string): QueryError {
  return new QueryError("execution", message, fix === undefined ? {} : { fix });
}

export function sameLabelset(): QueryError {
  return executionError("vector cannot contain metrics with the same labelset");
}
