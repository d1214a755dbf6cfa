/** What instances of all kinds have in common as workloads of a cluster. Kubernetes' own structures stay open. */
import type { LabelSelector } from "@pharos/kube";
import type { SecretKeyRef, SecretOrConfigMap } from "./common.ts";

export type Open = Record<string, unknown>;

export interface Argument {
  name: string;
  value?: string;
}

export interface WebSpec {
  pageTitle?: string;
  maxConnections?: number;
  getConcurrency?: number;
  timeout?: number;
  tlsConfig?: {
    keySecret?: SecretKeyRef;
    keyFile?: string;
    cert?: SecretOrConfigMap;
    certFile?: string;
    client_ca?: SecretOrConfigMap;
    clientCAFile?: string;
    clientAuthType?: string;
    minVersion?: string;
    maxVersion?: string;
    cipherSuites?: string[];
    preferServerCipherSuites?: boolean;
    curvePreferences?: string[];
  };
  httpConfig?: { http2?: boolean; headers?: Open };
}

export interface VolumeClaim {
  apiVersion?: string;
  kind?: string;
  metadata?: { name?: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  spec?: Open & { resources?: { requests?: Record<string, string> } };
}

export interface StorageSpec {
  disableMountSubPath?: boolean;
  emptyDir?: Open;
  ephemeral?: Open;
  volumeClaimTemplate?: VolumeClaim;
}

export interface WorkloadSpec {
  image?: string;
  baseImage?: string;
  tag?: string;
  sha?: string;
  version?: string;
  replicas?: number;
  paused?: boolean;
  imagePullPolicy?: string;
  imagePullSecrets?: Open[];
  podMetadata?: { name?: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  secrets?: string[];
  configMaps?: string[];
  storage?: StorageSpec;
  volumes?: Open[];
  volumeMounts?: Open[];
  persistentVolumeClaimRetentionPolicy?: Open;
  nodeSelector?: Record<string, string>;
  schedulerName?: string;
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
  affinity?: Open;
  tolerations?: Open[];
  topologySpreadConstraints?: (Open & {
    additionalLabelSelectors?: "OnResource" | "OnShard";
    labelSelector?: LabelSelector;
  })[];
  securityContext?: Open;
  dnsPolicy?: string;
  dnsConfig?: Open;
  serviceName?: string;
  serviceAccountName?: string;
  automountServiceAccountToken?: boolean;
  podManagementPolicy?: string;
  updateStrategy?: Open;
  containers?: (Open & { name: string })[];
  initContainers?: (Open & { name: string })[];
  priorityClassName?: string;
  hostAliases?: Open[];
  hostNetwork?: boolean;
  hostUsers?: boolean;
  enableServiceLinks?: boolean;
  minReadySeconds?: number;
  terminationGracePeriodSeconds?: number;
  additionalArgs?: Argument[];
  logLevel?: string;
  logFormat?: string;
  listenLocal?: boolean;
  portName?: string;
  routePrefix?: string;
  externalUrl?: string;
  web?: WebSpec;
}
