/** The parameters that choose what an answer holds. */
import { AnchoredRegexp, describeError, Labels, UserError } from "@pharos/model";
import type { Receiver } from "../config/receivers.ts";
import type { MatcherSyntax } from "../matcher/compat.ts";
import type { AlertMatcher } from "../matcher/matcher.ts";

/** A complaint about a request: 400. */
export function badRequest(message: string): UserError {
  return new UserError("alertmanager.api", message);
}

export function parseFilter(params: URLSearchParams, name: string, syntax: MatcherSyntax): AlertMatcher[] {
  return params.getAll(name).map((text) => {
    try {
      return syntax.matcher(text, "api");
    } catch (error) {
      const prefix = name === "filter" ? "" : `failed to parse ${name} param: `;
      throw badRequest(`${prefix}${describeError(error)}`);
    }
  });
}

/** As upstream: asking for an empty value asks whether the label is there. */
export function passesFilter(filter: readonly AlertMatcher[], labels: Labels): boolean {
  return filter.every((matcher) => {
    if (matcher.value === "") {
      const negative = matcher.type === "!=" || matcher.type === "!~";
      if (labels.has(matcher.name) === negative) return true;
    }
    return matcher.matches(labels.get(matcher.name));
  });
}

export function booleanParam(params: URLSearchParams, name: string, fallback = true): boolean {
  const text = params.get(name);
  if (text === null) return fallback;
  // What upstream's server takes for true; all else is false.
  return /^(true|1|yes|ok|y|on|selected|checked|t|enabled)$/i.test(text);
}

/** Which receivers are asked for: by a pattern of their names and by matchers of their labels. */
export function receiverFilter(
  params: URLSearchParams,
  syntax: MatcherSyntax,
  receivers: ReadonlyMap<string, Receiver>,
): ((name: string) => boolean) | undefined {
  const text = params.get("receiver");
  let pattern: AnchoredRegexp | undefined;
  try {
    pattern = text ? new AnchoredRegexp(text) : undefined;
  } catch (error) {
    throw badRequest(`failed to parse receiver param: ${describeError(error)}`);
  }
  const matchers = parseFilter(params, "receiver_matchers", syntax);
  if (!pattern && matchers.length === 0) return undefined;
  return (name) => {
    if (pattern && !pattern.test(name)) return false;
    if (matchers.length === 0) return true;
    const labels = receivers.get(name)?.labels;
    return labels !== undefined && passesFilter(matchers, Labels.from(labels));
  };
}
