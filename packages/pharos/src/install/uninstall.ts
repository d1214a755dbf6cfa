/** Takes an installation away. Data and definitions stay unless they are to go as well. */
import type { KubeClient } from "@pharos/kube";
import { compareDefinitions } from "./definitions.ts";
import { CRD_TYPE, INSTALLED_KINDS, kindOf, titleOf } from "./kinds.ts";
import { ownObjects } from "./upgrade.ts";

export interface UninstallOptions {
  namespace: string;
  /** Volumes too: samples, silences, dashboards that people saved. */
  data: boolean;
  /** Definitions too, and with them every object of these kinds in the whole cluster. */
  crds: boolean;
  tell: (line: string) => void;
}

/** Claims of the instances' StatefulSets, which carry none of our labels. */
const CLAIMS = /^(prometheus|alertmanager)-(main|mesh)-db-/;

export async function uninstall(client: KubeClient, options: UninstallOptions, signal?: AbortSignal): Promise<void> {
  const { namespace, data, crds, tell } = options;
  const claims = kindOf("PersistentVolumeClaim");
  // A role is known to be ours by its binding, which therefore is looked at before it goes.
  const found = [];
  for (const type of INSTALLED_KINDS) {
    if (type.kind === "Namespace" || type.kind === "PersistentVolumeClaim") continue;
    for (const object of await ownObjects(client, type, namespace, signal)) found.push({ type, object });
  }
  for (const { type, object } of found) {
    const { metadata } = object;
    const propagationPolicy = "Background";
    await client.delete(type, { namespace: metadata.namespace, name: metadata.name ?? "", propagationPolicy }, signal);
    tell(`${titleOf({ ...object, kind: type.kind })} deleted`);
  }
  const volumes = (await client.list(claims, { namespace }, signal)).items.filter(
    ({ metadata }) => metadata.labels?.["app.kubernetes.io/part-of"] === "pharos" || CLAIMS.test(metadata.name ?? ""),
  );
  for (const { metadata } of volumes) {
    const title = `PersistentVolumeClaim ${namespace}/${metadata.name}`;
    if (data) await client.delete(claims, { namespace, name: metadata.name ?? "" }, signal);
    tell(data ? `${title} deleted` : `${title} kept: --delete-data deletes it`);
  }
  if (crds) {
    for (const { name, present } of await compareDefinitions(client, signal)) {
      if (present === undefined) continue;
      await client.delete(CRD_TYPE, { name }, signal);
      tell(`definition ${name} deleted`);
    }
  }
  tell(`Namespace ${namespace} kept: it may hold more than this installation`);
}
