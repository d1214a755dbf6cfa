import { join } from "node:path";
import { createDashboardsServer, DashboardStore } from "@pharos/dashboards";
import { buildFlow } from "@pharos/explain";
import { describeFlags, type FlagSpecs, parseFlags, Registry, registerProcessMetrics } from "@pharos/kit";
import { createKubeClient } from "@pharos/kube";
import { MANAGED_CLUSTER } from "@pharos/mixin";
import { UserError } from "@pharos/model";
import { clusterFacts } from "../ui/cluster-facts.ts";
import { askAlertmanager, askPrometheus } from "../ui/instance-facts.ts";
import { followDashboards, provideDashboards } from "../up/dashboards.ts";
import { type Command, interrupted, LOG_FLAGS, loggerFrom, splitAddress } from "./command.ts";

export const uiFlags = {
  "web.listen-address": { type: "string", default: ":3000", help: "Address of the pages and the API." },
  "prometheus.url": {
    type: "string",
    default: "http://127.0.0.1:9090",
    help: "Base URL of the Prometheus that is asked.",
  },
  "alertmanager.url": {
    type: "string",
    default: "http://127.0.0.1:9093",
    help: "Base URL of the Alertmanager that is asked.",
  },
  "mesh.url": { type: "string", default: "", help: "Base URL of the mesh's Prometheus, as a further data source." },
  namespace: { type: "string", default: "monitoring", help: "Namespace of the instances that the URLs are those of." },
  "storage.path": { type: "string", default: "data/", help: "Folder of dashboards that people save." },
  kubeconfig: {
    type: "string",
    help: 'Kubeconfig of the cluster; "" for $KUBECONFIG. Without it, the cluster this runs in.',
  },
  ...LOG_FLAGS,
} as const satisfies FlagSpecs;

const UI = join(import.meta.dirname, "../../../../ui/dist");
/** How long the flow is shown again before everybody is asked anew, in ms. */
const FLOW_AGE_MS = 2_000;

const base = (url: string): string => url.replace(/\/+$/, "");

export const ui: Command = {
  name: "ui",
  summary: "Run the UI of a cluster: flow, dashboards, alerts, explore.",
  help: () => describeFlags(uiFlags),
  async run(argv) {
    const { values } = parseFlags(uiFlags, argv);
    const address = splitAddress(values["web.listen-address"]);
    if (!address) {
      throw new UserError("pharos.flag", `${values["web.listen-address"]} is not host:port`, {
        where: { flag: "--web.listen-address" },
      });
    }
    const log = loggerFrom(values);
    const stopRequested = interrupted();
    const abort = new AbortController();
    const registry = new Registry();
    registerProcessMetrics(registry);
    const { kubeconfig, namespace } = values;
    await using client = createKubeClient(
      kubeconfig === undefined ? { inCluster: true } : { kubeconfigFile: kubeconfig },
    );
    const store = new DashboardStore({ dir: values["storage.path"], provisioned: [], log });
    provideDashboards(store, MANAGED_CLUSTER);
    followDashboards(client, store, log, abort.signal);
    const urls = { Prometheus: base(values["prometheus.url"]), Alertmanager: base(values["alertmanager.url"]) };
    const main = { namespace, name: "main" };
    const asked = async <T>(kind: keyof typeof urls, ask: (place: typeof main & { url: string }) => Promise<T>) => {
      try {
        return [await ask({ ...main, url: urls[kind] })];
      } catch (error) {
        log.warn("an instance does not answer", { kind, url: urls[kind], err: (error as Error).message });
        return [];
      }
    };
    const draw = async () => {
      const [cluster, prometheuses, alertmanagers] = await Promise.all([
        clusterFacts(client, (kind) => (kind === "Prometheus" || kind === "Alertmanager" ? urls[kind] : "")),
        asked("Prometheus", askPrometheus),
        asked("Alertmanager", askAlertmanager),
      ]);
      const dashboards = { count: store.list().length, problems: store.problems() };
      return buildFlow({ now: Date.now(), ...cluster, prometheuses, alertmanagers, dashboards });
    };
    let drawn: { at: number; flow: ReturnType<typeof draw> } | undefined;
    const flow = (): ReturnType<typeof draw> => {
      if (!drawn || Date.now() - drawn.at > FLOW_AGE_MS) drawn = { at: Date.now(), flow: draw() };
      return drawn.flow;
    };
    const mesh = base(values["mesh.url"]);
    await using server = await createDashboardsServer({
      ...address,
      uiDir: UI,
      datasources: [
        { uid: "prometheus", name: "Prometheus", type: "prometheus", url: urls.Prometheus },
        { uid: "alertmanager", name: "Alertmanager", type: "alertmanager", url: urls.Alertmanager },
        ...(mesh
          ? [{ uid: "prometheus-istio", name: "Prometheus-Istio", type: "prometheus" as const, url: mesh }]
          : []),
      ],
      dashboards: store,
      flow,
      resourcesUrl: client.server,
      registry,
      log,
    });
    log.info("Listening on", { address: server.url });
    await stopRequested;
    abort.abort();
    return 0;
  },
};
