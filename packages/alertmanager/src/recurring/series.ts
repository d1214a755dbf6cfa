/**
 * A recurring silence is a series of plain silences, one for each window. What makes them a series stands in their annotations, so
 * that the file of silences, the exchange between replicas, upstream and amtool need to know nothing of it: to them each is a silence
 * like any other. Nothing else is stored.
 */
import { createHash, randomUUID } from "node:crypto";
import type { Silence } from "../silences.ts";

/** Names that the classic syntax takes, too. */
export const ANNOTATION = {
  rule: "pharos_recurrence",
  series: "pharos_recurrence_id",
  /** Start of the window as the rule has it; the silence's own may have been changed. */
  window: "pharos_recurrence_window",
  /** It was ended by hand, and the series goes on. */
  skipped: "pharos_recurrence_skipped",
} as const;

export function seriesOf({ annotations }: Pick<Silence, "annotations">): string | undefined {
  return annotations[ANNOTATION.rule] === undefined ? undefined : annotations[ANNOTATION.series];
}

/** Ended by somebody, not by its time: both are set to the same moment then, by upstream as well. */
export function wasEnded({ endsAt, updatedAt }: Silence): boolean {
  return endsAt === updatedAt;
}

export function wasSkipped({ annotations }: Silence): boolean {
  return annotations[ANNOTATION.skipped] !== undefined;
}

/** The same on all replicas, so that what several make at once is one silence. */
export function windowId(series: string, startsAt: number): string {
  const bytes = createHash("sha256").update(`${series}/${startsAt}`).digest().subarray(0, 16);
  bytes[6] = (bytes[6] & 0x0f) | 0x80;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** Annotations of a changed silence: who does not know of series must not take it out of one. */
export function keepSeries(
  given: Readonly<Record<string, string>> | undefined,
  old: Silence | undefined,
): Record<string, string> {
  const kept = Object.fromEntries(Object.entries(old?.annotations ?? {}).filter(([name]) => isReserved(name)));
  return { ...kept, ...given };
}

/**
 * Annotations of the silence that takes the place of another one. It begins a series of its own, for the old one ends with the old
 * silence; when that was over already, it is a silence like any other.
 */
export function leaveSeries(silence: Silence, isContinued: boolean): Record<string, string> {
  if (seriesOf(silence) === undefined) return silence.annotations;
  if (isContinued) return { ...silence.annotations, [ANNOTATION.series]: randomUUID() };
  return Object.fromEntries(Object.entries(silence.annotations).filter(([name]) => !isReserved(name)));
}

function isReserved(name: string): boolean {
  return name === ANNOTATION.rule || name === ANNOTATION.series || name === ANNOTATION.window;
}
