/** Silences: their life, their limits, and what replicas tell each other. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  canUpdate,
  encodeSilence,
  MatcherSyntax,
  type Silence,
  type SilenceInput,
  Silences,
  validateSilence,
} from "@pharos/alertmanager";
import { silentLogger } from "@pharos/kit";
import type { MatchType } from "@pharos/model";
import { type Cases, suite } from "./cases.ts";

interface TestMatcher {
  name: string;
  op: MatchType;
  value: string;
}
const silenceMatcher = ({ name, op, value }: TestMatcher) => ({
  name,
  value,
  isRegex: op.endsWith("~"),
  isEqual: op.startsWith("="),
});

function inFolder<T>(run: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "pharos-conformance-"));
  try {
    return run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface SetStep {
  t: number;
  set: {
    id?: string;
    matchers?: TestMatcher[];
    starts?: number | null;
    ends?: number;
    comment?: string;
    same?: boolean;
  };
  result: string;
  state?: Record<string, { starts?: number; ends?: number; updated?: number }>;
}

function runSetSequence(cases: Cases, steps: readonly SetStep[], retention: number): void {
  inFolder((folder) => {
    // A second is a million milliseconds here, so that the clock of the test never is 0.
    const base = 1_700_000_000_000;
    let now = base;
    const silences = new Silences({
      path: join(folder, "silences"),
      retention: retention * 1000,
      now: () => now,
      log: silentLogger,
    });
    const ids = new Map<string, string>();
    for (const { t, set, result, state } of steps) {
      now = base + t * 1000;
      const old = set.id === undefined ? undefined : silences.get(ids.get(set.id)!);
      const at = (seconds: number | null | undefined, fallback: number | undefined) =>
        seconds === undefined ? fallback : seconds === null ? undefined : base + seconds * 1000;
      const input: SilenceInput = {
        id: old?.id ?? "",
        matcherSets: set.matchers ? [set.matchers.map(silenceMatcher)] : (old?.matcherSets ?? []),
        startsAt: at(set.starts, old?.startsAt),
        endsAt: at(set.ends, old?.endsAt),
        createdBy: "",
        comment: set.comment ?? old?.comment ?? "",
      };
      const id = silences.set(input)!;
      const isKept = /kept/.test(result);
      cases.check(`set at ${t}: ${result}`, id === old?.id, isKept);
      const name = /(?:new id|id) (\w)/.exec(result)?.[1];
      if (name) ids.set(name, id);
      for (const [key, want] of Object.entries(state ?? {})) {
        const silence = silences.get(ids.get(key)!)!;
        if (want.starts !== undefined)
          cases.check(`${key} starts at ${t}`, (silence.startsAt - base) / 1000, want.starts);
        if (want.ends !== undefined) cases.check(`${key} ends at ${t}`, (silence.endsAt - base) / 1000, want.ends);
        if (want.updated !== undefined)
          cases.check(`${key} updated at ${t}`, (silence.updatedAt - base) / 1000, want.updated);
      }
    }
    silences[Symbol.dispose]();
  });
}

/** Two replicas with the given silences, and what the first knows when the second has told it all. */
function runMerge(cases: Cases, offsets: Record<"a" | "b" | "final", Record<string, [number, number]>>): void {
  inFolder((folder) => {
    const now = 1_700_000_000_000;
    let clock = now;
    const make = (name: string) =>
      new Silences({ path: join(folder, name), retention: 0, now: () => clock, log: silentLogger });
    const encoded = (table: Record<string, [number, number]>) =>
      Object.entries(table).map(([id, [updated, expires]]) => {
        const silence: Silence = {
          id, matcherSets: [[{ name: "a", value: "b", isRegex: false, isEqual: true }]], receiverMatcherSets: [], startsAt: now - 1000,
          endsAt: now + expires * 1000, updatedAt: now + updated * 1000, createdBy: "", comment: "", annotations: {},
        }; // biome-ignore format: a table
        return encodeSilence({ silence, expiresAt: now + expires * 1000 });
      });
    const silences = make("a");
    // What a replica knows itself was in time when it came to know it.
    clock = now - 3_600_000;
    for (const entry of encoded(offsets.a)) silences.merge(entry);
    clock = now;
    for (const entry of encoded(offsets.b)) silences.merge(entry);
    const known = silences
      .all()
      .map(({ id, updatedAt, endsAt }) => [id, [(updatedAt - now) / 1000, (endsAt - now) / 1000]]);
    const sorted = (entries: unknown[][]) => entries.sort(([x], [y]) => (String(x) < String(y) ? -1 : 1));
    cases.check("merge", sorted(known), sorted(Object.entries(offsets.final)));
    silences[Symbol.dispose]();
  });
}

export const silences = suite("alertmanager-silences", "silences", (cases, read) => {
  const now = 1_700_000_000_000;
  const offset = (pair: [number, number]) => ({ startsAt: now + pair[0] * 1000, endsAt: now + pair[1] * 1000 });
  const sets = [[{ name: "a", value: "b", isRegex: false, isEqual: true }]];
  const base = {
    id: "x",
    matcherSets: sets,
    receiverMatcherSets: [],
    updatedAt: 0,
    createdBy: "",
    comment: "",
    annotations: {},
  };
  for (const { old, new: next, ok } of read<{
    cases: { old: [number, number] | string; new: [number, number]; ok: boolean }[];
  }>("can-update.json").cases) {
    const before: Silence =
      typeof old === "string" ? { ...base, matcherSets: [], startsAt: 0, endsAt: 0 } : { ...base, ...offset(old) };
    cases.check(
      `update ${JSON.stringify(old)} to ${next}`,
      canUpdate(before, { matcherSets: sets, ...offset(next) }, now),
      ok,
    );
  }
  interface ValidateCase {
    matcher_sets: TestMatcher[][];
    starts: number | null;
    ends: number | null;
    error: string | null;
    note?: string;
  }
  for (const row of read<{ cases: ValidateCase[] }>("validate.json").cases) {
    const at = (seconds: number | null) => (seconds === null ? undefined : now + seconds * 1000);
    const input: SilenceInput = {
      id: "",
      matcherSets: row.matcher_sets.map((set) => set.map(silenceMatcher)),
      startsAt: at(row.starts),
      endsAt: at(row.ends),
      createdBy: "",
      comment: "",
    };
    const syntax = new MatcherSyntax(row.note?.includes("classic mode only") ? "classic" : "fallback");
    cases.error(
      `validate ${JSON.stringify(row)}`,
      () => validateSilence(input, syntax),
      row.error === null ? undefined : [row.error],
    );
  }
  const sequence = read<{ steps: SetStep[]; retention_s: number }>("set-sequence.json");
  runSetSequence(cases, sequence.steps, sequence.retention_s);
  runMerge(
    cases,
    read<{ offsets_s: Record<"a" | "b" | "final", Record<string, [number, number]>> }>("merge.json").offsets_s,
  );
});
