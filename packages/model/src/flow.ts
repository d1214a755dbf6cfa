/**
 * The monitoring flow as the flow page draws it: every box of the architecture, every arrow between them with live
 * counts, and every problem with its reason. Answer of `GET /api/pharos/flow`.
 */
export type FlowStatus = "ok" | "warning" | "error" | "idle";

export type FlowNodeKind =
  /** Monitors, rules, Prometheus, Alertmanager, … as resources in the API server. */
  | "resources"
  | "operator"
  /** An exporter that belongs to Pharos, e.g. node exporter. */
  | "exporter"
  /** A scraped application: one node per scrape pool that is not an exporter of our own. */
  | "application"
  | "prometheus"
  | "rules"
  | "alertmanager"
  /** A receiver with at least one notification channel. */
  | "channel"
  | "dashboards";

export interface FlowFact {
  label: string;
  value: number | string;
  /** Grafana unit id as `short`, `bytes`, `s`, `dateTimeFromNow`; absent for plain text and counts. */
  unit?: string;
}

export interface FlowNode {
  id: string;
  kind: FlowNodeKind;
  title: string;
  subtitle?: string;
  status: FlowStatus;
  facts: FlowFact[];
  /** Page of the UI with the details, e.g. `/targets`. */
  href?: string;
}

export interface FlowEdge {
  id: string;
  from: string;
  to: string;
  /** What flows: "scrape", "alerts", "notifications", "config", … */
  label: string;
  status: FlowStatus;
  facts: FlowFact[];
}

export interface FlowProblem {
  severity: "warning" | "error";
  /** Code of the error catalogue. */
  code: string;
  /** "Kind namespace/name" or a component. */
  object: string;
  /** Node or edge of the drawing that it belongs to. */
  at: string;
  message: string;
  /** What to change. */
  fix?: string;
}

export interface Flow {
  /** Unix ms. */
  generatedAt: number;
  nodes: FlowNode[];
  edges: FlowEdge[];
  problems: FlowProblem[];
}
