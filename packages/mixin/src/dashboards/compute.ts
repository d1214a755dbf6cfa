/** What containers use beside what they were promised: of the cluster, a namespace, a workload, a pod, a node. */
import {
  type Column,
  dashboard,
  gauge,
  type Key,
  lines,
  linkTo,
  query,
  type Row,
  stat,
  table,
  type Variable,
} from "./dsl.ts";
import { RATE, type Scope } from "./scope.ts";

const CPU = "node_namespace_pod_container:container_cpu_usage_seconds_total:sum_rate5m";
const MEMORY = "node_namespace_pod_container:container_memory_working_set_bytes";
const OWNER = "namespace_workload_pod:kube_pod_owner:relabel";
const CELL = "${__value.text}";

const promised = (resource: "cpu" | "memory", kind: "requests" | "limits"): string =>
  `cluster:namespace:pod_${resource}:active:kube_pod_container_resource_${kind}`;

/** Joins what is told of pods with their workloads. */
function perWorkload({ by, sel }: Scope, expr: string, matchers: string[], grouping: string): string {
  return `sum by (${grouping}) (${expr} * on (${by("namespace", "pod")}) group_left (workload, workload_type)
    max by (${by("namespace", "pod", "workload", "workload_type")}) (${OWNER}${sel(...matchers)}))`;
}

interface Level {
  /** Label that usage is split by, the head of its column, and where a click on it leads. */
  keys: Key[];
  legend: string;
  /** Of a recorded or raw metric with the labels of containers: its sum by the keys. */
  sum: (metric: string, matchers?: string[]) => string;
}

/** CPU and memory: over time, and beside requests and limits. */
function computeRows({ keys, legend, sum }: Level, memory: string[] = []): Row[] {
  const columns = (resource: "cpu" | "memory"): Column[] => {
    const usage = sum(resource === "cpu" ? CPU : MEMORY, resource === "cpu" ? [] : ['container!=""', ...memory]);
    const unit = resource === "cpu" ? { unit: "short", decimals: 3 } : { unit: "bytes", decimals: 1 };
    const requests = sum(promised(resource, "requests"));
    const limits = sum(promised(resource, "limits"));
    return [
      { name: "Usage", expr: usage, ...unit },
      { name: "Requests", expr: requests, ...unit },
      { name: "Usage of requests", expr: `${usage} / ${requests}`, share: true },
      { name: "Limits", expr: limits, ...unit },
      { name: "Usage of limits", expr: `${usage} / ${limits}`, share: true },
    ];
  };
  return [
    {
      title: "CPU",
      panels: [
        lines("CPU usage", "short", [query(sum(CPU), legend)], { w: 10, stack: true, description: "In CPUs." }),
        table("CPU beside what was promised", keys, columns("cpu"), { w: 14, sort: "Usage" }),
      ],
    },
    {
      title: "Memory",
      panels: [
        lines("Memory usage", "bytes", [query(sum(MEMORY, ['container!=""', ...memory]), legend)], {
          w: 10,
          stack: true,
          description: "Working set: what the kernel cannot take back when memory gets short.",
        }),
        table("Memory beside what was promised", keys, columns("memory"), { w: 14, sort: "Usage" }),
      ],
    },
  ];
}

/** Headline figures of CPU or memory within some pods. */
function share(title: string, usage: string, of: string, description: string) {
  return gauge(title, `sum(${usage}) / sum(${of})`, { description, w: 4 });
}

function trafficRow({ job, sel }: Scope, matchers: string[], legend: string, grouping: string): Row {
  const rate = (direction: string, what: string): string =>
    `sum by (${grouping}) (rate(container_network_${direction}_${what}_total${sel(job.cadvisor, ...matchers)}[${RATE}]))`;
  return {
    title: "Network",
    panels: [
      lines(
        "Traffic",
        "binBps",
        [query(rate("receive", "bytes"), `${legend} in`), query(rate("transmit", "bytes"), `${legend} out`)],
        { below: "/out$/", description: "Out is drawn below zero." },
      ),
      lines("Packets dropped", "pps", [
        query(rate("receive", "packets_dropped"), `${legend} in`),
        query(rate("transmit", "packets_dropped"), `${legend} out`),
      ]),
    ],
  };
}

export function cluster(scope: Scope) {
  const { by, clusterOf, handing, job, sel } = scope;
  const k = job.kubeStateMetrics;
  const allocatable = (resource: string): string => `kube_node_status_allocatable${sel(k, `resource="${resource}"`)}`;
  return dashboard({
    name: "cluster",
    title: "Kubernetes / Cluster",
    description: "What the cluster has, what its namespaces use, and what they were promised.",
    tags: ["kubernetes", "compute"],
    variables: clusterOf(`kube_node_info{${k}}`),
    rows: [
      {
        title: "At a glance",
        panels: [
          gauge("CPU used", `sum(${CPU}${sel()}) / sum(${allocatable("cpu")})`, { w: 4 }),
          gauge(
            "CPU requested",
            `sum(namespace_cpu:kube_pod_container_resource_requests:sum${sel()}) / sum(${allocatable("cpu")})`,
          ),
          gauge("Memory used", `sum(${MEMORY}${sel('container!=""')}) / sum(${allocatable("memory")})`),
          gauge(
            "Memory requested",
            `sum(namespace_memory:kube_pod_container_resource_requests:sum${sel()}) / sum(${allocatable("memory")})`,
          ),
          stat("Nodes", "none", `count(kube_node_info${sel(k)})`, { w: 2 }),
          stat("Pods", "none", `sum(kube_pod_status_phase${sel(k, 'phase="Running"')})`, { w: 3, spark: true }),
          stat(
            "Pods not running",
            "none",
            `sum(kube_pod_status_phase${sel(k, 'phase=~"Pending|Unknown|Failed"')}) or vector(0)`,
            {
              w: 3,
              steps: [
                [null, "green"],
                [1, "orange"],
                [20, "red"],
              ],
            },
          ),
        ],
      },
      ...computeRows({
        keys: [{ label: "namespace", name: "Namespace", link: linkTo("namespace", handing({ namespace: CELL })) }],
        legend: "{{namespace}}",
        sum: (metric, matchers = []) => `sum by (namespace) (${metric}${sel(...matchers)})`,
      }),
      trafficRow(scope, ['namespace!=""'], "{{namespace}}", by("namespace")),
    ],
  });
}

function namespaceVariables({ clusterOf, values, job }: Scope): Variable[] {
  return [
    ...clusterOf(`kube_namespace_status_phase{${job.kubeStateMetrics}}`),
    values("namespace", "Namespace", "kube_namespace_status_phase", [job.kubeStateMetrics]),
  ];
}

const NS = 'namespace="$namespace"';

function glance({ sel }: Scope, ...matchers: string[]): Row {
  const usage = (metric: string): string => `${metric}${sel(...matchers, 'container!=""')}`;
  const of = (resource: "cpu" | "memory", kind: "requests" | "limits"): string =>
    `${promised(resource, kind)}${sel(...matchers)}`;
  return {
    title: "At a glance",
    panels: [
      stat("CPU used", "short", `sum(${usage(CPU)})`, { spark: true, decimals: 2, description: "In CPUs." }),
      share("CPU of requests", usage(CPU), of("cpu", "requests"), "Usage beside what was requested."),
      share("CPU of limits", usage(CPU), of("cpu", "limits"), "Usage beside the limits; above them is throttling."),
      stat("Memory used", "bytes", `sum(${usage(MEMORY)})`, { spark: true, decimals: 1 }),
      share("Memory of requests", usage(MEMORY), of("memory", "requests"), "Usage beside what was requested."),
      share(
        "Memory of limits",
        usage(MEMORY),
        of("memory", "limits"),
        "Usage beside the limits; at them a container is killed.",
      ),
    ],
  };
}

export function namespacePods(scope: Scope) {
  const { handing, sel } = scope;
  return dashboard({
    name: "namespace",
    title: "Kubernetes / Namespace / Pods",
    description: "Pods of a namespace: what they use, and what they were promised.",
    tags: ["kubernetes", "compute"],
    variables: namespaceVariables(scope),
    rows: [
      glance(scope, NS),
      ...computeRows({
        keys: [{ label: "pod", name: "Pod", link: linkTo("pod", handing({ namespace: "${namespace}", pod: CELL })) }],
        legend: "{{pod}}",
        sum: (metric, matchers = []) => `sum by (pod) (${metric}${sel(NS, ...matchers)})`,
      }),
      trafficRow(scope, [NS], "{{pod}}", "pod"),
    ],
  });
}

export function namespaceWorkloads(scope: Scope) {
  const { handing, sel, job } = scope;
  return dashboard({
    name: "namespace-workloads",
    title: "Kubernetes / Namespace / Workloads",
    description:
      "Deployments, StatefulSets, DaemonSets and Jobs of a namespace: what they use, and what they were promised.",
    tags: ["kubernetes", "compute"],
    variables: namespaceVariables(scope),
    rows: [
      glance(scope, NS),
      {
        title: "Replicas",
        panels: [
          table(
            "Deployments",
            [{ label: "deployment", name: "Deployment" }],
            (
              [
                ["Wanted", "kube_deployment_spec_replicas"],
                ["Available", "kube_deployment_status_replicas_available"],
                ["Up to date", "kube_deployment_status_replicas_updated"],
              ] as const
            ).map(([name, metric]) => ({
              name,
              expr: `max by (deployment) (${metric}${sel(job.kubeStateMetrics, NS)})`,
            })),
            { w: 12, h: 8 },
          ),
          table(
            "StatefulSets",
            [{ label: "statefulset", name: "StatefulSet" }],
            (
              [
                ["Wanted", "kube_statefulset_replicas"],
                ["Ready", "kube_statefulset_status_replicas_ready"],
                ["Up to date", "kube_statefulset_status_replicas_updated"],
              ] as const
            ).map(([name, metric]) => ({
              name,
              expr: `max by (statefulset) (${metric}${sel(job.kubeStateMetrics, NS)})`,
            })),
            { w: 12, h: 8 },
          ),
        ],
      },
      ...computeRows({
        keys: [
          {
            label: "workload",
            name: "Workload",
            link: linkTo("workload", handing({ namespace: "${namespace}", workload: CELL })),
          },
          { label: "workload_type", name: "Kind" },
        ],
        legend: "{{workload}} ({{workload_type}})",
        sum: (metric, matchers = []) =>
          perWorkload(scope, `${metric}${sel(NS, ...matchers)}`, [NS], "workload, workload_type"),
      }),
    ],
  });
}

export function workload(scope: Scope) {
  const { handing, sel, values, job, by } = scope;
  const which = [NS, 'workload="$workload"'];
  const traffic = (direction: string): string =>
    `sum by (pod) (rate(container_network_${direction}_bytes_total${sel(job.cadvisor, NS)}[${RATE}])
      * on (${by("namespace", "pod")}) group_left (workload) max by (${by("namespace", "pod", "workload")}) (${OWNER}${sel(...which)}))`;
  return dashboard({
    name: "workload",
    title: "Kubernetes / Workload",
    description: "The pods of one workload: what they use, and what they were promised.",
    tags: ["kubernetes", "compute"],
    variables: [...namespaceVariables(scope), values("workload", "Workload", OWNER, [NS])],
    rows: [
      ...computeRows({
        keys: [{ label: "pod", name: "Pod", link: linkTo("pod", handing({ namespace: "${namespace}", pod: CELL })) }],
        legend: "{{pod}}",
        sum: (metric, matchers = []) => perWorkload(scope, `${metric}${sel(NS, ...matchers)}`, which, "pod"),
      }),
      {
        title: "Network",
        panels: [
          lines(
            "Traffic",
            "binBps",
            [query(traffic("receive"), "{{pod}} in"), query(traffic("transmit"), "{{pod}} out")],
            { w: 24, below: "/out$/", description: "Out is drawn below zero." },
          ),
        ],
      },
    ],
  });
}

export function pod(scope: Scope) {
  const { job, sel, values } = scope;
  const which = [NS, 'pod="$pod"'];
  const c = (metric: string, ...matchers: string[]): string =>
    `sum by (container) (rate(${metric}${sel(job.cadvisor, ...which, 'container!=""', ...matchers)}[${RATE}]))`;
  const k = job.kubeStateMetrics;
  return dashboard({
    name: "pod",
    title: "Kubernetes / Pod",
    description: "One pod and its containers.",
    tags: ["kubernetes", "compute"],
    variables: [...namespaceVariables(scope), values("pod", "Pod", "kube_pod_info", [k, NS])],
    rows: [
      {
        title: "At a glance",
        panels: [
          stat("Ready", "none", `max(kube_pod_status_ready${sel(k, ...which, 'condition="true"')})`, {
            words: { "0": ["Not ready", "red"], "1": ["Ready", "green"] },
          }),
          stat(
            "Restarts",
            "none",
            `sum(increase(kube_pod_container_status_restarts_total${sel(k, ...which)}[$__range]))`,
            {
              decimals: 0,
              description: "Within the time range.",
              steps: [
                [null, "green"],
                [1, "orange"],
                [5, "red"],
              ],
            },
          ),
          stat("Age", "s", `time() - max(kube_pod_start_time${sel(k, ...which)})`, { decimals: 1 }),
          stat("CPU", "short", `sum(${CPU}${sel(...which)})`, { decimals: 3, spark: true, description: "In CPUs." }),
          stat("Memory", "bytes", `sum(${MEMORY}${sel(...which, 'container!=""')})`, { decimals: 1, spark: true }),
          gauge(
            "Memory of limit",
            `sum(${MEMORY}${sel(...which, 'container!=""')}) / sum(${promised("memory", "limits")}${sel(...which)})`,
          ),
        ],
      },
      ...computeRows({
        keys: [{ label: "container", name: "Container" }],
        legend: "{{container}}",
        sum: (metric, matchers = []) => `sum by (container) (${metric}${sel(...which, ...matchers)})`,
      }),
      {
        title: "CPU throttling, network and disk",
        panels: [
          lines(
            "CPU throttling",
            "percentunit",
            [
              query(
                `${c("container_cpu_cfs_throttled_periods_total")} / ${c("container_cpu_cfs_periods_total")}`,
                "{{container}}",
              ),
            ],
            {
              w: 8,
              max: 1,
              steps: [
                [null, "green"],
                [0.25, "red"],
              ],
              description: "Share of scheduling periods in which the limit held the container back.",
            },
          ),
          lines(
            "Traffic",
            "binBps",
            [
              query(`sum(rate(container_network_receive_bytes_total${sel(job.cadvisor, ...which)}[${RATE}]))`, "in"),
              query(`sum(rate(container_network_transmit_bytes_total${sel(job.cadvisor, ...which)}[${RATE}]))`, "out"),
            ],
            { w: 8, below: "/out$/", description: "Out is drawn below zero." },
          ),
          lines(
            "Disk",
            "binBps",
            [
              query(c("container_fs_reads_bytes_total"), "{{container}} reads"),
              query(c("container_fs_writes_bytes_total"), "{{container}} writes"),
            ],
            { w: 8, below: "/writes$/", description: "Writes are drawn below zero." },
          ),
        ],
      },
    ],
  });
}

export function nodePods(scope: Scope) {
  const { clusterOf, handing, job, sel, values } = scope;
  const k = job.kubeStateMetrics;
  const which = 'node=~"$node"';
  const allocatable = (resource: string): string =>
    `sum(kube_node_status_allocatable${sel(k, which, `resource="${resource}"`)})`;
  return dashboard({
    name: "node-pods",
    title: "Kubernetes / Node",
    description: "What the pods of a node use of it, and what they were promised.",
    tags: ["kubernetes", "compute"],
    variables: [...clusterOf(`kube_node_info{${k}}`), values("node", "Node", "kube_node_info", [k], { many: true })],
    rows: [
      {
        title: "At a glance",
        panels: [
          gauge("CPU used by pods", `sum(${CPU}${sel(which)}) / ${allocatable("cpu")}`, { w: 6 }),
          gauge("Memory used by pods", `sum(${MEMORY}${sel(which, 'container!=""')}) / ${allocatable("memory")}`, {
            w: 6,
          }),
          stat("Pods", "none", `count(kube_pod_info${sel(k, which)})`, { w: 6, spark: true }),
          gauge("Pods of those allowed", `count(kube_pod_info${sel(k, which)}) / ${allocatable("pods")}`, { w: 6 }),
        ],
      },
      ...computeRows({
        keys: [
          { label: "namespace", name: "Namespace", link: linkTo("namespace", handing({ namespace: CELL })) },
          { label: "pod", name: "Pod" },
        ],
        legend: "{{namespace}}/{{pod}}",
        sum: (metric, matchers = []) => `sum by (namespace, pod) (${metric}${sel(which, ...matchers)})`,
      }),
    ],
  });
}
