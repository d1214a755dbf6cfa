/** Targets on the flow: one node per scrape pool, an arrow from the Prometheus that scrapes it. */
import type { FlowEdge, FlowNode, FlowProblem, FlowStatus } from "@pharos/model";
import type { PoolFacts, PrometheusFacts } from "./facts.ts";

/** Jobs of components that belong to Pharos itself. */
const EXPORTERS = new Set([
  "node-exporter",
  "kube-state-metrics",
  "gpu-exporter",
  "prometheus",
  "alertmanager",
  "pharos",
]);

export interface Drawing {
  nodes: FlowNode[];
  edges: FlowEdge[];
  problems: FlowProblem[];
}

function statusOf({ up, down, unknown }: PoolFacts): FlowStatus {
  if (up + down + unknown === 0) return "warning";
  if (down === 0) return unknown > 0 && up === 0 ? "idle" : "ok";
  return up > 0 ? "warning" : "error";
}

/** `serviceMonitor/monitoring/node-exporter/0` → the object it comes from. */
export function monitorOf(pool: string): string {
  const [kind, namespace, name] = pool.split("/");
  const kinds: Record<string, string> = { serviceMonitor: "ServiceMonitor", podMonitor: "PodMonitor", probe: "Probe" };
  return kinds[kind] ? `${kinds[kind]} ${namespace}/${name}` : `scrape job ${pool}`;
}

export function drawPools(prometheus: PrometheusFacts, prometheusId: string): Drawing {
  const out: Drawing = { nodes: [], edges: [], problems: [] };
  for (const pool of prometheus.pools) {
    const id = `target/${prometheus.namespace}/${prometheus.name}/${pool.name}`;
    const total = pool.up + pool.down + pool.unknown;
    const status = statusOf(pool);
    const href = `/targets?pool=${encodeURIComponent(pool.name)}`;
    const job = pool.job || pool.name.split("/").at(-2) || pool.name;
    out.nodes.push({
      id,
      kind: EXPORTERS.has(job) ? "exporter" : "application",
      title: job,
      subtitle: monitorOf(pool.name),
      status,
      facts: [{ label: "targets up", value: `${pool.up}/${total}` }],
      href,
    });
    out.edges.push({
      id: `scrape/${id}`,
      from: id,
      to: prometheusId,
      label: "scrape",
      status,
      facts: [
        { label: "up", value: pool.up },
        { label: "down", value: pool.down },
        { label: "samples/s", value: pool.interval > 0 ? pool.samples / pool.interval : 0, unit: "short" },
      ],
    });
    if (total === 0) {
      out.problems.push({
        severity: "warning",
        code: "explain.no-targets",
        object: monitorOf(pool.name),
        at: id,
        message: pool.emptyReason || "no target was found",
        fix: "Check that its selector matches the labels of a Service, that the port name exists there and that the Service has endpoints",
      });
    } else if (pool.down > 0) {
      out.problems.push({
        severity: pool.up > 0 ? "warning" : "error",
        code: "explain.target-down",
        object: monitorOf(pool.name),
        at: `scrape/${id}`,
        message: `${pool.down} of ${total} targets cannot be scraped: ${pool.lastError}`,
        fix: pool.lastErrorFix || undefined,
      });
    }
  }
  return out;
}
