/** Flags of commands that speak to a cluster. */
import type { FlagSpecs } from "@pharos/kit";
import { createKubeClient, type KubeClient } from "@pharos/kube";

export const CLUSTER_FLAGS = {
  kubeconfig: { type: "string", default: "", help: "Kubeconfig file; $KUBECONFIG or ~/.kube/config without it." },
  context: { type: "string", help: "Context of the kubeconfig; its current one without it." },
  server: { type: "string", help: "Address of an API server that asks for no credentials, instead of a kubeconfig." },
} as const satisfies FlagSpecs;

export function clusterOf(flags: { kubeconfig: string; context?: string; server?: string }): KubeClient {
  if (flags.server) return createKubeClient({ server: flags.server });
  return createKubeClient({ kubeconfigFile: flags.kubeconfig, context: flags.context });
}
