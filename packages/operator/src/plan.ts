/** What one reconciliation wants of one instance. */
import type { OperatorCache } from "./cache.ts";
import type { DesiredInstance, InstanceDriver } from "./drivers/driver.ts";
import type { ReportBuilder } from "./report.ts";

export interface Plan {
  desired: DesiredInstance;
  /** Accepted objects by kind. */
  selected: Record<string, number>;
  rejected: number;
  /** What was left out of the instance's own settings, and why. */
  notes: string[];
}

export interface PlanContext {
  cache: OperatorCache;
  driver: InstanceDriver;
  report: ReportBuilder;
  alwaysManaged: boolean;
  /** Collects `Kind/namespace/name` of every Secret and ConfigMap that was asked for. */
  references: Set<string>;
}
