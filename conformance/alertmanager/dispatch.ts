/** Dispatch: grouping, notification reasons, and which alerts are merged. */

import { alertHash, fingerprint, mergeAlerts, notificationReason, type StoredAlert } from "@pharos/alertmanager";
import { Labels } from "@pharos/model";
import { suite } from "./cases.ts";
import { alertOf, type LabelMap } from "./stored-alert.ts";

interface DedupCase {
  entry: { firing?: number[]; resolved?: number[]; age_s?: number | string } | null;
  firing?: number[];
  resolved?: number[];
  update: boolean;
  reason?: string;
  send_resolved?: boolean;
  resolve?: boolean;
  repeat_s?: number;
}

export const dispatch = suite("alertmanager-dispatch", "dispatch", (cases, read) => {
  const big = (list: number[] | undefined) => (list ?? []).map(BigInt);
  const now = 1_700_000_000_000;
  for (const row of read<{ cases: DedupCase[] }>("dedup-needs-update.json").cases) {
    const { entry } = row;
    const age = entry?.age_s;
    const timestamp = age === "epoch" ? 0 : age === "now" || age === undefined ? now : now - Number(age) * 1000;
    const got = notificationReason(
      entry ? { firing: big(entry.firing), resolved: big(entry.resolved), timestamp } : undefined,
      { firing: big(row.firing), resolved: big(row.resolved) },
      { sendResolved: row.send_resolved ?? row.resolve ?? true, repeatInterval: (row.repeat_s ?? 600) * 1000, now },
    );
    cases.check(JSON.stringify(row), got ?? "none", row.update ? row.reason : "none");
  }
  type Times = Record<"starts" | "ends" | "updated", number> & { timeout: boolean };
  const alert = ({ starts, ends, updated, timeout }: Times): StoredAlert => ({
    ...alertOf({ a: "b" }, now + ends * 60_000, now + updated * 60_000),
    startsAt: now + starts * 60_000,
    timeout,
  });
  for (const { a, b, merged } of read<{ cases: Record<"a" | "b" | "merged", Times>[] }>("alert-merge.json").cases) {
    for (const [x, y] of [
      [a, b],
      [b, a],
    ])
      cases.check(JSON.stringify([x, y]), mergeAlerts(alert(x), alert(y)), alert(merged));
  }
  interface Fingerprint {
    labels: LabelMap;
    fingerprint: string;
    nflog_alert_hash_xxh64: string;
  }
  for (const row of read<Fingerprint[]>("fingerprints.json")) {
    // Values that are empty are no labels here; the table has them as upstream's type would hold them.
    const names = Object.keys(row.labels).sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)));
    const labels = Labels.fromSortedPairs(names.flatMap((name) => [name, row.labels[name]]));
    cases.check(`fingerprint ${JSON.stringify(row.labels)}`, fingerprint(labels), row.fingerprint);
    cases.check(`hash ${JSON.stringify(row.labels)}`, String(alertHash(labels)), row.nflog_alert_hash_xxh64);
  }
});
