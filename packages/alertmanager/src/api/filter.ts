/** The `filter` parameter: matchers over labels, or over the matchers of a silence as if they were labels. */
import { AnchoredRegexp, UserError } from "@pharos/model";
import { MatcherSyntax } from "../matcher/compat.ts";
import type { AlertMatcher } from "../matcher/matcher.ts";

const syntax = new MatcherSyntax();

export function parseFilter(params: URLSearchParams): AlertMatcher[] {
  return params.getAll("filter").flatMap((text) => syntax.matchers(text, "api"));
}

/** As upstream: asking for an empty value asks whether the label is there. */
export function passesFilter(filter: readonly AlertMatcher[], get: (name: string) => string | undefined): boolean {
  return filter.every((matcher) => {
    const value = get(matcher.name);
    const negative = matcher.type === "!=" || matcher.type === "!~";
    if (matcher.value === "" && (value !== undefined) === negative) return true;
    return matcher.matches(value ?? "");
  });
}

export function booleanParam(params: URLSearchParams, name: string): boolean {
  const text = params.get(name);
  if (text === null || text === "true") return true;
  if (text === "false") return false;
  throw new UserError("alertmanager.api", `${name} in query must be of type boolean: ${JSON.stringify(text)}`);
}

export function receiverParam(params: URLSearchParams): AnchoredRegexp | undefined {
  const text = params.get("receiver");
  return text ? new AnchoredRegexp(text) : undefined;
}
