/** Alerts about the cluster's own parts as their neighbours see them: versions, nodes, kubelets, and the control plane's programs. */
import type { Settings } from "../params.ts";
import { alert, type Rule, type RuleGroup, type RuleSet, record } from "../types.ts";

function general({ by, job, limit }: Settings): RuleGroup {
  const errors = (more: string): string =>
    `sum by (${by("instance", "job", "namespace")}) (rate(rest_client_requests_total{${job.apiserver}${more}}[5m]))`;
  return {
    name: "kubernetes-system",
    rules: [
      alert("KubeVersionMismatch", {
        severity: "warning",
        for: "4h",
        expr: `
          count by (${by()}) (count by (${by("minor")}) (
            label_replace(kubernetes_build_info{job!~"kube-dns|coredns"}, "minor", "$1", "git_version", "(v[0-9]+[.][0-9]+).*")
          )) > 1`,
        summary: "Parts of Kubernetes run different versions.",
        description: "Parts of Kubernetes run {{ $value }} different minor versions: an upgrade has not been finished.",
      }),
      alert("KubeClientErrors", {
        severity: "warning",
        for: "15m",
        expr: `${errors(',code=~"5.."')} / ${errors("")} > ${limit.clientErrors}`,
        summary: "A client of the API server gets errors.",
        description: `{{ $value | humanizePercentage }} of the requests that {{ $labels.job }} at {{ $labels.instance }} sends to
          the API server fail.`,
      }),
    ],
  };
}

/** Of objects that the API server has of nodes: known even where no kubelet can be scraped. */
function nodeAlerts({ by, job }: Settings): Rule[] {
  const k = job.kubeStateMetrics;
  const schedulable = `and on (${by("node")}) kube_node_spec_unschedulable{${k}} == 0`;
  return [
    alert("KubeNodeNotReady", {
      severity: "warning",
      for: "15m",
      expr: `kube_node_status_condition{${k},condition="Ready",status="true"} == 0 ${schedulable}`,
      summary: "A node is not ready.",
      description: "Node {{ $labels.node }} has not been ready for more than 15 minutes.",
    }),
    alert("KubeNodePressure", {
      severity: "info",
      for: "10m",
      expr: `
        kube_node_status_condition{${k},condition=~"(Memory|Disk|PID)Pressure",status="true"} == 1 ${schedulable}`,
      summary: "A node is short of something.",
      description: "Node {{ $labels.node }} reports {{ $labels.condition }}: it may evict pods.",
    }),
    alert("KubeNodeUnreachable", {
      severity: "warning",
      for: "15m",
      // Nodes that an autoscaler or the cloud is about to take away are expected to go.
      expr: `
        (kube_node_spec_taint{${k},key="node.kubernetes.io/unreachable",effect="NoSchedule"}
          unless ignoring (key, value) kube_node_spec_taint{${k},key=~"ToBeDeletedByClusterAutoscaler|cloud.google.com/impending-node-termination|aws-node-termination-handler/spot-itn"})
        == 1`,
      summary: "A node cannot be reached.",
      description: "The control plane has lost node {{ $labels.node }}; its pods may be started elsewhere.",
    }),
    alert("KubeNodeReadinessFlapping", {
      severity: "warning",
      for: "15m",
      expr: `
        sum by (${by("node")}) (changes(kube_node_status_condition{${k},condition="Ready",status="true"}[15m])) > 2
        ${schedulable}`,
      summary: "A node keeps changing between ready and not ready.",
      description: "Node {{ $labels.node }} has changed its readiness {{ $value }} times within 15 minutes.",
    }),
  ];
}

function certificates({ job, limit }: Settings, side: "client" | "server"): Rule[] {
  const Side = side === "client" ? "Client" : "Server";
  const ttl = `kubelet_certificate_manager_${side}_ttl_seconds{${job.kubelet}}`;
  const expiring = (severity: "warning" | "critical", seconds: number): Rule =>
    alert(`Kubelet${Side}CertificateExpiration`, {
      severity,
      expr: `${ttl} < ${seconds}`,
      summary: `A kubelet's ${side} certificate is about to expire.`,
      description: `The ${side} certificate of the kubelet at {{ $labels.instance }} expires in
        {{ $value | humanizeDuration }}.`,
    });
  const renewals =
    side === "client"
      ? "kubelet_certificate_manager_client_expiration_renew_errors"
      : "kubelet_server_expiration_renew_errors";
  return [
    expiring("warning", limit.certificateWarning),
    expiring("critical", limit.certificateCritical),
    alert(`Kubelet${Side}CertificateRenewalErrors`, {
      severity: "warning",
      for: "15m",
      expr: `increase(${renewals}{${job.kubelet}}[5m]) > 0`,
      summary: `A kubelet fails to renew its ${side} certificate.`,
      description: `The kubelet at {{ $labels.instance }} failed {{ printf "%.0f" $value }} times in five minutes to renew its
        ${side} certificate.`,
    }),
  ];
}

function kubeletAlerts(settings: Settings): Rule[] {
  const { by, job, limit } = settings;
  const { kubelet } = job;
  const nodeName = `on (${by("instance")}) group_left (node)
    max by (${by("instance", "node")}) (kubelet_node_name{${kubelet}})`;
  return [
    alert("KubeletTooManyPods", {
      severity: "info",
      for: "15m",
      expr: `
        (max by (${by("instance")}) (kubelet_running_pods{${kubelet}} > 1) * ${nodeName})
        / on (${by("node")}) group_left ()
          max by (${by("node")}) (kube_node_status_capacity{${job.kubeStateMetrics},resource="pods"} != 1)
        > ${limit.kubeletPods}`,
      summary: "A kubelet is near its limit of pods.",
      description: "Node {{ $labels.node }} runs {{ $value | humanizePercentage }} of the pods it may.",
    }),
    alert("KubeNodeEviction", {
      severity: "info",
      expr: `sum by (${by("eviction_signal", "instance")}) (rate(kubelet_evictions{${kubelet}}[15m])) * ${nodeName} > 0`,
      summary: "A node evicts pods.",
      description: "Node {{ $labels.node }} evicts pods because of {{ $labels.eviction_signal }}.",
    }),
    alert("KubeletPlegDurationHigh", {
      severity: "warning",
      for: "5m",
      expr: `
        node_quantile:kubelet_pleg_relist_duration_seconds:histogram_quantile{quantile="0.99"}
        >= ${limit.kubeletPlegDuration}`,
      summary: "A kubelet is slow to see what its containers do.",
      description: `The slowest 1% of the looks that the kubelet of node {{ $labels.node }} takes at its containers take
        {{ $value | humanizeDuration }}.`,
    }),
    alert("KubeletPodStartUpLatencyHigh", {
      severity: "warning",
      for: "15m",
      expr: `
        histogram_quantile(0.99,
          sum by (${by("instance", "le")}) (rate(kubelet_pod_worker_duration_seconds_bucket{${kubelet}}[5m])))
        * ${nodeName} > ${limit.kubeletPodStart}`,
      summary: "Pods start slowly on a node.",
      description: `The slowest 1% of the pods of node {{ $labels.node }} take {{ $value | humanizeDuration }} to be started or
        changed.`,
    }),
    ...certificates(settings, "client"),
    ...certificates(settings, "server"),
    alert("KubeletInstanceUnreachable", {
      severity: "warning",
      for: "15m",
      expr: `up{${kubelet}} == 0`,
      summary: "A kubelet cannot be scraped.",
      description: "The kubelet at {{ $labels.instance }} has not answered for more than 15 minutes.",
    }),
    alert("KubeletDown", {
      severity: "critical",
      for: "15m",
      expr: `
        count by (${by()}) (kube_node_info{${job.kubeStateMetrics}})
        unless on (${by()}) count by (${by()}) (up{${kubelet}} == 1)`,
      summary: "No kubelet can be scraped.",
      description: "Not one kubelet of the cluster can be scraped, though it has {{ $value }} nodes.",
    }),
  ];
}

function plegQuantiles({ by, job }: Settings): RuleGroup {
  return {
    name: "kubelet.rules",
    rules: ["0.99", "0.9", "0.5"].map((quantile) =>
      record(
        "node_quantile:kubelet_pleg_relist_duration_seconds:histogram_quantile",
        `histogram_quantile(${quantile},
          sum by (${by("instance", "le")}) (rate(kubelet_pleg_relist_duration_seconds_bucket{${job.kubelet}}[5m]))
          * on (${by("instance")}) group_left (node)
            max by (${by("instance", "node")}) (kubelet_node_name{${job.kubelet}}))`,
        { quantile },
      ),
    ),
  };
}

/** A program of the control plane, wherever its targets are: none at all is worse than one that does not answer. */
function program(name: string, what: string, group: string, selector: string): RuleGroup {
  return {
    name: group,
    rules: [
      alert(`${name}Down`, {
        severity: "critical",
        for: "15m",
        expr: `absent(up{${selector}})`,
        summary: `${what} is not scraped.`,
        description: `${what} has had no target in Prometheus for 15 minutes.`,
      }),
      alert(`${name}InstanceUnreachable`, {
        severity: "warning",
        for: "15m",
        expr: `up{${selector}} == 0`,
        summary: `An instance of ${what} cannot be scraped.`,
        description: `${what} at {{ $labels.instance }} has not answered for more than 15 minutes.`,
      }),
    ],
  };
}

function schedulerQuantiles({ job }: Settings): RuleGroup {
  return {
    name: "kube-scheduler.rules",
    rules: ["0.99", "0.9", "0.5"].flatMap((quantile) =>
      ["scheduling_attempt", "scheduling_algorithm", "pod_scheduling_sli"].map((metric) =>
        record(
          `cluster_quantile:scheduler_${metric}_duration_seconds:histogram_quantile`,
          `histogram_quantile(${quantile},
            sum without (instance, pod) (rate(scheduler_${metric}_duration_seconds_bucket{${job.scheduler}}[5m])))`,
          { quantile },
        ),
      ),
    ),
  };
}

export function kubernetesSystem(settings: Settings): RuleSet {
  const { components, job } = settings;
  return {
    name: "kubernetes-system-rules",
    groups: [
      ...(components.apiserver ? [general(settings)] : []),
      {
        name: "kubernetes-system-kubelet",
        rules: [...nodeAlerts(settings), ...(components.kubelet ? kubeletAlerts(settings) : [])],
      },
      ...(components.kubelet ? [plegQuantiles(settings)] : []),
      ...(components.scheduler
        ? [
            program("KubeScheduler", "The scheduler", "kubernetes-system-scheduler", job.scheduler),
            schedulerQuantiles(settings),
          ]
        : []),
      ...(components.controllerManager
        ? [
            program(
              "KubeControllerManager",
              "The controller manager",
              "kubernetes-system-controller-manager",
              job.controllerManager,
            ),
          ]
        : []),
      ...(components.kubeProxy
        ? [program("KubeProxy", "kube-proxy", "kubernetes-system-kube-proxy", job.kubeProxy)]
        : []),
    ],
  };
}
