/** All dashboards, by parameters. */
import { type Components, type MixinParams, settingsOf } from "../params.ts";
import {
  apiserver,
  coredns,
  etcd,
  kubelet,
  networkCluster,
  networkNamespace,
  networkPod,
  volumes,
} from "./cluster-parts.ts";
import { cluster, namespacePods, namespaceWorkloads, nodePods, pod, workload } from "./compute.ts";
import { gpu } from "./gpu.ts";
import { node, nodes } from "./machines.ts";
import { mesh, meshService, meshWorkload } from "./mesh.ts";
import { alertmanager, operator, prometheus, remoteWrite } from "./monitoring.ts";
import { type Scope, scopeOf } from "./scope.ts";

export interface ProvidedDashboard {
  /** Name of a file. */
  name: string;
  /** Where it is shown among the others. */
  folder: string;
  json: Record<string, unknown>;
}

interface Entry {
  make: (scope: Scope) => Record<string, unknown>;
  needs?: keyof Components;
}

const FOLDERS: Readonly<Record<string, readonly Entry[]>> = {
  Monitoring: [
    { make: prometheus },
    { make: remoteWrite },
    { make: alertmanager },
    { make: operator, needs: "operator" },
  ],
  Nodes: [{ make: node }, { make: nodes }, { make: gpu, needs: "gpu" }],
  Kubernetes: [
    ...[cluster, namespacePods, namespaceWorkloads, workload, pod, nodePods].map((make) => ({
      make,
      needs: "kubelet" as const,
    })),
    ...[networkCluster, networkNamespace, networkPod].map((make) => ({ make, needs: "kubelet" as const })),
    { make: volumes, needs: "kubelet" },
    { make: kubelet, needs: "kubelet" },
    { make: apiserver, needs: "apiserver" },
    { make: etcd, needs: "etcd" },
    { make: coredns, needs: "coredns" },
  ],
  Mesh: [mesh, meshService, meshWorkload].map((make) => ({ make, needs: "mesh" as const })),
};

/** The dashboards for a cluster with these parameters, as Grafana's JSON. The same parameters give the same dashboards. */
export function makeDashboards(params: MixinParams = {}): ProvidedDashboard[] {
  const settings = settingsOf(params);
  const scope = scopeOf(settings);
  return Object.entries(FOLDERS).flatMap(([folder, entries]) =>
    entries
      .filter(({ needs }) => needs === undefined || settings.components[needs])
      .map(({ make }) => {
        const json = make(scope);
        return { name: `${String(json.uid).replace("pharos-", "")}.json`, folder, json };
      }),
  );
}
