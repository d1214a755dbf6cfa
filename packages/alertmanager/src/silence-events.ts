/** Changes of silences, for the history. */
import type { History } from "./history.ts";
import { AlertMatcher } from "./matcher/matcher.ts";
import { ANNOTATION, seriesOf, wasSkipped } from "./recurring/series.ts";
import type { Silence, Silences } from "./silences.ts";

function matchersOf(silence: Silence): string[] {
  return (silence.matcherSets[0] ?? []).map(({ name, value, isRegex, isEqual }) =>
    String(new AlertMatcher(isRegex ? (isEqual ? "=~" : "!~") : isEqual ? "=" : "!=", name, value)),
  );
}

/** `then` is called with each silence that has changed. */
export function recordSilences(
  silences: Silences,
  history: History,
  now: () => number,
  then: (silence: Silence) => void,
): void {
  silences.changed = (silence, before) => {
    const { id, createdBy, comment, startsAt, endsAt, annotations } = silence;
    const time = now();
    const over = wasSkipped(silence) ? "skipped" : "expired";
    const series = seriesOf(silence);
    history.record({
      kind: "silence",
      time,
      action: !before ? "created" : endsAt <= time ? over : "updated",
      id,
      createdBy,
      comment,
      startsAt,
      endsAt,
      matchers: matchersOf(silence),
      ...(series === undefined ? {} : { series, recurrence: annotations[ANNOTATION.rule] }),
    });
    then(silence);
  };
}
