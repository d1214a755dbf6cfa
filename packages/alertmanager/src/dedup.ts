/** Whether a group has something to tell that the receiver does not know yet. */
import type { NotificationReason } from "./notify/data.ts";

export interface KnownState {
  firing: readonly bigint[];
  resolved: readonly bigint[];
  /** Unix ms of the last notification. */
  timestamp: number;
}

export interface GroupState {
  firing: readonly bigint[];
  resolved: readonly bigint[];
}

function isSubset(part: readonly bigint[], whole: readonly bigint[]): boolean {
  const set = new Set(whole);
  return part.every((one) => set.has(one));
}

/** Why to notify; undefined: not at all. Times are those of the flush, so that a slow one does not shift the next. */
export function notificationReason(
  known: KnownState | undefined,
  state: GroupState,
  options: { sendResolved: boolean; repeatInterval: number; now: number },
): NotificationReason | undefined {
  const { firing, resolved } = state;
  if (!known) return firing.length > 0 ? "first notification" : undefined;
  if (!isSubset(firing, known.firing)) return known.firing.length === 0 ? "first notification" : "new alerts added";
  // Fired and over within one interval: nobody was told that it began.
  if (firing.length === 0) return known.firing.length > 0 ? "all alerts resolved" : undefined;
  if (options.sendResolved && !isSubset(resolved, known.resolved)) return "some alerts resolved";
  return known.timestamp < options.now - options.repeatInterval ? "repeat interval elapsed" : undefined;
}
