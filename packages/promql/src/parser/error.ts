/** A query that is not PromQL. */
import { UserError } from "@pharos/model";
import { describePosition } from "./text.ts";

export class PromqlParseError extends UserError {
  /** UTF-16 offsets of the offending part. */
  readonly start: number;
  readonly end: number;
  /** The message without its position. */
  readonly detail: string;

  constructor(query: string, start: number, end: number, detail: string) {
    super("promql.parse", `${describePosition(query, start)}: parse error: ${detail}`);
    this.name = "PromqlParseError";
    this.start = start;
    this.end = end;
    this.detail = detail;
  }
}
