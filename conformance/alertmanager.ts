/** Alertmanager's own test tables. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AlertMatcher, type MatcherMode, MatcherSyntax } from "@pharos/alertmanager";
import type { MatchType } from "@pharos/model";
import type { Suite } from "./suite.ts";

type Outcome = { matchers?: { string: string }[] | null; error?: string };
type ModeRow = { input: string } & Record<string, Outcome>;

const MODES: Readonly<Record<string, MatcherMode>> = {
  classic: "classic",
  utf8: "utf8-strict",
  fallback: "fallback",
};

function outcome(run: () => string): string {
  try {
    return run();
  } catch (error) {
    return `error: ${(error as Error).message}`;
  }
}

export const suites: Suite[] = [
  {
    name: "alertmanager-matchers",
    data: "alertmanager/matchers",
    run(path) {
      const failures: string[] = [];
      let total = 0;
      const check = (label: string, got: string, want: string) => {
        total++;
        if (got !== want) failures.push(`${label}: got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
      };
      const read = <T>(file: string): T => JSON.parse(readFileSync(join(path, file), "utf8")) as T;
      for (const { input, ...outcomes } of read<ModeRow[]>("modes.json")) {
        for (const [key, want] of Object.entries(outcomes)) {
          const [count, mode] = key.split("_");
          const syntax = new MatcherSyntax(MODES[mode]);
          const got = outcome(() =>
            count === "list"
              ? syntax.matchers(input, "test").map(String).join(";")
              : String(syntax.matcher(input, "test")),
          );
          const expected = want.error ? `error: ${want.error}` : (want.matchers ?? []).map((m) => m.string).join(";");
          check(`${key} ${JSON.stringify(input)}`, got, expected);
        }
      }
      for (const row of read<
        { matcher: { name: string; op: MatchType; value: string }; value: string; match: boolean }[]
      >("matching.json")) {
        const { name, op, value } = row.matcher;
        check(`${op}${value}`, String(new AlertMatcher(op, name, value).matches(row.value)), String(row.match));
      }
      for (const row of read<{ name: string; op: MatchType; value: string; string: string }[]>("to-string.json")) {
        check(row.string, String(new AlertMatcher(row.op, row.name, row.value)), row.string);
      }
      return { passed: total - failures.length, total, failures };
    },
  },
];
