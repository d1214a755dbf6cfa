/** Alerts as Prometheus' rules hold them, together with what Alertmanager did with them. */
export type Labels = Readonly<Record<string, string>>;

export interface ManagedAlert {
  fingerprint: string;
  labels: Labels;
  annotations: Labels;
  startsAt: string;
  status: { state: string; silencedBy: string[]; inhibitedBy: string[] };
  receivers: { name: string }[];
}

function contains(all: Labels, part: Labels): boolean {
  return Object.entries(part).every(([name, value]) => all[name] === value);
}

/**
 * Alertmanager's alert for each of Prometheus', and those that came from elsewhere. External labels make Alertmanager's set
 * the larger one; of several that contain an alert's labels the smallest is its own.
 */
export function joinAlerts<T extends { labels: Labels }>(
  alerts: readonly T[],
  managed: readonly ManagedAlert[],
): { joined: { alert: T; managed: ManagedAlert | undefined }[]; others: ManagedAlert[] } {
  const byName = Map.groupBy(managed, ({ labels }) => labels.alertname ?? "");
  const taken = new Set<ManagedAlert>();
  const joined = alerts.map((alert) => {
    const found = (byName.get(alert.labels.alertname ?? "") ?? [])
      .filter(({ labels }) => contains(labels, alert.labels))
      .sort((a, b) => Object.keys(a.labels).length - Object.keys(b.labels).length)[0];
    if (found) taken.add(found);
    return { alert, managed: found };
  });
  return { joined, others: managed.filter((alert) => !taken.has(alert)) };
}
