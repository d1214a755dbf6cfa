/** What the API's handlers work on. */
import type { Logger } from "@pharos/kit";
import type { AlertStore } from "../alerts.ts";
import type { AlertmanagerConfig } from "../config/config.ts";
import type { Dispatcher } from "../dispatch.ts";
import type { History } from "../history.ts";
import type { Inhibitor } from "../inhibit.ts";
import type { MatcherSyntax } from "../matcher/compat.ts";
import type { AlertmanagerMetrics } from "../metrics.ts";
import type { Channel, Pipeline } from "../pipeline.ts";
import type { RecurringSilences } from "../recurring/recurring-silences.ts";
import type { Silences } from "../silences.ts";

/** What changes at a reload. */
export interface Generation {
  config: AlertmanagerConfig;
  inhibitor: Inhibitor;
  dispatcher: Dispatcher;
  channels: ReadonlyMap<string, Channel[]>;
  pipeline: Pipeline;
}

export interface ClusterStatus {
  name?: string;
  status: "ready" | "settling" | "disabled";
  peers: { name: string; address: string }[];
}

export interface ApiContext {
  current(): Generation;
  alerts: AlertStore;
  silences: Silences;
  /** undefined: not switched on. */
  recurring: RecurringSilences | undefined;
  history: History;
  metrics: AlertmanagerMetrics;
  syntax: MatcherSyntax;
  log: Logger;
  cluster(): ClusterStatus;
  externalUrl(): string;
  version: string;
  startedAt: number;
  now(): number;
}
