/** What service discovery finds and scraping uses. */

/** Labels of a target before relabelling, `__address__` and `__meta_…` among them. */
export type TargetLabels = Record<string, string>;

export interface TargetGroup {
  /** Identifies the group within its discovery mechanism: a later group of the same source replaces it. */
  source: string;
  /** Labels shared by all targets of the group. */
  labels: TargetLabels;
  targets: TargetLabels[];
}

export type TargetHealth = "up" | "down" | "unknown";
