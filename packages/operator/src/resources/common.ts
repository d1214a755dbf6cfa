/** What the resources of monitoring.coreos.com share: references to secrets, TLS, authentication, relabelling, limits. */
import type { KubeObject } from "@pharos/kube";

export type Resource<Spec> = KubeObject & { spec: Spec };

export interface SecretKeyRef {
  name?: string;
  key?: string;
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

export interface ProxyConfig {
  proxyUrl?: string;
  noProxy?: string;
  proxyFromEnvironment?: boolean;
  proxyConnectHeader?: Record<string, SecretKeyRef[]>;
}

export interface OAuth2 extends ProxyConfig {
  clientId: SecretOrConfigMap;
  clientSecret: SecretKeyRef;
  tokenUrl: string;
  scopes?: string[];
  endpointParams?: Record<string, string>;
  tlsConfig?: TlsConfig;
}

export interface Sigv4 {
  region?: string;
  accessKey?: SecretKeyRef;
  secretKey?: SecretKeyRef;
  profile?: string;
  roleArn?: string;
  externalId?: string;
  useFIPSSTSEndpoint?: boolean;
}

/** HTTP client settings of scrape endpoints, probes, Alertmanager endpoints, remote write and read. */
export interface HttpClientConfig extends ProxyConfig {
  authorization?: Authorization;
  basicAuth?: BasicAuth;
  oauth2?: OAuth2;
  bearerToken?: string;
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
  /** A Kubernetes quantity. */
  nativeHistogramMinBucketFactor?: number | string;
  convertClassicHistogramsToNHCB?: boolean;
}

export interface ProtocolSettings {
  scrapeProtocols?: string[];
  fallbackScrapeProtocol?: string;
}
