/** ThanosRuler, and the Thanos sidecar of a Prometheus. */
import type { LabelSelector } from "@pharos/kube";
import type { Resource, SecretKeyRef, TlsConfig } from "./common.ts";
import type { ExcludedObject, RemoteWrite } from "./prometheus.ts";
import type { Open, WorkloadSpec } from "./workload.ts";

export interface GrpcServerTls extends TlsConfig {
  cipherSuites?: string[];
  curves?: string[];
}

export interface ThanosRulerSpec extends WorkloadSpec {
  ruleSelector?: LabelSelector | null;
  ruleNamespaceSelector?: LabelSelector | null;
  enforcedNamespaceLabel?: string;
  excludedFromEnforcement?: ExcludedObject[];
  evaluationInterval?: string;
  retention?: string;
  ruleQueryOffset?: string;
  ruleConcurrentEval?: number;
  ruleOutageTolerance?: string;
  ruleGracePeriod?: string;
  resendDelay?: string;
  enableFeatures?: string[];
  labels?: Record<string, string>;
  alertDropLabels?: string[];
  queryConfig?: SecretKeyRef;
  queryEndpoints?: string[];
  alertmanagersConfig?: SecretKeyRef;
  alertmanagersUrl?: string[];
  objectStorageConfig?: SecretKeyRef;
  objectStorageConfigFile?: string;
  tracingConfig?: SecretKeyRef;
  tracingConfigFile?: string;
  alertRelabelConfigs?: SecretKeyRef;
  alertRelabelConfigFile?: string;
  remoteWrite?: RemoteWrite[];
  externalPrefix?: string;
  alertQueryUrl?: string;
  grpcServerTlsConfig?: GrpcServerTls;
}

export type ThanosRuler = Resource<ThanosRulerSpec>;

/** spec.thanos of a Prometheus: the sidecar. */
export interface ThanosSidecar {
  image?: string;
  version?: string;
  tag?: string;
  sha?: string;
  baseImage?: string;
  resources?: Open;
  objectStorageConfig?: SecretKeyRef;
  objectStorageConfigFile?: string;
  listenLocal?: boolean;
  grpcListenLocal?: boolean;
  httpListenLocal?: boolean;
  tracingConfig?: SecretKeyRef;
  tracingConfigFile?: string;
  grpcServerTlsConfig?: GrpcServerTls;
  logLevel?: string;
  logFormat?: string;
  minTime?: string;
  blockSize?: string;
  readyTimeout?: string;
  getConfigInterval?: string;
  getConfigTimeout?: string;
  volumeMounts?: Open[];
  additionalArgs?: { name: string; value?: string }[];
}
