/**
 * Dashboards that come out of the box, and those of the API server: every ConfigMap labelled grafana_dashboard=1, as
 * Grafana's sidecar does it.
 */
import type { DashboardStore } from "@pharos/dashboards";
import type { Logger } from "@pharos/kit";
import { type KubeClient, type KubeObject, watchResources } from "@pharos/kube";
import { type Components, makeDashboards } from "@pharos/mixin";
import { CONFIG_MAPS } from "@pharos/operator";

function sourceOf({ metadata }: KubeObject): string {
  return `ConfigMap ${metadata.namespace}/${metadata.name}`;
}

/** Those about what there is. */
export function provideDashboards(store: DashboardStore, components: Components): void {
  store.set(
    "Pharos",
    makeDashboards({ components }).map(({ name, folder, json }) => ({
      name,
      folder,
      json: JSON.stringify(json),
    })),
  );
}

export function followDashboards(client: KubeClient, store: DashboardStore, log: Logger, signal: AbortSignal): void {
  const known = new Set<string>();
  const put = (object: KubeObject): void => {
    const { data } = object as { data?: Record<string, string> };
    const folder = object.metadata.annotations?.grafana_folder;
    known.add(sourceOf(object));
    store.set(
      sourceOf(object),
      Object.entries(data ?? {})
        .filter(([name]) => name.endsWith(".json"))
        .map(([name, json]) => ({ name, json, folder })),
    );
  };
  const drop = (source: string): void => {
    known.delete(source);
    store.set(source, []);
  };
  watchResources(
    client,
    { ...CONFIG_MAPS, labelSelector: "grafana_dashboard=1" },
    {
      onSync: (objects) => {
        const present = new Set(objects.map(sourceOf));
        for (const source of [...known]) if (!present.has(source)) drop(source);
        objects.forEach(put);
      },
      onAdd: put,
      onUpdate: put,
      onDelete: (object) => drop(sourceOf(object)),
      onError: (error) => log.warn("watching dashboards failed, trying again", { err: error }),
    },
    signal,
  );
}
