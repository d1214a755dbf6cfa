/** ServiceMonitor, PodMonitor, Probe and ScrapeConfig: what is scraped. */
import type { LabelSelector } from "@pharos/kube";
import type {
  HistogramSettings,
  HttpClientConfig,
  NamespaceSelector,
  ProtocolSettings,
  ProxyConfig,
  RelabelRule,
  Resource,
  ScrapeLimits,
} from "./common.ts";

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

interface MonitorSpec extends ScrapeLimits, HistogramSettings, ProtocolSettings {
  selector?: LabelSelector;
  scrapeClass?: string;
  selectorMechanism?: "RelabelConfig" | "RoleSelector";
  namespaceSelector?: NamespaceSelector;
  jobLabel?: string;
  podTargetLabels?: string[];
  attachMetadata?: { node?: boolean };
}

export interface ServiceMonitorSpec extends MonitorSpec {
  targetLabels?: string[];
  endpoints?: ScrapeEndpoint[];
  serviceDiscoveryRole?: "Endpoints" | "EndpointSlice";
}

export interface PodMonitorSpec extends MonitorSpec {
  podMetricsEndpoints?: ScrapeEndpoint[];
}

export interface ProbeSpec extends ScrapeLimits, HistogramSettings, HttpClientConfig, ProtocolSettings {
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
}

/** Mechanisms are converted by a table (prometheus/service-discovery.ts), so their fields stay open here. */
export type DiscoveryConfig = Record<string, unknown>;

export interface ScrapeConfigSpec extends ScrapeLimits, HistogramSettings, HttpClientConfig, ProtocolSettings {
  jobName?: string;
  scrapeClass?: string;
  scrapeInterval?: string;
  scrapeTimeout?: string;
  scheme?: string;
  metricsPath?: string;
  params?: Record<string, string[]>;
  honorLabels?: boolean;
  honorTimestamps?: boolean;
  trackTimestampsStaleness?: boolean;
  enableCompression?: boolean;
  /** Spelt so here, unlike in the other kinds. */
  enableHTTP2?: boolean;
  nameValidationScheme?: string;
  nameEscapingScheme?: string;
  relabelings?: RelabelRule[];
  metricRelabelings?: RelabelRule[];
  staticConfigs?: { targets?: string[]; labels?: Record<string, string> }[];
  [mechanism: `${string}SDConfigs`]: DiscoveryConfig[] | undefined;
}

export type ServiceMonitor = Resource<ServiceMonitorSpec>;
export type PodMonitor = Resource<PodMonitorSpec>;
export type Probe = Resource<ProbeSpec>;
export type ScrapeConfig = Resource<ScrapeConfigSpec>;
