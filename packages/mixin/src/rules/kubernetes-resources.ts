/** Alerts about promises: requests, limits and quotas beside what the nodes have; and about volumes. */
import type { Settings } from "../params.ts";
import { alert, type Rule, type RuleSet } from "../types.ts";

function overcommit({ by, job }: Settings, resource: "cpu" | "memory"): Rule {
  const what = resource === "cpu" ? "CPU" : "Memory";
  const free = `kube_node_status_allocatable{${job.kubeStateMetrics},resource="${resource}"}`;
  const requests = `sum by (${by()}) (namespace_${resource}:kube_pod_container_resource_requests:sum)`;
  const unit = resource === "cpu" ? '{{ printf "%.2f" $value }} CPUs' : "{{ $value | humanize1024 }}B";
  return alert(`Kube${what}Overcommit`, {
    severity: "warning",
    for: "10m",
    // A cluster of one node, or with one control plane node, is not expected to outlive the loss of a node.
    expr: `
      (
        ${requests} - sum by (${by()}) (${free}) > 0
        and count by (${by()}) (
          max by (${by("node")}) (kube_node_role{${job.kubeStateMetrics},role="control-plane"})) < 3
      )
      or
      ${requests} - (sum by (${by()}) (${free}) - max by (${by()}) (${free}) > 0) > 0`,
    summary: `The cluster has promised more ${what === "CPU" ? "CPU" : "memory"} than it can give.`,
    description: `Pods request ${unit} more than the cluster has when its largest node is gone: not all of them would find a new
      place.`,
  });
}

function quotaOvercommit({ by, job, limit }: Settings, resource: "cpu" | "memory"): Rule {
  const what = resource === "cpu" ? "CPU" : "Memory";
  const k = job.kubeStateMetrics;
  return alert(`Kube${what}QuotaOvercommit`, {
    severity: "warning",
    for: "5m",
    expr: `
      sum by (${by()}) (
        min without (resource) (kube_resourcequota{${k},type="hard",resource=~"(requests[.])?${resource}"}))
      / sum by (${by()}) (kube_node_status_allocatable{${k},resource="${resource}"}) > ${limit.quotaOvercommit}`,
    summary: `Quotas promise more ${what === "CPU" ? "CPU" : "memory"} than the nodes have.`,
    description: `The quotas of all namespaces together promise {{ $value | humanizePercentage }} of what the nodes have.`,
  });
}

function quotas({ by, job, limit }: Settings): Rule[] {
  const k = job.kubeStateMetrics;
  const key = by("namespace", "resource", "resourcequota");
  const used = `
    max by (${key}) (kube_resourcequota{${k},type="used"})
    / (max by (${key}) (kube_resourcequota{${k},type="hard"}) > 0)`;
  const description = `Namespace {{ $labels.namespace }} uses {{ $value | humanizePercentage }} of its quota
    {{ $labels.resourcequota }} of {{ $labels.resource }}.`;
  return [
    alert("KubeQuotaAlmostFull", {
      severity: "info",
      for: "15m",
      expr: `${used} > ${limit.quotaAlmostFull} < 1`,
      summary: "A quota is nearly used up.",
      description,
    }),
    alert("KubeQuotaFullyUsed", {
      severity: "info",
      for: "15m",
      expr: `${used} == 1`,
      summary: "A quota is used up.",
      description,
    }),
    alert("KubeQuotaExceeded", {
      severity: "warning",
      for: "15m",
      expr: `${used} > 1`,
      summary: "A namespace uses more than its quota.",
      description,
    }),
  ];
}

export function kubernetesResources(settings: Settings): RuleSet {
  const { by, job, limit, components } = settings;
  const throttled = (what: string): string => `
    sum by (${by("namespace", "pod", "container", "instance")}) (
      increase(container_cpu_cfs_${what}_total{${job.cadvisor},container!=""}[5m]))`;
  return {
    name: "kubernetes-resources-rules",
    groups: [
      {
        name: "kubernetes-resources",
        rules: [
          overcommit(settings, "cpu"),
          overcommit(settings, "memory"),
          quotaOvercommit(settings, "cpu"),
          quotaOvercommit(settings, "memory"),
          ...quotas(settings),
          ...(components.kubelet
            ? [
                alert("CPUThrottlingHigh", {
                  severity: "info",
                  for: "15m",
                  expr: `${throttled("throttled_periods")} / ${throttled("periods")} > ${limit.cpuThrottled}`,
                  summary: "A container is held back by its CPU limit.",
                  description: `Container {{ $labels.container }} of pod {{ $labels.namespace }}/{{ $labels.pod }} was throttled in
                    {{ $value | humanizePercentage }} of its scheduling periods.`,
                }),
              ]
            : []),
        ],
      },
    ],
  };
}

function fillingUp({ by, job, limit }: Settings, what: "Space" | "Inodes"): Rule[] {
  const { kubelet } = job;
  const [free, size, used] =
    what === "Space" ? ["available_bytes", "capacity_bytes", "used_bytes"] : ["inodes_free", "inodes", "inodes_used"];
  const claim = by("namespace", "persistentvolumeclaim");
  const share = `kubelet_volume_stats_${free}{${kubelet}} / kubelet_volume_stats_${size}{${kubelet}}`;
  // Nobody can fill a volume that is read only; a label of the claim leaves others out.
  const unless = `
    unless on (${claim}) kube_persistentvolumeclaim_access_mode{${job.kubeStateMetrics},access_mode="ReadOnlyMany"} == 1
    unless on (${claim}) kube_persistentvolumeclaim_labels{${job.kubeStateMetrics},label_excluded_from_alerts="true"} == 1`;
  const name = what === "Space" ? "KubePersistentVolumeFillingUp" : "KubePersistentVolumeInodesFillingUp";
  const noun = what === "Space" ? "space" : "inodes";
  const where = `of claim {{ $labels.namespace }}/{{ $labels.persistentvolumeclaim }}`;
  return [
    alert(name, {
      severity: "critical",
      for: "1m",
      expr: `${share} < ${limit.volumeCritical} and kubelet_volume_stats_${used}{${kubelet}} > 0 ${unless}`,
      summary: `A volume is nearly out of ${noun}.`,
      description: `The volume ${where} has only {{ $value | humanizePercentage }} of its ${noun} left.`,
    }),
    alert(name, {
      severity: "warning",
      for: "1h",
      expr: `
        ${share} < ${limit.volumeWarning} and kubelet_volume_stats_${used}{${kubelet}} > 0
        and predict_linear(kubelet_volume_stats_${free}{${kubelet}}[6h], ${limit.volumeForecast}) < 0 ${unless}`,
      summary: `A volume will soon be out of ${noun}.`,
      description: `At the rate of the last six hours the volume ${where} will be out of ${noun} within days; it has
        {{ $value | humanizePercentage }} left.`,
    }),
  ];
}

export function kubernetesStorage(settings: Settings): RuleSet {
  const { components, job } = settings;
  return {
    name: "kubernetes-storage-rules",
    groups: [
      {
        name: "kubernetes-storage",
        rules: [
          ...(components.kubelet ? [...fillingUp(settings, "Space"), ...fillingUp(settings, "Inodes")] : []),
          alert("KubePersistentVolumeErrors", {
            severity: "critical",
            for: "5m",
            expr: `kube_persistentvolume_status_phase{${job.kubeStateMetrics},phase=~"Failed|Pending"} > 0`,
            summary: "A volume cannot be provided.",
            description: "PersistentVolume {{ $labels.persistentvolume }} is {{ $labels.phase }}.",
          }),
        ],
      },
    ],
  };
}
