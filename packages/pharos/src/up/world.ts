/** Starts every component of the flow, in the order they need each other, and ends them in reverse. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createDashboardsServer, DashboardStore } from "@pharos/dashboards";
import { buildFlow, type FlowFacts } from "@pharos/explain";
import { type Logger, Registry, registerProcessMetrics } from "@pharos/kit";
import { type ApiServer, createApiServer, createKubeClient, type KubeClient } from "@pharos/kube";
import { LOCAL } from "@pharos/mixin";
import { type Flow, UserError } from "@pharos/model";
import { createNodeExporter } from "@pharos/node-exporter";
import { admissionError, LocalDriver, Operator, publishEndpoint } from "@pharos/operator";
import { besideMesh, DROPPED_LABELS, meshResources } from "../mesh/resources.ts";
import { PROMETHEUS_VERSION } from "../version.ts";
import { followDashboards, provideDashboards } from "./dashboards.ts";
import { defaultResources, NAMESPACE } from "./defaults.ts";
import { type ExporterPorts, hasGpus, startGpuExporter, startKubeStateMetrics } from "./exporters.ts";
import { alertmanagerFacts, prometheusFacts, resourceFacts } from "./flow-facts.ts";
import { lockDirectory } from "./lock.ts";
import type { Address } from "./urls.ts";

export interface WorldOptions {
  dir: string;
  host: string;
  ports: { api: number; prometheus: number; alertmanager: number; node: number; ui: number } & ExporterPorts;
  /** A directory that is new gets the mesh's Prometheus as well. */
  mesh?: boolean;
  log: Logger;
}

export interface World extends AsyncDisposable {
  readonly dir: string;
  readonly apiUrl: string;
  readonly addresses: readonly Address[];
  flow(): Flow;
}

const MESH = {
  namespace: NAMESPACE,
  retention: "2h",
  interval: "30s",
  sampleLimit: 20_000,
  labeldropRegex: DROPPED_LABELS,
};

const UI = join(import.meta.dirname, "../../../../ui/dist");

/** A taken port is the commonest failure: say what to do about it. */
async function start<T>(component: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UserError && error.code === "kit.port") {
      throw new UserError(error.code, `${component}: ${error.message}`, {
        fix: "Stop that program, or give --port-offset N to move all ports",
        cause: error,
      });
    }
    throw error;
  }
}

/** Writes the out-of-the-box resources into a directory that never had them. What the user changes or deletes stays so. */
async function writeDefaults(server: ApiServer, gpus: boolean, mesh: boolean): Promise<void> {
  const own = defaultResources(gpus);
  const objects = mesh ? [...own.map(besideMesh), ...meshResources(MESH)] : own;
  for (const object of objects) await server.store.apply(object, { fieldManager: "pharos" });
}

interface Listening {
  node: number;
  ui: number;
  kubeStateMetrics: number;
  kubeStateMetricsTelemetry: number;
  gpu: number | undefined;
}

const portOf = (url: string): number => Number(new URL(url).port);

async function publishOwnEndpoints(client: KubeClient, address: string, ports: Listening): Promise<void> {
  const publish = (component: string, port: number, { service = component, portName = "web" } = {}): Promise<void> =>
    publishEndpoint(client, "pharos", {
      namespace: NAMESPACE,
      service,
      labels: { "app.kubernetes.io/name": component },
      slice: service,
      pod: `${component}-0`,
      address,
      port,
      portName,
    });
  await publish("node-exporter", ports.node);
  await publish("pharos", ports.ui);
  await publish("kube-state-metrics", ports.kubeStateMetrics);
  const telemetry = { service: "kube-state-metrics-telemetry", portName: "telemetry" };
  await publish("kube-state-metrics", ports.kubeStateMetricsTelemetry, telemetry);
  if (ports.gpu !== undefined) await publish("gpu-exporter", ports.gpu);
}

export async function startWorld(options: WorldOptions): Promise<World> {
  const { dir, host, ports, log } = options;
  await using stack = new AsyncDisposableStack();
  stack.use(lockDirectory(dir));
  const registry = new Registry();
  registerProcessMetrics(registry);
  const abort = new AbortController();
  stack.defer(() => abort.abort());

  const firstRun = !existsSync(join(dir, "resources"));
  const api = stack.use(
    await start("API server", () =>
      createApiServer({
        dir: join(dir, "resources"),
        host,
        port: ports.api,
        log: log.with({ component: "api-server" }),
        registry,
        admission: async (object) => admissionError(object),
      }),
    ),
  );
  const gpus = hasGpus();
  if (firstRun) await writeDefaults(api, gpus, options.mesh ?? false);
  const client = createKubeClient({ server: api.url });
  const node = stack.use(
    await start("node exporter", () =>
      createNodeExporter({ host, port: ports.node, log: log.with({ component: "node-exporter" }) }),
    ),
  );
  const objects = stack.use(
    await start("kube-state-metrics", () =>
      startKubeStateMetrics(client, host, ports, log.with({ component: "kube-state-metrics" })),
    ),
  );
  const gpu = gpus
    ? stack.use(
        await start("GPU exporter", () => startGpuExporter(host, ports.gpu, log.with({ component: "gpu-exporter" }))),
      )
    : undefined;
  await publishOwnEndpoints(client, host, {
    node: ports.node,
    ui: ports.ui,
    kubeStateMetrics: portOf(objects.url),
    kubeStateMetricsTelemetry: portOf(objects.telemetryUrl),
    gpu: gpu && portOf(gpu.url),
  });

  const driver = stack.use(
    new LocalDriver({
      dir: join(dir, "instances"),
      host,
      ports: { prometheus: ports.prometheus, alertmanager: ports.alertmanager },
      apiServer: api.url,
      uiUrl: `http://${host}:${ports.ui}`,
      client,
      log,
      version: PROMETHEUS_VERSION,
    }),
  );
  const operator = stack.use(new Operator({ client, driver, log: log.with({ component: "operator" }), registry }));
  await start("operator", () => operator.start());

  const store = new DashboardStore({ dir: join(dir, "dashboards"), provisioned: [], log });
  provideDashboards(store, { ...LOCAL, gpu: gpus });
  followDashboards(client, store, log.with({ component: "dashboards" }), abort.signal);
  const flow = (): Flow => {
    const facts: FlowFacts = {
      now: Date.now(),
      resources: resourceFacts(api),
      operator: operator.report,
      prometheuses: prometheusFacts(driver.prometheuses),
      alertmanagers: alertmanagerFacts(driver.alertmanagers),
      dashboards: { count: store.list().length, problems: store.problems() },
    };
    return buildFlow(facts);
  };
  const instance = (kind: "Prometheus" | "Alertmanager") =>
    operator.report.instances.find(
      (entry) => entry.kind === kind && entry.name === "main" && entry.namespace === NAMESPACE,
    );
  const ui = stack.use(
    await start("UI", () =>
      createDashboardsServer({
        host,
        port: ports.ui,
        uiDir: UI,
        datasources: [
          {
            uid: "prometheus",
            name: "Prometheus",
            type: "prometheus",
            url: instance("Prometheus")?.url ?? `http://${host}:${ports.prometheus}`,
          },
          {
            uid: "alertmanager",
            name: "Alertmanager",
            type: "alertmanager",
            url: instance("Alertmanager")?.url ?? `http://${host}:${ports.alertmanager}`,
          },
        ],
        dashboards: store,
        flow,
        resourcesUrl: api.url,
        registry,
        log: log.with({ component: "ui" }),
      }),
    ),
  );
  const failed = operator.report.instances.filter(({ ready }) => !ready);
  if (failed.length > 0 && firstRun) {
    const [{ kind, name, message }] = failed;
    throw new UserError("pharos.start", `${kind} ${name} does not start: ${message}`);
  }
  const owned = stack.move();
  return {
    dir,
    apiUrl: api.url,
    addresses: [
      { name: "UI", url: ui.url, what: "the flow, targets, alerts, explore, dashboards" },
      { name: "Prometheus", url: instance("Prometheus")?.url ?? "", what: "HTTP API, /metrics" },
      { name: "Alertmanager", url: instance("Alertmanager")?.url ?? "", what: "API v2, /metrics" },
      { name: "node exporter", url: `${node.url}/metrics`, what: "this machine" },
      { name: "kube-state-metrics", url: `${objects.url}/metrics`, what: "the resources as metrics" },
      ...(gpu ? [{ name: "GPU exporter", url: `${gpu.url}/metrics`, what: "this machine's GPUs" }] : []),
      { name: "Kubernetes API", url: api.url, what: "resources, as files in resources/" },
    ],
    flow,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
