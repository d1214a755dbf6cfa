/** Changes of silences, for the history. */
import type { History } from "./history.ts";
import { AlertMatcher } from "./matcher/matcher.ts";
import type { Silence, Silences } from "./silences.ts";

function matchersOf(silence: Silence): string[] {
  return (silence.matcherSets[0] ?? []).map(({ name, value, isRegex, isEqual }) =>
    String(new AlertMatcher(isRegex ? (isEqual ? "=~" : "!~") : isEqual ? "=" : "!=", name, value)),
  );
}

export function recordSilences(silences: Silences, history: History, now: () => number): void {
  silences.changed = (silence, before) => {
    const { id, createdBy, comment, startsAt, endsAt } = silence;
    const time = now();
    const action = !before ? "created" : endsAt <= time ? "expired" : "updated";
    history.record({
      kind: "silence",
      time,
      action,
      id,
      createdBy,
      comment,
      startsAt,
      endsAt,
      matchers: matchersOf(silence),
    });
  };
}
