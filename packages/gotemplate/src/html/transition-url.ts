/** URLs: what counts is whether the query has begun. */
import type { Context, Step } from "./context.ts";

export function urlText(c: Context, s: string): Step {
  if (/[#?]/.test(s)) return [{ ...c, urlPart: "QueryOrFrag" }, s.length];
  if (c.urlPart === "None" && /[^ \t\n\f\r]/.test(s)) return [{ ...c, urlPart: "PreQuery" }, s.length];
  return [c, s.length];
}
