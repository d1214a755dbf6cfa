/** Recording rules that join what containers use with what they belong to: what the dashboards of workloads are made of. */
import type { Settings } from "../params.ts";
import { type Rule, type RuleGroup, type RuleSet, record } from "../types.ts";

/** The node of each pod, by kube-state-metrics: exactly one, even while two of its replicas tell of the same pod. */
function nodeOfPod({ by, job }: Settings): string {
  return `
    on (${by("namespace", "pod")}) group_left (node)
      topk by (${by("namespace", "pod")}) (1,
        max by (${by("namespace", "pod", "node")}) (kube_pod_info{${job.kubeStateMetrics},node!=""}))`;
}

function usage(settings: Settings): RuleGroup[] {
  const { by, job } = settings;
  const container = by("namespace", "pod", "container");
  const groups: RuleGroup[] = [
    {
      name: "k8s.rules.container_cpu_usage_seconds_total",
      rules: (["rate", "irate"] as const).map((fn) =>
        record(
          `node_namespace_pod_container:container_cpu_usage_seconds_total:sum_${fn === "rate" ? "rate5m" : fn}`,
          `sum by (${container}) (${fn}(container_cpu_usage_seconds_total{${job.cadvisor},image!=""}[5m]))
            * ${nodeOfPod(settings)}`,
        ),
      ),
    },
  ];
  for (const metric of ["working_set_bytes", "rss", "cache", "swap"]) {
    groups.push({
      name: `k8s.rules.container_memory_${metric}`,
      rules: [
        record(
          `node_namespace_pod_container:container_memory_${metric}`,
          `container_memory_${metric}{${job.cadvisor},image!=""} * ${nodeOfPod(settings)}`,
        ),
      ],
    });
  }
  return groups;
}

function promises({ by, job }: Settings): RuleGroup[] {
  const k = job.kubeStateMetrics;
  const pod = by("namespace", "pod");
  // A pod that has ended holds nothing any more.
  const active = `max by (${pod}) (kube_pod_status_phase{${k},phase=~"Pending|Running"} == 1)`;
  return (["requests", "limits"] as const).flatMap((kind) =>
    (["memory", "cpu"] as const).map((resource): RuleGroup => {
      const metric = `kube_pod_container_resource_${kind}{${k},resource="${resource}"}`;
      return {
        name: `k8s.rules.container_${resource}_${kind}`,
        rules: [
          record(
            `cluster:namespace:pod_${resource}:active:kube_pod_container_resource_${kind}`,
            `${metric} * on (${pod}) group_left () ${active}`,
          ),
          record(
            `namespace_${resource}:kube_pod_container_resource_${kind}:sum`,
            `sum by (${by("namespace")}) (
              sum by (${pod}) (max by (${by("namespace", "pod", "container")}) (${metric})) * ${active})`,
          ),
        ],
      };
    }),
  );
}

/** The workload of every pod: through its ReplicaSet to the Deployment, through its Job to the CronJob. */
function owners({ by, job }: Settings): RuleGroup {
  const k = job.kubeStateMetrics;
  const workload = by("namespace", "workload", "pod");
  const owned = (kind: string): string => `kube_pod_owner{${k},owner_kind="${kind}"}`;
  const through = (kind: string, label: string, parents: string): string => `
    label_replace(${owned(kind)}, "${label}", "$1", "owner_name", "(.+)")
      * on (${by("namespace", label)}) group_left (owner_name)
      topk by (${by("namespace", label)}) (1, max by (${by("namespace", label, "owner_name")}) (${parents}))`;
  const make = (type: string, expr: string, from = "owner_name"): Rule =>
    record(
      "namespace_workload_pod:kube_pod_owner:relabel",
      `max by (${workload}) (label_replace(${expr}, "workload", "$1", "${from}", "(.+)"))`,
      { workload_type: type },
    );
  return {
    name: "k8s.rules.pod_owner",
    rules: [
      make(
        "replicaset",
        through("ReplicaSet", "replicaset", `kube_replicaset_owner{${k},owner_kind=""}`),
        "replicaset",
      ),
      make("deployment", through("ReplicaSet", "replicaset", `kube_replicaset_owner{${k},owner_kind="Deployment"}`)),
      make("daemonset", owned("DaemonSet")),
      make("statefulset", owned("StatefulSet")),
      make("job", through("Job", "job_name", `kube_job_owner{${k},owner_kind=~"Pod|"}`), "job_name"),
      make("cronjob", through("Job", "job_name", `kube_job_owner{${k},owner_kind="CronJob"}`)),
      make("barepod", `kube_pod_owner{${k},owner_kind="",owner_name=""}`, "pod"),
      make("staticpod", owned("Node"), "pod"),
    ],
  };
}

function nodes(settings: Settings): RuleGroup {
  const { by, job } = settings;
  const n = job.nodeExporter;
  const k = job.kubeStateMetrics;
  return {
    name: "node.rules",
    rules: [
      record(
        "node_namespace_pod:kube_pod_info:",
        `topk by (${by("namespace", "pod")}) (1,
          max by (${by("node", "namespace", "pod")}) (kube_pod_info{${k},node!=""}))`,
      ),
      record(
        "node:node_num_cpu:sum",
        `count by (${by("node")}) (
          node_cpu_seconds_total{${n},mode="idle"}
          * on (${by("namespace", "pod")}) group_left (node) node_namespace_pod:kube_pod_info:)`,
      ),
      record(":node_memory_MemAvailable_bytes:sum", `sum by (${by()}) (node_memory_MemAvailable_bytes{${n}})`),
      record(
        "node:node_cpu_utilization:ratio_rate5m",
        `avg by (${by("node")}) (
          sum without (mode) (rate(node_cpu_seconds_total{${n},mode!="idle",mode!="iowait",mode!="steal"}[5m])))`,
      ),
      record("cluster:node_cpu:ratio_rate5m", `avg by (${by()}) (node:node_cpu_utilization:ratio_rate5m)`),
    ],
  };
}

export function kubernetesRecords(settings: Settings): RuleSet {
  return {
    name: "kubernetes-recording-rules",
    groups: [
      ...(settings.components.kubelet ? usage(settings) : []),
      ...promises(settings),
      owners(settings),
      nodes(settings),
    ],
  };
}
