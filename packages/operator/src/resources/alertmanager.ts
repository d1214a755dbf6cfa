/** Alertmanager and AlertmanagerConfig. */
import type { LabelSelector } from "@pharos/kube";
import type { HttpClientConfig, Resource, SecretKeyRef, SecretOrConfigMap, TlsConfig } from "./common.ts";
import type { WebSpec, WorkloadSpec } from "./workload.ts";

/** spec.alertmanagerConfiguration.global. */
export interface AlertmanagerGlobalConfig {
  smtp?: {
    from?: string;
    smartHost?: { host: string; port: string };
    hello?: string;
    authUsername?: string;
    authPassword?: SecretKeyRef;
    authIdentity?: string;
    authSecret?: SecretKeyRef;
    requireTLS?: boolean;
    tlsConfig?: TlsConfig;
    forceImplicitTLS?: boolean;
  };
  resolveTimeout?: string;
  httpConfig?: HttpClientConfig;
  slackApiUrl?: SecretKeyRef;
  opsGenieApiUrl?: SecretKeyRef;
  opsGenieApiKey?: SecretKeyRef;
  pagerdutyUrl?: string;
  telegram?: { apiURL?: string };
  jira?: { apiURL?: string };
  victorops?: { apiURL?: string; apiKey?: SecretKeyRef };
  rocketChat?: { apiURL?: string; token?: SecretKeyRef; tokenID?: SecretKeyRef };
  webex?: { apiURL?: string };
  mattermost?: { webhookURL?: SecretKeyRef };
  wechat?: { apiURL?: string; apiSecret?: SecretKeyRef; apiCorpID?: string };
}

export interface AlertmanagerSpec extends WorkloadSpec {
  configSecret?: string;
  retention?: string;
  forceEnableClusterMode?: boolean;
  additionalPeers?: string[];
  clusterAdvertiseAddress?: string;
  clusterGossipInterval?: string;
  clusterLabel?: string;
  clusterPushpullInterval?: string;
  clusterPeerTimeout?: string;
  clusterTLS?: { server: NonNullable<WebSpec["tlsConfig"]>; client: TlsConfig };
  enableFeatures?: string[];
  limits?: { maxSilences?: number; maxPerSilenceBytes?: string };
  alertmanagerConfigSelector?: LabelSelector | null;
  alertmanagerConfigNamespaceSelector?: LabelSelector | null;
  alertmanagerConfigMatcherStrategy?: {
    type?: "OnNamespace" | "OnNamespaceExceptForAlertmanagerNamespace" | "None";
  };
  alertmanagerConfiguration?: {
    name?: string;
    global?: AlertmanagerGlobalConfig;
    templates?: SecretOrConfigMap[];
  };
}

export type Alertmanager = Resource<AlertmanagerSpec>;
/** Receivers keep their CRD form and are converted field by field, so the spec stays open here. */
export type AlertmanagerConfig = Resource<Record<string, unknown>>;
