/** `--metric-allowlist`, `--metric-denylist` and `--metric-opt-in-list`: which families are written. */
import { compileRe2, UserError } from "@pharos/model";
import type { Family } from "./family.ts";

type Matcher = (name: string) => boolean;

/**
 * Upstream takes ECMAScript's expressions here, for their lookarounds. What RE2 understands is matched by it, in linear
 * time; the rest by JavaScript itself: it comes from the operator's own flags and meets a few hundred short names once.
 */
function matcher(pattern: string, flag: string): Matcher {
  try {
    const compiled = compileRe2(pattern);
    return (name) => compiled.matcher(name).find();
  } catch {
    try {
      const compiled = new RegExp(pattern);
      return (name) => compiled.test(name);
    } catch (error) {
      throw new UserError("ksm.pattern", `not a regular expression: ${JSON.stringify(pattern)}`, {
        where: { flag: `--${flag}` },
        cause: error,
      });
    }
  }
}

export interface FamilyLists {
  allow: readonly string[];
  deny: readonly string[];
  optIn: readonly string[];
}

/** Throws a UserError when both lists are given, or a pattern is none. */
export function familyFilter({ allow, deny, optIn }: FamilyLists): (family: Family<never>) => boolean {
  if (allow.length > 0 && deny.length > 0) {
    throw new UserError("ksm.lists", "--metric-allowlist and --metric-denylist are mutually exclusive", {
      where: { flag: "--metric-denylist" },
      fix: "Give one of them",
    });
  }
  const allowed = allow.map((pattern) => matcher(pattern, "metric-allowlist"));
  const denied = deny.map((pattern) => matcher(pattern, "metric-denylist"));
  const chosen = optIn.map((pattern) => matcher(pattern, "metric-opt-in-list"));
  const some = (matchers: readonly Matcher[], name: string): boolean => matchers.some((matches) => matches(name));
  return ({ name, optIn: isOptIn }) => {
    if (isOptIn && !some(chosen, name)) return false;
    return allowed.length > 0 ? some(allowed, name) : !some(denied, name);
  };
}
