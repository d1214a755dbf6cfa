/** Draws the monitoring flow from the facts of all components: nodes, arrows, problems with their reasons. */
import type { Flow, FlowEdge, FlowFact, FlowNode, FlowProblem, FlowStatus } from "@pharos/model";
import type { AlertmanagerFacts, FlowFacts, OperatorFacts, PrometheusFacts } from "./facts.ts";
import { type Drawing, drawPools } from "./scrape-nodes.ts";

/** An alert in each of these is worth a word, not a colour. */
const RESOURCE_KINDS = ["ServiceMonitor", "PodMonitor", "Probe", "PrometheusRule", "AlertmanagerConfig"];

function worst(...states: FlowStatus[]): FlowStatus {
  for (const state of ["error", "warning", "ok"] as const) if (states.includes(state)) return state;
  return "idle";
}

function drawControl({ resources, operator }: FlowFacts): Drawing {
  const problems: FlowProblem[] = resources.problems.map((problem) => ({
    severity: "error",
    code: "explain.bad-resource",
    at: "resources",
    ...problem,
  }));
  for (const { kind, namespace, name, verdicts } of operator.objects) {
    const object = `${kind} ${namespace}/${name}`;
    for (const { code, instance, reason, fix, accepted } of verdicts) {
      if (accepted || code === "operator.not-selected") continue;
      const prefix = instance ? `left out of ${instance}: ` : "";
      problems.push({ severity: "error", code, object, at: "config", message: prefix + reason, fix });
    }
    // Selected by nobody: the commonest silence of all. Reasons differ per instance; the first one is telling enough.
    if (verdicts.length > 0 && verdicts.every(({ code }) => code === "operator.not-selected")) {
      problems.push({
        severity: "warning",
        code: "operator.not-selected",
        object,
        at: "config",
        message: `no instance selects it. ${verdicts[0].instance}: ${verdicts[0].reason}`,
      });
    }
  }
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const facts: FlowFact[] = RESOURCE_KINDS.filter((kind) => resources.counts[kind]).map((kind) => ({
    label: kind,
    value: resources.counts[kind],
  }));
  return {
    nodes: [
      {
        id: "resources",
        kind: "resources",
        title: "Resources",
        subtitle: "Kubernetes API",
        status: resources.problems.length > 0 ? "error" : "ok",
        facts,
        href: "/resources",
      },
      {
        id: "operator",
        kind: "operator",
        title: "Operator",
        status: operator.reconciledAt === 0 ? "idle" : errors > 0 ? "warning" : "ok",
        facts: [
          { label: "reconciled", value: operator.reconciledAt, unit: "dateTimeFromNow" },
          { label: "took", value: operator.duration, unit: "s" },
        ],
      },
    ],
    edges: [
      {
        id: "config",
        from: "resources",
        to: "operator",
        label: "watch",
        status: problems.length > 0 ? worst(...problems.map(({ severity }) => severity)) : "ok",
        facts: [
          { label: "objects", value: operator.objects.length },
          { label: "rejected", value: errors },
        ],
      },
    ],
    problems,
  };
}

function configEdge(
  operator: OperatorFacts,
  kind: OperatorFacts["instances"][number]["kind"],
  namespace: string,
  name: string,
  to: string,
): Drawing {
  const instance = operator.instances.find(
    (entry) => entry.kind === kind && entry.namespace === namespace && entry.name === name,
  );
  if (!instance) return { nodes: [], edges: [], problems: [] };
  const id = `config/${kind}/${namespace}/${name}`;
  const accepted = Object.values(instance.selected).reduce((sum, count) => sum + count, 0);
  return {
    nodes: [],
    edges: [
      {
        id,
        from: "operator",
        to,
        label: "config",
        status: instance.message ? "error" : instance.rejected > 0 ? "warning" : "ok",
        facts: [
          { label: "objects", value: accepted },
          { label: "applied", value: instance.appliedAt, unit: "dateTimeFromNow" },
        ],
      },
    ],
    problems: instance.message
      ? [
          {
            severity: "error",
            code: "operator.not-applied",
            object: `${kind} ${namespace}/${name}`,
            at: id,
            message: `the running configuration stays: ${instance.message}`,
          },
        ]
      : [],
  };
}

function drawPrometheus(prometheus: PrometheusFacts, facts: FlowFacts): Drawing {
  const { namespace, name, rules, notifications, pools, series, reload } = prometheus;
  const id = `prometheus/${namespace}/${name}`;
  const rulesId = `rules/${namespace}/${name}`;
  const object = `Prometheus ${namespace}/${name}`;
  const drawing = merge(drawPools(prometheus, id), configEdge(facts.operator, "Prometheus", namespace, name, id));
  const rate = pools.reduce((sum, pool) => sum + (pool.interval > 0 ? pool.samples / pool.interval : 0), 0);
  drawing.nodes.push(
    {
      id,
      kind: "prometheus",
      title: `Prometheus ${name}`,
      subtitle: namespace,
      status: reload.successful ? "ok" : "error",
      facts: [
        { label: "series", value: series, unit: "short" },
        { label: "samples/s", value: rate, unit: "short" },
        { label: "targets", value: pools.reduce((sum, pool) => sum + pool.up + pool.down + pool.unknown, 0) },
      ],
      href: "/targets",
    },
    {
      id: rulesId,
      kind: "rules",
      title: "Rules",
      subtitle: `${rules.groups} groups`,
      status: rules.failing.length > 0 ? "error" : "ok",
      facts: [
        { label: "alerting", value: rules.alerting },
        { label: "recording", value: rules.recording },
        { label: "pending", value: rules.pending },
        { label: "firing", value: rules.firing },
      ],
      href: "/rules",
    },
  );
  drawing.edges.push({
    id: `evaluate/${rulesId}`,
    from: id,
    to: rulesId,
    label: "evaluate",
    status: rules.failing.length > 0 ? "error" : "ok",
    facts: [{ label: "failing", value: rules.failing.length }],
  });
  for (const { group, rule, error } of rules.failing) {
    drawing.problems.push({
      severity: "error",
      code: "explain.rule-failing",
      object: `rule ${rule} of group ${group}`,
      at: `evaluate/${rulesId}`,
      message: error,
    });
  }
  if (!reload.successful) {
    drawing.problems.push({
      severity: "error",
      code: "explain.reload-failed",
      object,
      at: id,
      message: reload.message,
    });
  }
  for (const alertmanager of facts.alertmanagers) {
    const known = notifications.alertmanagers.length > 0;
    drawing.edges.push({
      id: `alerts/${rulesId}/${alertmanager.namespace}/${alertmanager.name}`,
      from: rulesId,
      to: `alertmanager/${alertmanager.namespace}/${alertmanager.name}`,
      label: "alerts",
      status: !known ? "idle" : notifications.failed > 0 ? "warning" : "ok",
      facts: [
        { label: "sent", value: notifications.sent },
        { label: "failed", value: notifications.failed },
        { label: "dropped", value: notifications.dropped },
      ],
    });
  }
  return drawing;
}

function drawAlertmanager(alertmanager: AlertmanagerFacts, operator: OperatorFacts): Drawing {
  const { namespace, name, active, suppressed, silences, receivers, reload } = alertmanager;
  const id = `alertmanager/${namespace}/${name}`;
  const drawing = configEdge(operator, "Alertmanager", namespace, name, id);
  drawing.nodes.push({
    id,
    kind: "alertmanager",
    title: `Alertmanager ${name}`,
    subtitle: namespace,
    status: reload.successful ? "ok" : "error",
    facts: [
      { label: "active", value: active },
      { label: "suppressed", value: suppressed },
      { label: "silences", value: silences },
    ],
    href: "/alerts",
  });
  if (!reload.successful) {
    drawing.problems.push({
      severity: "error",
      code: "explain.reload-failed",
      object: `Alertmanager ${namespace}/${name}`,
      at: id,
      message: reload.message,
    });
  }
  let channels = 0;
  for (const receiver of receivers) {
    if (receiver.integrations.length === 0) continue;
    channels++;
    const channelId = `channel/${namespace}/${name}/${receiver.name}`;
    const failing = receiver.integrations.filter(({ lastError }) => lastError);
    const sent = receiver.integrations.reduce((sum, integration) => sum + integration.sent, 0);
    const failed = receiver.integrations.reduce((sum, integration) => sum + integration.failed, 0);
    const status: FlowStatus = failing.length > 0 ? "error" : sent > 0 ? "ok" : "idle";
    drawing.nodes.push({
      id: channelId,
      kind: "channel",
      title: receiver.name,
      subtitle: receiver.integrations.map(({ type }) => type).join(", "),
      status,
      facts: [{ label: "sent", value: sent }],
      href: "/alerts",
    });
    const edge: FlowEdge = {
      id: `notify/${channelId}`,
      from: id,
      to: channelId,
      label: "notifications",
      status,
      facts: [
        { label: "sent", value: sent },
        { label: "failed", value: failed },
      ],
    };
    drawing.edges.push(edge);
    for (const { type, lastError } of failing) {
      drawing.problems.push({
        severity: "error",
        code: "explain.notification-failed",
        object: `receiver ${receiver.name} (${type})`,
        at: edge.id,
        message: lastError,
      });
    }
  }
  if (channels === 0) {
    drawing.problems.push({
      severity: "warning",
      code: "explain.no-channel",
      object: `Alertmanager ${namespace}/${name}`,
      at: id,
      message: "no notification channel is configured: alerts are shown here and reach nobody",
      fix: "Apply an AlertmanagerConfig with a slackConfigs or webhookConfigs receiver",
    });
  }
  return drawing;
}

function merge(...drawings: Drawing[]): Drawing {
  return {
    nodes: drawings.flatMap(({ nodes }) => nodes),
    edges: drawings.flatMap(({ edges }) => edges),
    problems: drawings.flatMap(({ problems }) => problems),
  };
}

export function buildFlow(facts: FlowFacts): Flow {
  const dashboards: FlowNode = {
    id: "dashboards",
    kind: "dashboards",
    title: "Dashboards",
    status: facts.dashboards.problems.length > 0 ? "warning" : "ok",
    facts: [{ label: "dashboards", value: facts.dashboards.count }],
    href: "/dashboards",
  };
  const drawing = merge(
    drawControl(facts),
    ...facts.prometheuses.map((prometheus) => drawPrometheus(prometheus, facts)),
    ...facts.alertmanagers.map((alertmanager) => drawAlertmanager(alertmanager, facts.operator)),
    {
      nodes: [dashboards],
      edges: facts.prometheuses.map(({ namespace, name }) => ({
        id: `query/${namespace}/${name}`,
        from: `prometheus/${namespace}/${name}`,
        to: "dashboards",
        label: "queries",
        status: "ok" as const,
        facts: [],
      })),
      problems: facts.dashboards.problems.map((problem) => ({
        severity: "warning" as const,
        code: "explain.bad-dashboard",
        at: "dashboards",
        ...problem,
      })),
    },
  );
  // An instance that never started is not in its component's facts: it must not be missing from the drawing.
  for (const { kind, namespace, name, message } of facts.operator.instances) {
    const id = `${kind.toLowerCase()}/${namespace}/${name}`;
    if (drawing.nodes.some((node) => node.id === id)) continue;
    drawing.nodes.push({
      id,
      kind: kind === "Alertmanager" ? "alertmanager" : "prometheus",
      title: `${kind} ${name}`,
      subtitle: namespace,
      status: "error",
      facts: [],
    });
    drawing.problems.push(...configEdge(facts.operator, kind, namespace, name, id).problems);
    if (!message) {
      drawing.problems.push({
        severity: "error",
        code: "explain.not-running",
        object: `${kind} ${namespace}/${name}`,
        at: id,
        message: "the instance is not running",
      });
    }
  }
  const ranked = drawing.problems.sort((a, b) => Number(b.severity === "error") - Number(a.severity === "error"));
  return { generatedAt: facts.now, nodes: drawing.nodes, edges: drawing.edges, problems: ranked };
}
