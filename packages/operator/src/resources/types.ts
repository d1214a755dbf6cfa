/**
 * The parts of the monitoring.coreos.com resources that generation reads, as TypeScript. Field meanings: the CRDs'
 * own documentation. Everything is optional: validation by schema happened in the API server, not here.
 */
import type { KubeObject, LabelSelector } from "@pharos/kube";

export interface SecretKeyRef {
  name?: string;
  key: string;
  optional?: boolean;
}

export interface SecretOrConfigMap {
  secret?: SecretKeyRef;
  configMap?: SecretKeyRef;
}

export interface TlsConfig {
  ca?: SecretOrConfigMap;
  cert?: SecretOrConfigMap;
  keySecret?: SecretKeyRef;
  serverName?: string;
  insecureSkipVerify?: boolean;
  minVersion?: string;
  maxVersion?: string;
  caFile?: string;
  certFile?: string;
  keyFile?: string;
}

export interface BasicAuth {
  username?: SecretKeyRef;
  password?: SecretKeyRef;
}

export interface Authorization {
  type?: string;
  credentials?: SecretKeyRef;
  credentialsFile?: string;
}

export interface OAuth2 extends ProxyConfig {
  clientId: SecretOrConfigMap;
  clientSecret: SecretKeyRef;
  tokenUrl: string;
  scopes?: string[];
  endpointParams?: Record<string, string>;
  tlsConfig?: TlsConfig;
}

export interface ProxyConfig {
  proxyUrl?: string;
  noProxy?: string;
  proxyFromEnvironment?: boolean;
  proxyConnectHeader?: Record<string, SecretKeyRef[]>;
}

/** HTTP client settings shared by monitors' endpoints, probes and alertmanager endpoints. */
export interface HttpClientConfig extends ProxyConfig {
  authorization?: Authorization;
  basicAuth?: BasicAuth;
  oauth2?: OAuth2;
  bearerTokenFile?: string;
  bearerTokenSecret?: SecretKeyRef;
  tlsConfig?: TlsConfig;
  followRedirects?: boolean;
  enableHttp2?: boolean;
}

export interface RelabelRule {
  sourceLabels?: string[];
  separator?: string;
  targetLabel?: string;
  regex?: string;
  modulus?: number;
  replacement?: string;
  action?: string;
}

export interface ScrapeEndpoint extends HttpClientConfig {
  port?: string;
  targetPort?: string | number;
  portNumber?: number;
  path?: string;
  scheme?: string;
  params?: Record<string, string[]>;
  interval?: string;
  scrapeTimeout?: string;
  honorLabels?: boolean;
  honorTimestamps?: boolean;
  trackTimestampsStaleness?: boolean;
  filterRunning?: boolean;
  relabelings?: RelabelRule[];
  metricRelabelings?: RelabelRule[];
}

export interface NamespaceSelector {
  any?: boolean;
  matchNames?: string[];
}

export interface ScrapeLimits {
  sampleLimit?: number;
  targetLimit?: number;
  labelLimit?: number;
  labelNameLengthLimit?: number;
  labelValueLengthLimit?: number;
  keepDroppedTargets?: number;
  bodySizeLimit?: string;
}

export interface HistogramSettings {
  scrapeNativeHistograms?: boolean;
  scrapeClassicHistograms?: boolean;
  nativeHistogramBucketLimit?: number;
  nativeHistogramMinBucketFactor?: number | string;
  convertClassicHistogramsToNHCB?: boolean;
}

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

interface MonitorSpec extends ScrapeLimits, HistogramSettings {
  selector: LabelSelector;
  scrapeClass?: string;
  selectorMechanism?: "RelabelConfig" | "RoleSelector";
  namespaceSelector?: NamespaceSelector;
  jobLabel?: string;
  podTargetLabels?: string[];
  scrapeProtocols?: string[];
  fallbackScrapeProtocol?: string;
  attachMetadata?: { node?: boolean };
}

export interface ServiceMonitorSpec extends MonitorSpec {
  targetLabels?: string[];
  endpoints: ScrapeEndpoint[];
  serviceDiscoveryRole?: "Endpoints" | "EndpointSlice";
}

export interface PodMonitorSpec extends MonitorSpec {
  podMetricsEndpoints: ScrapeEndpoint[];
}

export interface ProbeSpec extends ScrapeLimits, HistogramSettings, HttpClientConfig {
  jobName?: string;
  scrapeClass?: string;
  prober?: ProxyConfig & { url: string; scheme?: string; path?: string };
  module?: string;
  params?: { name: string; values?: string[] }[];
  targets?: {
    staticConfig?: { static?: string[]; labels?: Record<string, string>; relabelingConfigs?: RelabelRule[] };
    ingress?: { selector?: LabelSelector; namespaceSelector?: NamespaceSelector; relabelingConfigs?: RelabelRule[] };
  };
  interval?: string;
  scrapeTimeout?: string;
  metricRelabelings?: RelabelRule[];
  scrapeProtocols?: string[];
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
  relabelings?: RelabelRule[];
  alertRelabelings?: RelabelRule[];
}

export interface PrometheusSpec extends ScrapeLimits, HistogramSettings {
  version?: string;
  replicas?: number;
  shards?: number;
  paused?: boolean;
  scrapeInterval?: string;
  scrapeTimeout?: string;
  scrapeProtocols?: string[];
  evaluationInterval?: string;
  ruleQueryOffset?: string;
  externalLabels?: Record<string, string>;
  externalUrl?: string;
  prometheusExternalLabelName?: string | null;
  replicaExternalLabelName?: string | null;
  queryLogFile?: string;
  retention?: string;
  retentionSize?: string;
  walCompression?: boolean;
  enableAdminAPI?: boolean;
  serviceMonitorSelector?: LabelSelector | null;
  serviceMonitorNamespaceSelector?: LabelSelector | null;
  podMonitorSelector?: LabelSelector | null;
  podMonitorNamespaceSelector?: LabelSelector | null;
  probeSelector?: LabelSelector | null;
  probeNamespaceSelector?: LabelSelector | null;
  ruleSelector?: LabelSelector | null;
  ruleNamespaceSelector?: LabelSelector | null;
  serviceDiscoveryRole?: "Endpoints" | "EndpointSlice";
  overrideHonorLabels?: boolean;
  overrideHonorTimestamps?: boolean;
  ignoreNamespaceSelectors?: boolean;
  enforcedNamespaceLabel?: string;
  excludedFromEnforcement?: { group?: string; resource: string; namespace: string; name?: string }[];
  podTargetLabels?: string[];
  enforcedSampleLimit?: number;
  enforcedTargetLimit?: number;
  enforcedLabelLimit?: number;
  enforcedLabelNameLengthLimit?: number;
  enforcedLabelValueLengthLimit?: number;
  enforcedKeepDroppedTargets?: number;
  enforcedBodySizeLimit?: string;
  apiserverConfig?: { host: string; authorization?: Authorization; basicAuth?: BasicAuth; tlsConfig?: TlsConfig };
  additionalScrapeConfigs?: SecretKeyRef;
  additionalAlertRelabelConfigs?: SecretKeyRef;
  additionalAlertManagerConfigs?: SecretKeyRef;
  alerting?: { alertmanagers?: AlertmanagerEndpoint[] };
  scrapeClasses?: ScrapeClass[];
  exemplars?: { maxSize?: number };
  tsdb?: {
    outOfOrderTimeWindow?: string;
    staleSeriesCompactionThreshold?: number | string;
    chunkEncoding?: { floats?: string };
  };
  runtime?: { goGC?: number };
  scrapeFailureLogFile?: string;
  nameValidationScheme?: string;
  nameEscapingScheme?: string;
}

export interface AlertmanagerSpec {
  version?: string;
  replicas?: number;
  paused?: boolean;
  configSecret?: string;
  retention?: string;
  externalUrl?: string;
  alertmanagerConfigSelector?: LabelSelector | null;
  alertmanagerConfigNamespaceSelector?: LabelSelector | null;
  alertmanagerConfigMatcherStrategy?: {
    type?: "OnNamespace" | "OnNamespaceExceptForAlertmanagerNamespace" | "None";
  };
}

export interface PrometheusRuleSpec {
  groups?: {
    name: string;
    interval?: string;
    query_offset?: string;
    limit?: number;
    labels?: Record<string, string>;
    partial_response_strategy?: string;
    rules?: {
      record?: string;
      alert?: string;
      expr: string | number;
      for?: string;
      keep_firing_for?: string;
      labels?: Record<string, string>;
      annotations?: Record<string, string>;
    }[];
  }[];
}

export type Resource<Spec> = KubeObject & { spec: Spec };
export type Prometheus = Resource<PrometheusSpec>;
export type ServiceMonitor = Resource<ServiceMonitorSpec>;
export type PodMonitor = Resource<PodMonitorSpec>;
export type Probe = Resource<ProbeSpec>;
export type PrometheusRule = Resource<PrometheusRuleSpec>;
export type Alertmanager = Resource<AlertmanagerSpec>;
/** Receivers keep their CRD form and are converted field by field, so the spec stays open here. */
export type AlertmanagerConfig = Resource<Record<string, unknown>>;
