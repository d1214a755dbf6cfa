/** Flows to look at the flow page with: as it is out of the box, with a few things wrong, and with many targets. */
import type { Flow, FlowEdge, FlowNode, FlowProblem, FlowStatus } from "@pharos/model";

export type Scene = "calm" | "trouble" | "many";

const PROMETHEUS = "prometheus/monitoring/main";
const RULES = "rules/monitoring/main";
const ALERTMANAGER = "alertmanager/monitoring/main";

interface Pool {
  job: string;
  monitor: string;
  kind: "exporter" | "application";
  up: number;
  total: number;
  samples: number;
}

const OWN: readonly Pool[] = [
  { job: "node-exporter", monitor: "monitoring/node-exporter", kind: "exporter", up: 1, total: 1, samples: 96.4 },
  { job: "prometheus", monitor: "monitoring/prometheus", kind: "exporter", up: 1, total: 1, samples: 41.2 },
  { job: "alertmanager", monitor: "monitoring/alertmanager", kind: "exporter", up: 1, total: 1, samples: 22.6 },
  { job: "pharos", monitor: "monitoring/pharos", kind: "exporter", up: 1, total: 1, samples: 12.1 },
];
const NAMES = [
  "sample-metrics-8081",
  "checkout",
  "payments-gateway-with-a-rather-long-name",
  "catalogue",
  "recommendations",
  "search",
  "ingress-nginx",
  "redis",
  "postgres",
  "kafka",
  "istio-ingressgateway",
  "coredns",
  "etcd",
  "kube-apiserver",
  "kubelet",
];

function applications(scene: Scene): Pool[] {
  const count = scene === "calm" ? 1 : scene === "trouble" ? 4 : 30;
  return Array.from({ length: count }, (_, i) => {
    const name = NAMES[i % NAMES.length]! + (i < NAMES.length ? "" : "-canary");
    const total = 1 + ((i * 7) % 5);
    const down = scene !== "calm" && i % 7 === 1 ? (i % 2 === 0 ? 1 : total) : 0;
    return {
      job: name,
      monitor: `shop/${name}`,
      kind: "application",
      up: total - down,
      total,
      samples: 4 + ((i * 37) % 90),
    };
  });
}

export function sceneFlow(scene: Scene, now = Date.now()): Flow {
  const pools = [...OWN, ...applications(scene)];
  const trouble = scene !== "calm";
  const statusOf = ({ up, total }: Pool): FlowStatus => (up === total ? "ok" : up > 0 ? "warning" : "error");
  const wobble = (value: number): number => value * (1 + 0.05 * Math.sin(now / 7000 + value));
  const rate = pools.reduce((sum, { samples }) => sum + wobble(samples), 0);
  const node = (
    id: string,
    kind: FlowNode["kind"],
    title: string,
    subtitle: string | undefined,
    status: FlowStatus,
    facts: FlowNode["facts"],
    href?: string,
  ): FlowNode => ({ id, kind, title, subtitle, status, facts, href });
  const nodes: FlowNode[] = [
    node(
      "resources",
      "resources",
      "Resources",
      "Kubernetes API",
      trouble ? "error" : "ok",
      [
        { label: "ServiceMonitor", value: pools.length },
        { label: "PodMonitor", value: trouble ? 2 : 0 },
        { label: "PrometheusRule", value: 4 },
        { label: "AlertmanagerConfig", value: trouble ? 2 : 0 },
      ].filter(({ value }) => value > 0),
      "/resources",
    ),
    node("operator", "operator", "Operator", undefined, trouble ? "warning" : "ok", [
      { label: "reconciled", value: now - 4000, unit: "dateTimeFromNow" },
      { label: "took", value: 0.018, unit: "s" },
    ]),
    ...pools.map((pool) =>
      node(
        `target/${pool.job}`,
        pool.kind,
        pool.job,
        `ServiceMonitor ${pool.monitor}`,
        statusOf(pool),
        [{ label: "targets up", value: `${pool.up}/${pool.total}` }],
        `/targets?pool=${encodeURIComponent(pool.job)}`,
      ),
    ),
    node(
      PROMETHEUS,
      "prometheus",
      "Prometheus main",
      "monitoring",
      "ok",
      [
        { label: "series", value: 2400 + pools.length * 61, unit: "short" },
        { label: "samples/s", value: rate, unit: "short" },
        { label: "targets", value: pools.reduce((sum, { total }) => sum + total, 0) },
      ],
      "/targets",
    ),
    node(
      RULES,
      "rules",
      "Rules",
      "7 groups",
      "ok",
      [
        { label: "alerting", value: 31 },
        { label: "recording", value: 22 },
        { label: "pending", value: trouble ? 1 : 0 },
        { label: "firing", value: trouble ? 3 : 1 },
      ],
      "/rules",
    ),
    node(
      ALERTMANAGER,
      "alertmanager",
      "Alertmanager main",
      "monitoring",
      "ok",
      [
        { label: "active", value: trouble ? 2 : 1 },
        { label: "suppressed", value: trouble ? 1 : 0 },
        { label: "silences", value: trouble ? 1 : 0 },
      ],
      "/alerts",
    ),
    node("dashboards", "dashboards", "Dashboards", undefined, "ok", [{ label: "dashboards", value: 3 }], "/dashboards"),
  ];
  const edges: FlowEdge[] = [
    {
      id: "config",
      from: "resources",
      to: "operator",
      label: "watch",
      status: trouble ? "error" : "ok",
      facts: [
        { label: "objects", value: pools.length + 6 },
        { label: "rejected", value: trouble ? 1 : 0 },
      ],
    },
    ...[PROMETHEUS, ALERTMANAGER].map(
      (to): FlowEdge => ({
        id: `config/${to}`,
        from: "operator",
        to,
        label: "config",
        status: trouble && to === PROMETHEUS ? "warning" : "ok",
        facts: [
          { label: "objects", value: to === PROMETHEUS ? pools.length + 4 : 2 },
          { label: "applied", value: now - 31_000, unit: "dateTimeFromNow" },
        ],
      }),
    ),
    ...pools.map(
      (pool): FlowEdge => ({
        id: `scrape/target/${pool.job}`,
        from: `target/${pool.job}`,
        to: PROMETHEUS,
        label: "scrape",
        status: statusOf(pool),
        facts: [
          { label: "up", value: pool.up },
          { label: "down", value: pool.total - pool.up },
          { label: "samples/s", value: wobble(pool.samples), unit: "short" },
        ],
      }),
    ),
    {
      id: `evaluate/${RULES}`,
      from: PROMETHEUS,
      to: RULES,
      label: "evaluate",
      status: "ok",
      facts: [{ label: "failing", value: 0 }],
    },
    {
      id: "alerts",
      from: RULES,
      to: ALERTMANAGER,
      label: "alerts",
      status: "ok",
      facts: [
        { label: "sent", value: 128 },
        { label: "failed", value: 0 },
        { label: "dropped", value: 0 },
      ],
    },
    { id: "query/main", from: PROMETHEUS, to: "dashboards", label: "queries", status: "ok", facts: [] },
  ];
  const problems: FlowProblem[] = [];
  if (scene === "calm") {
    problems.push({
      severity: "warning",
      code: "explain.no-channel",
      object: "Alertmanager monitoring/main",
      at: ALERTMANAGER,
      message: "no notification channel is configured: alerts are shown here and reach nobody",
      fix: "Apply an AlertmanagerConfig with a slackConfigs or webhookConfigs receiver",
    });
  } else {
    const channels: [string, string, FlowStatus, number, number][] = [
      ["shop/team-slack", "slack", "ok", 41, 0],
      ["shop/on-call", "pagerduty, victorops", "error", 3, 2],
      ["shop/audit", "webhook", "idle", 0, 0],
    ];
    for (const [title, types, status, sent, failed] of channels) {
      const id = `channel/${title}`;
      nodes.push(node(id, "channel", title, types, status, [{ label: "sent", value: sent }], "/alerts"));
      edges.push({
        id: `notify/${id}`,
        from: ALERTMANAGER,
        to: id,
        label: "notifications",
        status,
        facts: [
          { label: "sent", value: sent },
          { label: "failed", value: failed },
        ],
      });
    }
    problems.push(
      {
        severity: "error",
        code: "operator.invalid-object",
        object: "ServiceMonitor shop/needs-secret",
        at: "config",
        message: "left out of monitoring/main: Secret shop/absent does not exist",
        fix: "Create the Secret or remove basicAuth from spec.endpoints[0]",
      },
      {
        severity: "error",
        code: "explain.notification-failed",
        object: "receiver shop/on-call (pagerduty)",
        at: "notify/channel/shop/on-call",
        message: "unexpected status code 401 from https://events.pagerduty.com/v2/enqueue: invalid routing key",
      },
    );
    for (const pool of pools.filter(({ up, total }) => up < total)) {
      problems.push({
        severity: pool.up > 0 ? "warning" : "error",
        code: "explain.target-down",
        object: `ServiceMonitor ${pool.monitor}`,
        at: `scrape/target/${pool.job}`,
        message: `${pool.total - pool.up} of ${pool.total} targets cannot be scraped: connect ECONNREFUSED 10.0.0.7:8080`,
      });
    }
  }
  return { generatedAt: now, nodes, edges, problems };
}
