/** What the API's handlers work on. */
import type { AlertStore } from "../alerts.ts";
import type { AlertmanagerConfig } from "../config/config.ts";
import type { Dispatcher } from "../dispatch.ts";
import type { Inhibitor } from "../inhibit.ts";
import type { AlertmanagerMetrics } from "../metrics.ts";
import type { Silences } from "../silences.ts";

/** What changes at a reload. */
export interface Generation {
  config: AlertmanagerConfig;
  inhibitor: Inhibitor;
  dispatcher: Dispatcher;
}

export interface ApiContext {
  current(): Generation;
  alerts: AlertStore;
  silences: Silences;
  metrics: AlertmanagerMetrics;
  version: string;
  startedAt: number;
  now(): number;
}
