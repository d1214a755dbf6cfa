/** Times on a command line. */
import { UserError } from "@pharos/model";

/** Unix ms of Unix seconds or RFC 3339; undefined when nothing is given. */
export function readTime(text: string | undefined, what: string): number | undefined {
  if (text === undefined || text === "") return undefined;
  const seconds = Number(text);
  if (text.trim() !== "" && Number.isFinite(seconds)) return Math.round(seconds * 1000);
  const isDate = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/.test(text);
  const ms = isDate ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) {
    throw new UserError(
      "pharos.time",
      `error parsing ${what}: cannot parse ${JSON.stringify(text)} to a valid timestamp`,
      {
        fix: "Give Unix seconds or RFC 3339",
      },
    );
  }
  return ms;
}

/** As the API takes it. */
export function apiTime(ms: number): string {
  return String(ms / 1000);
}
