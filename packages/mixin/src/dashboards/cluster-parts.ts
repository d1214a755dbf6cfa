/** Parts of a cluster that everything else rests on: volumes, networks, the API server, kubelets, etcd, DNS. */
import {
  ALL_IS_GOOD,
  dashboard,
  FILLING,
  heatmap,
  lines,
  linkTo,
  NONE_IS_GOOD,
  query,
  type Row,
  stat,
  table,
} from "./dsl.ts";
import { RATE, type Scope } from "./scope.ts";

const CELL = "${__value.text}";
const NS = 'namespace="$namespace"';

const quantiles = (bucket: (quantile: number) => string, legend = "") =>
  [0.5, 0.9, 0.99].map((quantile) => query(bucket(quantile), `${legend}${quantile * 100}%`.trim()));

export function volumes({ clusterOf, job, sel, values }: Scope) {
  const v = (metric: string, ...more: string[]): string =>
    `kubelet_volume_stats_${metric}${sel(job.kubelet, 'namespace=~"$namespace"', ...more)}`;
  const by = (expr: string): string => `max by (namespace, persistentvolumeclaim) (${expr})`;
  return dashboard({
    name: "volumes",
    title: "Kubernetes / Persistent volumes",
    description: "Space and inodes of the volumes of claims.",
    tags: ["kubernetes", "storage"],
    variables: [
      ...clusterOf(`kubelet_volume_stats_capacity_bytes{${job.kubelet}}`),
      values("namespace", "Namespace", "kubelet_volume_stats_capacity_bytes", [job.kubelet], { many: true }),
      {
        name: "volume",
        label: "Claim",
        query: `label_values(kubelet_volume_stats_capacity_bytes${sel(job.kubelet, 'namespace=~"$namespace"')}, persistentvolumeclaim)`,
        many: true,
      },
    ],
    rows: [
      {
        title: "All claims",
        panels: [
          table(
            "Claims",
            [
              { label: "namespace", name: "Namespace" },
              { label: "persistentvolumeclaim", name: "Claim" },
            ],
            [
              { name: "Size", unit: "bytes", expr: by(v("capacity_bytes")) },
              { name: "Available", unit: "bytes", expr: by(v("available_bytes")) },
              { name: "Used", share: true, expr: by(`1 - ${v("available_bytes")} / ${v("capacity_bytes")}`) },
              { name: "Inodes used", share: true, expr: by(`${v("inodes_used")} / ${v("inodes")}`) },
            ],
            { sort: "Used" },
          ),
        ],
      },
      {
        title: "Over time",
        panels: [
          lines(
            "Space used",
            "percentunit",
            [
              query(
                by(
                  `1 - ${v("available_bytes", 'persistentvolumeclaim=~"$volume"')} / ${v("capacity_bytes", 'persistentvolumeclaim=~"$volume"')}`,
                ),
                "{{namespace}}/{{persistentvolumeclaim}}",
              ),
            ],
            { max: 1, steps: FILLING },
          ),
          lines(
            "Inodes used",
            "percentunit",
            [
              query(
                by(
                  `${v("inodes_used", 'persistentvolumeclaim=~"$volume"')} / ${v("inodes", 'persistentvolumeclaim=~"$volume"')}`,
                ),
                "{{namespace}}/{{persistentvolumeclaim}}",
              ),
            ],
            { max: 1, steps: FILLING },
          ),
        ],
      },
    ],
  });
}

function networkRows({ job, sel }: Scope, label: string, name: string, matchers: string[], link?: string): Row[] {
  const rate = (direction: string, what: string): string =>
    `sum by (${label}) (rate(container_network_${direction}_${what}_total${sel(job.cadvisor, ...matchers)}[${RATE}]))`;
  const pair = (what: string) => [
    query(rate("receive", what), `{{${label}}} in`),
    query(rate("transmit", what), `{{${label}}} out`),
  ];
  const below = { below: "/out$/", description: "Out is drawn below zero." };
  return [
    {
      title: "Now",
      panels: [
        table(
          "Traffic",
          [{ label, name, link }],
          [
            { name: "Received", unit: "binBps", expr: rate("receive", "bytes") },
            { name: "Sent", unit: "binBps", expr: rate("transmit", "bytes") },
            { name: "Packets received", unit: "pps", expr: rate("receive", "packets") },
            { name: "Packets sent", unit: "pps", expr: rate("transmit", "packets") },
            { name: "Dropped in", unit: "pps", expr: rate("receive", "packets_dropped") },
            { name: "Dropped out", unit: "pps", expr: rate("transmit", "packets_dropped") },
          ],
          { sort: "Received" },
        ),
      ],
    },
    {
      title: "Over time",
      panels: [
        lines("Bytes", "binBps", pair("bytes"), { ...below, w: 24 }),
        lines("Packets", "pps", pair("packets"), below),
        lines("Packets dropped", "pps", pair("packets_dropped"), below),
      ],
    },
  ];
}

export function networkCluster(scope: Scope) {
  const { clusterOf, handing, job } = scope;
  const n = job.nodeExporter;
  return dashboard({
    name: "network-cluster",
    title: "Kubernetes / Networking / Cluster",
    description: "Traffic of the pods of each namespace, and TCP of the nodes.",
    tags: ["kubernetes", "network"],
    variables: clusterOf(`kube_node_info{${job.kubeStateMetrics}}`),
    rows: [
      ...networkRows(
        scope,
        "namespace",
        "Namespace",
        ['namespace!=""'],
        linkTo("network-namespace", handing({ namespace: CELL })),
      ),
      {
        title: "TCP of the nodes",
        panels: [
          lines("Segments sent again", "percentunit", [
            query(
              `rate(node_netstat_Tcp_RetransSegs{${n}}[${RATE}]) / rate(node_netstat_Tcp_OutSegs{${n}}[${RATE}])`,
              "{{instance}}",
            ),
          ]),
          lines("Connection attempts sent again", "ops", [
            query(`rate(node_netstat_TcpExt_TCPSynRetrans{${n}}[${RATE}])`, "{{instance}}"),
          ]),
        ],
      },
    ],
  });
}

export function networkNamespace(scope: Scope) {
  const { clusterOf, handing, job, values } = scope;
  return dashboard({
    name: "network-namespace",
    title: "Kubernetes / Networking / Namespace",
    description: "Traffic of each pod of a namespace.",
    tags: ["kubernetes", "network"],
    variables: [
      ...clusterOf(`kube_namespace_status_phase{${job.kubeStateMetrics}}`),
      values("namespace", "Namespace", "kube_namespace_status_phase", [job.kubeStateMetrics]),
    ],
    rows: networkRows(
      scope,
      "pod",
      "Pod",
      [NS],
      linkTo("network-pod", handing({ namespace: "${namespace}", pod: CELL })),
    ),
  });
}

export function networkPod(scope: Scope) {
  const { clusterOf, job, values } = scope;
  const k = job.kubeStateMetrics;
  return dashboard({
    name: "network-pod",
    title: "Kubernetes / Networking / Pod",
    description: "Traffic of one pod by interface.",
    tags: ["kubernetes", "network"],
    variables: [
      ...clusterOf(`kube_namespace_status_phase{${k}}`),
      values("namespace", "Namespace", "kube_namespace_status_phase", [k]),
      values("pod", "Pod", "kube_pod_info", [k, NS]),
    ],
    rows: networkRows(scope, "interface", "Interface", [NS, 'pod="$pod"']),
  });
}

export function apiserver({ clusterOf, job, limit, sel }: Scope) {
  const a = job.apiserver;
  const availability = (verb: string, title: string) =>
    stat(title, "percentunit", `apiserver_request:availability30d${sel(`verb="${verb}"`)}`, {
      decimals: 3,
      steps: ALL_IS_GOOD,
      description: `Share of requests that succeeded in time over 30 days; ${limit.apiserverObjective * 100}% is the objective.`,
    });
  const requests = (verb: string): string =>
    `sum by (code) (code_resource:apiserver_request_total:rate5m${sel(`verb="${verb}"`)})`;
  const errors = (verb: string): string => `
    sum by (resource) (code_resource:apiserver_request_total:rate5m${sel(`verb="${verb}"`, 'code=~"5.."')})
    / sum by (resource) (code_resource:apiserver_request_total:rate5m${sel(`verb="${verb}"`)})`;
  const slow = (verb: string): string =>
    `cluster_quantile:apiserver_request_sli_duration_seconds:histogram_quantile${sel(`verb="${verb}"`)}`;
  return dashboard({
    name: "apiserver",
    title: "Kubernetes / API server",
    description: "Availability, requests, errors and latency of the API server, and what it uses itself.",
    tags: ["kubernetes", "control-plane"],
    variables: clusterOf(`up{${a}}`),
    rows: [
      {
        title: "At a glance",
        panels: [
          availability("all", "Availability"),
          availability("read", "Of reads"),
          availability("write", "Of writes"),
          stat(
            "Budget burnt at",
            "short",
            `sum(apiserver_request:burnrate1h${sel()}) / ${Number((1 - limit.apiserverObjective).toPrecision(6))}`,
            {
              decimals: 2,
              spark: true,
              description: "How many times faster than the error budget allows, over the last hour.",
              steps: [
                [null, "green"],
                [1, "orange"],
                [14.4, "red"],
              ],
            },
          ),
          stat("Requests", "reqps", `sum(rate(apiserver_request_total${sel(a)}[${RATE}]))`, { spark: true }),
          stat("Instances up", "none", `sum(up${sel(a)})`),
        ],
      },
      {
        title: "Reads",
        panels: [
          lines("Requests", "reqps", [query(requests("read"), "{{code}}")], { w: 8, stack: true }),
          lines("Errors", "percentunit", [query(errors("read"), "{{resource}}")], { w: 8 }),
          lines("Slowest 1%", "s", [query(slow("read"), "{{resource}}")], { w: 8 }),
        ],
      },
      {
        title: "Writes",
        panels: [
          lines("Requests", "reqps", [query(requests("write"), "{{code}}")], { w: 8, stack: true }),
          lines("Errors", "percentunit", [query(errors("write"), "{{resource}}")], { w: 8 }),
          lines("Slowest 1%", "s", [query(slow("write"), "{{resource}}")], { w: 8 }),
        ],
      },
      {
        title: "Process",
        panels: [
          lines("Memory", "bytes", [query(`process_resident_memory_bytes${sel(a)}`, "{{instance}}")], { w: 8 }),
          lines("CPU", "short", [query(`rate(process_cpu_seconds_total${sel(a)}[${RATE}])`, "{{instance}}")], { w: 8 }),
          lines("Goroutines", "short", [query(`go_goroutines${sel(a)}`, "{{instance}}")], { w: 8 }),
          lines("Work queued", "short", [query(`sum by (name) (workqueue_depth${sel(a)})`, "{{name}}")]),
          lines("Requests cut short", "reqps", [
            query(`sum by (component) (rate(apiserver_request_terminations_total${sel(a)}[${RATE}]))`, "{{component}}"),
          ]),
        ],
      },
    ],
  });
}

export function kubelet({ clusterOf, job, sel, values }: Scope) {
  const k = (metric: string, ...more: string[]): string =>
    `${metric}${sel(job.kubelet, 'instance=~"$instance"', ...more)}`;
  const rate = (metric: string, ...more: string[]): string => `rate(${k(metric, ...more)}[${RATE}])`;
  const slowest = (metric: string, by: string): string =>
    `histogram_quantile(0.99, sum by (${by}, le) (${rate(`${metric}_bucket`)}))`;
  return dashboard({
    name: "kubelet",
    title: "Kubernetes / Kubelet",
    description: "Pods, runtime operations and storage as the kubelets see them.",
    tags: ["kubernetes", "node"],
    variables: [
      ...clusterOf(`up{${job.kubelet}}`),
      values("instance", "Instance", "up", [job.kubelet], { many: true }),
    ],
    rows: [
      {
        title: "At a glance",
        panels: [
          stat("Kubelets up", "none", `sum(${k("up")})`),
          stat("Running pods", "none", `sum(${k("kubelet_running_pods")})`, { spark: true }),
          stat("Running containers", "none", `sum(${k("kubelet_running_containers", 'container_state="running"')})`, {
            spark: true,
          }),
          stat("Volumes", "none", `sum(${k("volume_manager_total_volumes", 'state="actual_state_of_world"')})`),
          stat("Evictions", "none", `sum(increase(${k("kubelet_evictions")}[$__range])) or vector(0)`, {
            decimals: 0,
            steps: NONE_IS_GOOD,
            description: "Within the time range.",
          }),
          stat("Runtime errors", "ops", `sum(${rate("kubelet_runtime_operations_errors_total")}) or vector(0)`, {
            spark: true,
          }),
        ],
      },
      {
        title: "Container runtime",
        panels: [
          lines(
            "Operations",
            "ops",
            [query(`sum by (operation_type) (${rate("kubelet_runtime_operations_total")})`, "{{operation_type}}")],
            { w: 8 },
          ),
          lines(
            "Errors",
            "ops",
            [
              query(
                `sum by (operation_type) (${rate("kubelet_runtime_operations_errors_total")})`,
                "{{operation_type}}",
              ),
            ],
            { w: 8 },
          ),
          lines(
            "Slowest 1%",
            "s",
            [query(slowest("kubelet_runtime_operations_duration_seconds", "operation_type"), "{{operation_type}}")],
            { w: 8 },
          ),
        ],
      },
      {
        title: "Pods",
        panels: [
          lines(
            "Slowest 1% of pod starts",
            "s",
            [query(slowest("kubelet_pod_start_duration_seconds", "instance"), "{{instance}}")],
            { w: 8 },
          ),
          lines(
            "Slowest 1% of pod workers",
            "s",
            [query(slowest("kubelet_pod_worker_duration_seconds", "instance"), "{{instance}}")],
            { w: 8 },
          ),
          lines(
            "Slowest 1% of looks at containers",
            "s",
            [query(slowest("kubelet_pleg_relist_duration_seconds", "instance"), "{{instance}}")],
            { w: 8 },
          ),
        ],
      },
      {
        title: "Storage and process",
        panels: [
          lines("Slowest 1% of storage operations", "s", [
            query(slowest("storage_operation_duration_seconds", "operation_name"), "{{operation_name}}"),
          ]),
          lines("Requests to the API server", "reqps", [
            query(`sum by (code) (${rate("rest_client_requests_total")})`, "{{code}}"),
          ]),
          lines("Memory", "bytes", [query(k("process_resident_memory_bytes"), "{{instance}}")], { w: 8 }),
          lines("CPU", "short", [query(rate("process_cpu_seconds_total"), "{{instance}}")], { w: 8 }),
          lines("Goroutines", "short", [query(k("go_goroutines"), "{{instance}}")], { w: 8 }),
        ],
      },
    ],
  });
}

export function etcd({ clusterOf, job, limit, sel }: Scope) {
  const e = (metric: string, ...more: string[]): string => `${metric}${sel(job.etcd, ...more)}`;
  const rate = (metric: string, ...more: string[]): string => `rate(${e(metric, ...more)}[${RATE}])`;
  const slowest = (metric: string): string =>
    `histogram_quantile(0.99, sum by (instance, le) (${rate(`${metric}_bucket`)}))`;
  return dashboard({
    name: "etcd",
    title: "etcd",
    description: "Members, leadership, disk and database of etcd.",
    tags: ["kubernetes", "control-plane"],
    variables: clusterOf(`up{${job.etcd}}`),
    rows: [
      {
        title: "At a glance",
        panels: [
          stat("Members up", "none", `sum(${e("up")})`),
          stat("Have a leader", "none", `min(${e("etcd_server_has_leader")})`, {
            words: { "0": ["No", "red"], "1": ["Yes", "green"] },
          }),
          stat("Leader changes", "none", `max(increase(${e("etcd_server_leader_changes_seen_total")}[$__range]))`, {
            decimals: 0,
            steps: [
              [null, "green"],
              [3, "orange"],
              [10, "red"],
            ],
          }),
          stat("Database", "bytes", `max(${e("etcd_mvcc_db_total_size_in_bytes")})`, { spark: true, decimals: 1 }),
          stat("Failed proposals", "none", `sum(increase(${e("etcd_server_proposals_failed_total")}[$__range]))`, {
            decimals: 0,
            steps: NONE_IS_GOOD,
          }),
          stat("Requests", "reqps", `sum(${rate("grpc_server_handled_total", 'grpc_type="unary"')})`, { spark: true }),
        ],
      },
      {
        title: "Disk",
        panels: [
          lines(
            "Slowest 1% of log writes",
            "s",
            [query(slowest("etcd_disk_wal_fsync_duration_seconds"), "{{instance}}")],
            {
              steps: [
                [null, "green"],
                [limit.etcdFsyncWarning, "orange"],
                [limit.etcdFsyncCritical, "red"],
              ],
            },
          ),
          lines(
            "Slowest 1% of commits",
            "s",
            [query(slowest("etcd_disk_backend_commit_duration_seconds"), "{{instance}}")],
            {
              steps: [
                [null, "green"],
                [limit.etcdCommit, "orange"],
              ],
            },
          ),
          lines(
            "Database",
            "bytes",
            [
              query(e("etcd_mvcc_db_total_size_in_bytes"), "{{instance}} size"),
              query(e("etcd_mvcc_db_total_size_in_use_in_bytes"), "{{instance}} in use"),
              query(e("etcd_server_quota_backend_bytes"), "{{instance}} quota"),
            ],
            { limits: "/quota$/" },
          ),
          lines("Failed requests", "reqps", [
            query(
              `sum by (grpc_method, grpc_code) (${rate("grpc_server_handled_total", 'grpc_type="unary"', 'grpc_code!="OK"')})`,
              "{{grpc_method}} {{grpc_code}}",
            ),
          ]),
        ],
      },
      {
        title: "Consensus",
        panels: [
          lines("Round trips between members, slowest 1%", "s", [
            query(
              `histogram_quantile(0.99, sum by (instance, To, le) (${rate("etcd_network_peer_round_trip_time_seconds_bucket")}))`,
              "{{instance}} to {{To}}",
            ),
          ]),
          lines("Proposals", "ops", [
            query(`sum(${rate("etcd_server_proposals_committed_total")})`, "committed"),
            query(`sum(${rate("etcd_server_proposals_applied_total")})`, "applied"),
            query(`sum(${rate("etcd_server_proposals_failed_total")})`, "failed"),
            query(`sum(${e("etcd_server_proposals_pending")})`, "pending"),
          ]),
        ],
      },
    ],
  });
}

export function coredns({ clusterOf, job, sel }: Scope) {
  const rate = (metric: string, ...more: string[]): string => `rate(${metric}${sel(job.coredns, ...more)}[${RATE}])`;
  return dashboard({
    name: "coredns",
    title: "CoreDNS",
    description: "Requests, answers, latency and cache of the cluster's DNS.",
    tags: ["kubernetes", "network"],
    variables: clusterOf(`up{${job.coredns}}`),
    rows: [
      {
        title: "At a glance",
        panels: [
          stat("Instances up", "none", `sum(up${sel(job.coredns)})`, { w: 6 }),
          stat("Requests", "reqps", `sum(${rate("coredns_dns_requests_total")})`, { w: 6, spark: true }),
          stat(
            "Failed",
            "percentunit",
            `sum(${rate("coredns_dns_responses_total", 'rcode="SERVFAIL"')}) / sum(${rate("coredns_dns_responses_total")})`,
            {
              w: 6,
              decimals: 2,
              steps: [
                [null, "green"],
                [0.01, "orange"],
                [0.03, "red"],
              ],
            },
          ),
          stat(
            "Found in cache",
            "percentunit",
            `sum(${rate("coredns_cache_hits_total")}) / sum(${rate("coredns_cache_requests_total")})`,
            { w: 6, spark: true, decimals: 1 },
          ),
        ],
      },
      {
        title: "Requests",
        panels: [
          lines("By type", "reqps", [query(`sum by (type) (${rate("coredns_dns_requests_total")})`, "{{type}}")], {
            stack: true,
          }),
          lines("By answer", "reqps", [query(`sum by (rcode) (${rate("coredns_dns_responses_total")})`, "{{rcode}}")], {
            stack: true,
          }),
          lines(
            "Duration",
            "s",
            quantiles(
              (q) => `histogram_quantile(${q}, sum by (le) (${rate("coredns_dns_request_duration_seconds_bucket")}))`,
            ),
          ),
          heatmap("Durations", "s", `sum by (le) (${rate("coredns_dns_request_duration_seconds_bucket")})`),
        ],
      },
      {
        title: "Servers behind",
        panels: [
          lines("Requests", "reqps", [
            query(
              `sum by (to) (${rate("coredns_proxy_request_duration_seconds_count", 'proxy_name="forward"')})`,
              "{{to}}",
            ),
          ]),
          lines("Slowest 1%", "s", [
            query(
              `histogram_quantile(0.99, sum by (to, le) (${rate("coredns_proxy_request_duration_seconds_bucket", 'proxy_name="forward"')}))`,
              "{{to}}",
            ),
          ]),
        ],
      },
    ],
  });
}
