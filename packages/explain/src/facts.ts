/** What the flow is drawn from: facts each component states about itself. */

export interface ResourceFacts {
  /** Objects by kind. */
  counts: Record<string, number>;
  /** Files and objects the API server could not take. */
  problems: { object: string; message: string; fix?: string }[];
}

export interface OperatorFacts {
  reconciledAt: number;
  /** Seconds. */
  duration: number;
  instances: {
    kind: "Prometheus" | "PrometheusAgent" | "Alertmanager" | "ThanosRuler";
    namespace: string;
    name: string;
    url: string;
    ready: boolean;
    message: string;
    selected: Record<string, number>;
    rejected: number;
    appliedAt: number;
  }[];
  objects: {
    kind: string;
    namespace: string;
    name: string;
    verdicts: { instance: string; accepted: boolean; code: string; reason: string; fix?: string }[];
  }[];
}

export interface PoolFacts {
  /** Name of the scrape pool. */
  name: string;
  /** Why there are no targets; empty when there are some. */
  emptyReason: string;
  /** Value of the `job` label, for its title. */
  job: string;
  up: number;
  down: number;
  unknown: number;
  /** Error of one target that is down. */
  lastError: string;
  /** What to change about it, when that is known. */
  lastErrorFix: string;
  /** Samples of the last scrape of all targets together. */
  samples: number;
  /** Seconds. */
  interval: number;
}

export interface PrometheusFacts {
  namespace: string;
  name: string;
  pools: PoolFacts[];
  series: number;
  rules: {
    groups: number;
    alerting: number;
    recording: number;
    pending: number;
    firing: number;
    failing: { group: string; rule: string; error: string }[];
  };
  notifications: { sent: number; failed: number; dropped: number; queued: number; alertmanagers: string[] };
  reload: { successful: boolean; message: string };
}

export interface ReceiverFacts {
  name: string;
  integrations: { type: string; sent: number; failed: number; lastError: string; lastSentAt: number }[];
}

export interface AlertmanagerFacts {
  namespace: string;
  name: string;
  active: number;
  suppressed: number;
  silences: number;
  groups: number;
  receivers: ReceiverFacts[];
  reload: { successful: boolean; message: string };
}

export interface DashboardFacts {
  count: number;
  problems: { object: string; message: string; fix?: string }[];
}

export interface FlowFacts {
  now: number;
  resources: ResourceFacts;
  operator: OperatorFacts;
  prometheuses: PrometheusFacts[];
  alertmanagers: AlertmanagerFacts[];
  dashboards: DashboardFacts;
}
