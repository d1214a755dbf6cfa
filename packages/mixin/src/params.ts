/** What a cluster may want otherwise: names of jobs, thresholds, which components there are, where the runbooks lie. */

/** Matchers, without braces, that pick the series of a component. */
export interface JobSelectors {
  kubeStateMetrics: string;
  nodeExporter: string;
  /** The kubelet's own metrics. */
  kubelet: string;
  /** What the kubelet tells about containers. */
  cadvisor: string;
  apiserver: string;
  scheduler: string;
  controllerManager: string;
  kubeProxy: string;
  prometheus: string;
  alertmanager: string;
  operator: string;
  etcd: string;
  coredns: string;
  istiod: string;
  /** Series of requests through the mesh, each told once: by the side that served them. */
  mesh: string;
  gpu: string;
}

export const DEFAULT_JOBS: JobSelectors = {
  kubeStateMetrics: 'job="kube-state-metrics"',
  nodeExporter: 'job="node-exporter"',
  kubelet: 'job="kubelet",metrics_path="/metrics"',
  cadvisor: 'job="kubelet",metrics_path="/metrics/cadvisor"',
  apiserver: 'job="apiserver"',
  scheduler: 'job="kube-scheduler"',
  controllerManager: 'job="kube-controller-manager"',
  kubeProxy: 'job="kube-proxy"',
  // By the label of the Service, else by the Service's name, as the operator makes it or as kube-prometheus calls it.
  prometheus: 'job=~"prometheus(-operated|-k8s)?"',
  alertmanager: 'job=~"alertmanager(-operated|-main)?"',
  // In `pharos up` the operator is a part of the process.
  operator: 'job=~"(prometheus-)?operator|pharos"',
  etcd: 'job=~"(kube-)?etcd"',
  coredns: 'job=~"(kube-|core)dns"',
  istiod: 'job="istiod"',
  mesh: 'reporter="destination"',
  gpu: 'job="gpu-exporter"',
};

/** Ratios are 0-1, times are seconds unless the name says otherwise. */
export interface Thresholds {
  /** Per cent of a job's targets that may be down. */
  targetsDownPercent: number;
  /** A Job that runs longer is stuck. */
  jobDuration: number;
  cpuThrottled: number;
  quotaAlmostFull: number;
  /** Quotas together may promise so many times what the nodes have. */
  quotaOvercommit: number;
  volumeCritical: number;
  volumeWarning: number;
  /** A volume that will be full within this time is worth a warning. */
  volumeForecast: number;
  certificateWarning: number;
  certificateCritical: number;
  clientErrors: number;
  /** Share of requests to the API server that have to succeed in time over 30 days. */
  apiserverObjective: number;
  apiserverTerminated: number;
  kubeletPods: number;
  kubeletPlegDuration: number;
  kubeletPodStart: number;
  filesystemSpaceWarningPercent: number;
  filesystemSpaceCriticalPercent: number;
  filesystemFillingWarningPercent: number;
  filesystemFillingCriticalPercent: number;
  filesystemFilesWarningPercent: number;
  filesystemFilesCriticalPercent: number;
  filesystemFilesFillingWarningPercent: number;
  filesystemFilesFillingCriticalPercent: number;
  networkErrors: number;
  conntrack: number;
  fileDescriptorsWarningPercent: number;
  fileDescriptorsCriticalPercent: number;
  clockSkew: number;
  nodeCpuPercent: number;
  nodeLoadPerCpu: number;
  nodeMemoryPercent: number;
  /** Pages read from disk a second. */
  majorFaults: number;
  /** Requests waiting for a disk. */
  diskQueue: number;
  remoteWriteBehind: number;
  queryLoad: number;
  notificationsFailed: number;
  /** Integrations at which a failure of the whole cluster is critical; the others' are warnings. A regular expression. */
  criticalIntegrations: string;
  operatorListErrors: number;
  operatorReconcileErrors: number;
  etcdFsyncWarning: number;
  etcdFsyncCritical: number;
  etcdCommit: number;
  etcdRoundTrip: number;
  etcdGrpc: number;
  /** Methods that wait by design, or that are known to fail harmlessly. A regular expression. */
  etcdGrpcIgnored: string;
  etcdQuotaPercent: number;
  corednsLatency: number;
  corednsErrorsWarning: number;
  corednsErrorsCritical: number;
  meshErrors: number;
  meshLatencyMs: number;
  gpuTemperatureWarning: number;
  gpuTemperatureCritical: number;
  gpuMemory: number;
}

const HOUR = 3600;
const DAY = 24 * HOUR;

export const DEFAULT_THRESHOLDS: Thresholds = {
  targetsDownPercent: 10,
  jobDuration: 12 * HOUR,
  cpuThrottled: 0.25,
  quotaAlmostFull: 0.9,
  quotaOvercommit: 1.5,
  volumeCritical: 0.03,
  volumeWarning: 0.15,
  volumeForecast: 4 * DAY,
  certificateWarning: 7 * DAY,
  certificateCritical: DAY,
  clientErrors: 0.01,
  apiserverObjective: 0.99,
  apiserverTerminated: 0.2,
  kubeletPods: 0.95,
  kubeletPlegDuration: 10,
  kubeletPodStart: 60,
  filesystemSpaceWarningPercent: 5,
  filesystemSpaceCriticalPercent: 3,
  filesystemFillingWarningPercent: 15,
  filesystemFillingCriticalPercent: 10,
  filesystemFilesWarningPercent: 5,
  filesystemFilesCriticalPercent: 3,
  filesystemFilesFillingWarningPercent: 40,
  filesystemFilesFillingCriticalPercent: 20,
  networkErrors: 0.01,
  conntrack: 0.75,
  fileDescriptorsWarningPercent: 70,
  fileDescriptorsCriticalPercent: 90,
  clockSkew: 0.05,
  nodeCpuPercent: 90,
  nodeLoadPerCpu: 2,
  nodeMemoryPercent: 90,
  majorFaults: 500,
  diskQueue: 10,
  remoteWriteBehind: 120,
  queryLoad: 0.8,
  notificationsFailed: 0.01,
  criticalIntegrations: ".*",
  operatorListErrors: 0.4,
  operatorReconcileErrors: 0.1,
  etcdFsyncWarning: 0.5,
  etcdFsyncCritical: 1,
  etcdCommit: 0.25,
  etcdRoundTrip: 0.15,
  etcdGrpc: 0.15,
  etcdGrpcIgnored: "Defragment|LeaseKeepAlive|Watch|Snapshot",
  etcdQuotaPercent: 95,
  corednsLatency: 4,
  corednsErrorsWarning: 0.01,
  corednsErrorsCritical: 0.03,
  meshErrors: 0.05,
  meshLatencyMs: 1000,
  gpuTemperatureWarning: 85,
  gpuTemperatureCritical: 92,
  gpuMemory: 0.95,
};

/** Which components are there to be scraped. Rules about one that is not would either never fire or fire for ever. */
export interface Components {
  /** Objects of the API server, by kube-state-metrics. */
  kubernetes: boolean;
  kubelet: boolean;
  apiserver: boolean;
  scheduler: boolean;
  controllerManager: boolean;
  kubeProxy: boolean;
  etcd: boolean;
  coredns: boolean;
  operator: boolean;
  /** An Istio mesh. */
  mesh: boolean;
  gpu: boolean;
}

/** A cluster whose control plane is somebody else's: what every cluster has, and nothing that may be out of reach. */
export const MANAGED_CLUSTER: Components = {
  kubernetes: true,
  kubelet: true,
  apiserver: true,
  scheduler: false,
  controllerManager: false,
  kubeProxy: false,
  etcd: false,
  coredns: false,
  operator: true,
  mesh: false,
  gpu: false,
};

/** One machine without a cluster: the embedded API server has objects, but there are no nodes and no control plane. */
export const LOCAL: Components = { ...MANAGED_CLUSTER, kubelet: false, apiserver: false };

export interface MixinParams {
  jobs?: Partial<JobSelectors>;
  thresholds?: Partial<Thresholds>;
  components?: Partial<Components>;
  /** Label that tells clusters apart where one Prometheus sees several; "" for none. */
  clusterLabel?: string;
  /**
   * Where the pages of docs/runbooks can be read: an alert links to this followed by its name and `.md`. Nothing, which is
   * the default, gives no links.
   */
  runbookUrl?: string;
  /** Added to every alert. */
  alertLabels?: Readonly<Record<string, string>>;
}

/** Parameters with every default filled in, and what expressions are built with. */
export interface Settings {
  job: JobSelectors;
  limit: Thresholds;
  components: Components;
  clusterLabel: string;
  runbookUrl: string;
  alertLabels: Readonly<Record<string, string>>;
  /** The cluster's label, if there is one, and these, as a list for `by` and `on`. */
  by: (...labels: string[]) => string;
}

export function settingsOf(params: MixinParams = {}): Settings {
  const clusterLabel = params.clusterLabel ?? "cluster";
  return {
    job: { ...DEFAULT_JOBS, ...params.jobs },
    limit: { ...DEFAULT_THRESHOLDS, ...params.thresholds },
    components: { ...MANAGED_CLUSTER, ...params.components },
    clusterLabel,
    runbookUrl: params.runbookUrl ?? "",
    alertLabels: params.alertLabels ?? {},
    by: (...labels) => (clusterLabel === "" ? labels : [clusterLabel, ...labels]).join(", "),
  };
}
