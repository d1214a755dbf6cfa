/** The mesh's Prometheus in a cluster: its account, its Service, its sizes. */
import type { KubeObject } from "@pharos/kube";
import { meshResources } from "../mesh/resources.ts";
import { POD_SECURITY, resourcesOf, scraperAccount } from "./instances.ts";
import type { Values } from "./values.ts";
import { labelsOf } from "./workload.ts";

const NAME = "prometheus-mesh";

export function meshObjects(values: Values): KubeObject[] {
  const { namespace } = values;
  return [
    ...scraperAccount(NAME, namespace),
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: NAME, namespace, labels: labelsOf(NAME) },
      spec: {
        selector: { "app.kubernetes.io/name": "prometheus", "operator.prometheus.io/name": "mesh" },
        ports: [{ name: "web", port: 9090, targetPort: "web" }],
      },
    },
    ...meshResources({
      namespace,
      retention: values["mesh.retention"],
      interval: values["mesh.scrapeInterval"],
      sampleLimit: values["mesh.sampleLimit"],
      labeldropRegex: values["mesh.labeldropRegex"],
      spec: {
        serviceAccountName: NAME,
        securityContext: POD_SECURITY,
        resources: resourcesOf(values, "mesh"),
        storage: { emptyDir: {} },
      },
    }),
  ];
}
