/** Matchers on the command line. */
import { type AlertMatcher, type MatcherMode, MatcherSyntax } from "@pharos/alertmanager";
import type { ApiMatcher } from "./client.ts";
import { type FlagValues, failed, textOf } from "./context.ts";

export function syntaxOf(values: FlagValues): MatcherSyntax {
  const features = textOf(values, "enable-feature").split(",");
  const mode: MatcherMode = features.includes("classic-mode")
    ? "classic"
    : features.includes("utf8-strict-mode")
      ? "utf8-strict"
      : "fallback";
  return new MatcherSyntax(mode);
}

/** Go's strconv.Quote, for what a name of an alert may hold. */
function quoted(text: string): string {
  return JSON.stringify(text);
}

/** A first argument that is no matcher is the name of an alert. */
export function withAlertName(args: readonly string[], syntax: MatcherSyntax): string[] {
  const [first, ...rest] = args;
  if (first === undefined) return [];
  try {
    syntax.matcher(first, "cli");
    return [...args];
  } catch {
    return [`alertname=${quoted(first)}`, ...rest];
  }
}

export function parseMatchers(args: readonly string[], syntax: MatcherSyntax): AlertMatcher[] {
  return withAlertName(args, syntax).map((text) => syntax.matcher(text, "cli"));
}

/** `name=value` each; `what` is how the complaint begins. */
export function parsePairs(args: readonly string[], syntax: MatcherSyntax, what: string): Record<string, string> {
  const pairs: Record<string, string> = {};
  for (const text of args) {
    const { name, type, value } = syntax.matcher(text, "cli");
    if (type !== "=") throw failed(`${what} must be specified as key=value pairs`);
    pairs[name] = value;
  }
  return pairs;
}

export function toApi({ name, type, value }: AlertMatcher): ApiMatcher {
  return { name, value, isEqual: type.startsWith("="), isRegex: type.endsWith("~") };
}
