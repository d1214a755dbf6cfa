/** Everything a cluster needs to run the flow, in the order in which it is to be applied. The same values give the same objects. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { KubeObject } from "@pharos/kube";
import { componentsOf } from "./components.ts";
import { instanceObjects, selectable } from "./instances.ts";
import { meshObjects } from "./mesh.ts";
import { componentMonitor } from "./monitors.ts";
import type { Values } from "./values.ts";
import { routesToUi } from "./web.ts";
import { componentObjects } from "./workload.ts";

const CRDS = join(import.meta.dirname, "../../../../deploy/crds");

/** Texts of the definitions of the ten resources, by name of their file. */
export function crdTexts(): string[] {
  return readdirSync(CRDS)
    .filter((name) => name.endsWith(".yaml"))
    .sort()
    .map(
      (name) =>
        `${readFileSync(join(CRDS, name), "utf8")
          .replace(/^---\n/, "")
          .trimEnd()}\n`,
    );
}

export function installObjects(values: Values): KubeObject[] {
  const { namespace, image, imagePullPolicy } = values;
  const out: KubeObject[] = [
    {
      apiVersion: "v1",
      kind: "Namespace",
      // Exporters look at the node, which the stricter levels of pod security do not allow.
      metadata: { name: namespace, labels: { "pod-security.kubernetes.io/enforce": "privileged" } },
    },
  ];
  for (const component of componentsOf(values)) {
    out.push(...componentObjects(component, { namespace, image, imagePullPolicy }));
  }
  if (values["instances.enabled"]) out.push(...instanceObjects(values));
  if (values["mesh.enabled"]) out.push(...meshObjects(values));
  if (values["grafana.enabled"]) {
    if (values["instances.enabled"]) out.push(componentMonitor("grafana", namespace));
    out.push(...routesToUi(values));
  }
  return out.map((object) => selectable(object, values));
}
