/** Prometheus and PrometheusAgent: the fields that the generated configuration and the selection read. */
import type { LabelSelector } from "@pharos/kube";
import type {
  Authorization,
  BasicAuth,
  HistogramSettings,
  HttpClientConfig,
  ProxyConfig,
  RelabelRule,
  Resource,
  ScrapeLimits,
  SecretKeyRef,
  Sigv4,
  TlsConfig,
} from "./common.ts";
import type { ThanosSidecar } from "./thanos-ruler.ts";
import type { WorkloadSpec } from "./workload.ts";

export interface ScrapeClass {
  name: string;
  default?: boolean;
  tlsConfig?: TlsConfig;
  authorization?: Authorization;
  relabelings?: RelabelRule[];
  metricRelabelings?: RelabelRule[];
  attachMetadata?: { node?: boolean };
  fallbackScrapeProtocol?: string;
}

export interface AlertmanagerEndpoint extends HttpClientConfig {
  name: string;
  namespace?: string;
  port?: string | number;
  scheme?: string;
  pathPrefix?: string;
  apiVersion?: string;
  timeout?: string;
  sigv4?: Sigv4;
  relabelings?: RelabelRule[];
  alertRelabelings?: RelabelRule[];
}

export interface AzureAd {
  cloud?: string;
  scope?: string;
  managedIdentity?: { clientId?: string };
  oauth?: { clientId: string; clientSecret: SecretKeyRef; tenantId: string };
  sdk?: { tenantId?: string };
  workloadIdentity?: { clientId: string; tenantId: string };
}

export interface RemoteWrite extends Omit<HttpClientConfig, "enableHttp2"> {
  url: string;
  name?: string;
  messageVersion?: "V1.0" | "V2.0";
  remoteTimeout?: string;
  headers?: Record<string, string>;
  sendExemplars?: boolean;
  sendNativeHistograms?: boolean;
  writeRelabelConfigs?: RelabelRule[];
  sigv4?: Sigv4;
  azureAd?: AzureAd;
  /** Spelt so here, unlike in the monitors. */
  enableHTTP2?: boolean;
  roundRobinDNS?: boolean;
  queueConfig?: {
    capacity?: number;
    minShards?: number;
    maxShards?: number;
    maxSamplesPerSend?: number;
    batchSendDeadline?: string;
    maxRetries?: number;
    minBackoff?: string;
    maxBackoff?: string;
    retryOnRateLimit?: boolean;
    sampleAgeLimit?: string;
  };
  metadataConfig?: { send?: boolean; sendInterval?: string; maxSamplesPerSend?: number };
}

export interface RemoteRead extends HttpClientConfig {
  url: string;
  name?: string;
  requiredMatchers?: Record<string, string>;
  remoteTimeout?: string;
  headers?: Record<string, string>;
  readRecent?: boolean;
  filterExternalLabels?: boolean;
}

export interface OtlpConfig {
  promoteResourceAttributes?: string[];
  promoteAllResourceAttributes?: boolean;
  ignoreResourceAttributes?: string[];
  translationStrategy?: string;
  keepIdentifyingResourceAttributes?: boolean;
  convertHistogramsToNHCB?: boolean;
  promoteScopeMetadata?: boolean;
  labelNameUnderscoreSanitization?: boolean;
  labelNamePreserveMultipleUnderscores?: boolean;
}

export interface TracingConfig {
  endpoint: string;
  clientType?: string;
  /** A Kubernetes quantity. */
  samplingFraction?: number | string;
  insecure?: boolean;
  headers?: Record<string, string>;
  compression?: string;
  timeout?: string;
  tlsConfig?: TlsConfig;
}

export interface ShardingStrategy {
  mode?: "Address" | "Topology";
  topology?: { values?: string[]; externalLabelName?: string };
}

export interface ExcludedObject {
  group?: string;
  resource: string;
  namespace: string;
  name?: string;
}

export interface ApiServerConfig extends ProxyConfig {
  host: string;
  authorization?: Authorization;
  basicAuth?: BasicAuth;
  bearerToken?: string;
  bearerTokenFile?: string;
  tlsConfig?: TlsConfig;
}

/** What Prometheus and PrometheusAgent have in common. */
export interface CommonPrometheusSpec extends ScrapeLimits, HistogramSettings, WorkloadSpec {
  shards?: number;
  scrapeInterval?: string;
  scrapeTimeout?: string;
  scrapeProtocols?: string[];
  externalLabels?: Record<string, string>;
  prometheusExternalLabelName?: string | null;
  replicaExternalLabelName?: string | null;
  enableFeatures?: string[];
  enableRemoteWriteReceiver?: boolean;
  remoteWriteReceiverMessageVersions?: string[];
  enableOTLPReceiver?: boolean;
  reloadStrategy?: "HTTP" | "ProcessSignal";
  maximumStartupDurationSeconds?: number;
  serviceMonitorSelector?: LabelSelector | null;
  serviceMonitorNamespaceSelector?: LabelSelector | null;
  podMonitorSelector?: LabelSelector | null;
  podMonitorNamespaceSelector?: LabelSelector | null;
  probeSelector?: LabelSelector | null;
  probeNamespaceSelector?: LabelSelector | null;
  scrapeConfigSelector?: LabelSelector | null;
  scrapeConfigNamespaceSelector?: LabelSelector | null;
  serviceDiscoveryRole?: "Endpoints" | "EndpointSlice";
  overrideHonorLabels?: boolean;
  overrideHonorTimestamps?: boolean;
  ignoreNamespaceSelectors?: boolean;
  enforcedNamespaceLabel?: string;
  excludedFromEnforcement?: ExcludedObject[];
  arbitraryFSAccessThroughSMs?: { deny?: boolean };
  podTargetLabels?: string[];
  enforcedSampleLimit?: number;
  enforcedTargetLimit?: number;
  enforcedLabelLimit?: number;
  enforcedLabelNameLengthLimit?: number;
  enforcedLabelValueLengthLimit?: number;
  enforcedKeepDroppedTargets?: number;
  enforcedBodySizeLimit?: string;
  apiserverConfig?: ApiServerConfig;
  additionalScrapeConfigs?: SecretKeyRef;
  scrapeClasses?: ScrapeClass[];
  shardingStrategy?: ShardingStrategy;
  shardRetentionPolicy?: { whenScaled?: "Retain" | "Delete"; retain?: { retentionPeriod?: string } };
  remoteWrite?: RemoteWrite[];
  otlp?: OtlpConfig;
  tracingConfig?: TracingConfig;
  tsdb?: {
    outOfOrderTimeWindow?: string;
    /** A Kubernetes quantity. */
    staleSeriesCompactionThreshold?: number | string;
    chunkEncoding?: { floats?: string };
  };
  runtime?: { goGC?: number };
  walCompression?: boolean;
  scrapeFailureLogFile?: string;
  nameValidationScheme?: string;
  nameEscapingScheme?: string;
}

export interface PrometheusSpec extends CommonPrometheusSpec {
  evaluationInterval?: string;
  ruleQueryOffset?: string;
  queryLogFile?: string;
  retention?: string;
  retentionSize?: string;
  enableAdminAPI?: boolean;
  disableCompaction?: boolean;
  allowOverlappingBlocks?: boolean;
  rules?: { alert?: { forOutageTolerance?: string; forGracePeriod?: string; resendDelay?: string } };
  query?: { lookbackDelta?: string; maxSamples?: number; maxConcurrency?: number; timeout?: string };
  thanos?: ThanosSidecar;
  ruleSelector?: LabelSelector | null;
  ruleNamespaceSelector?: LabelSelector | null;
  additionalAlertRelabelConfigs?: SecretKeyRef;
  additionalAlertManagerConfigs?: SecretKeyRef;
  alerting?: { alertmanagers?: AlertmanagerEndpoint[] };
  remoteRead?: RemoteRead[];
  /** Deprecated in favour of excludedFromEnforcement. */
  prometheusRulesExcludedFromEnforce?: { ruleNamespace: string; ruleName: string }[];
  exemplars?: { maxSize?: number };
}

export interface PrometheusAgentSpec extends CommonPrometheusSpec {
  mode?: "StatefulSet" | "DaemonSet";
}

export type Prometheus = Resource<PrometheusSpec>;
export type PrometheusAgent = Resource<PrometheusAgentSpec>;
