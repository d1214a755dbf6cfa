/**
 * Instances inside this process, from files on this disk:
 *
 *   <dir>/prometheus-<namespace>-<name>/prometheus.yml, rules/, certs/, data/
 *   <dir>/alertmanager-<namespace>-<name>/alertmanager.yml, certs/, data/
 *
 * The files are what real promtool and amtool read. Like the operator in a cluster, the driver publishes each instance
 * as endpoint of a governing Service, so that monitors and Alertmanager discovery find it the usual way.
 */
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Alertmanager as AlertmanagerServer, createAlertmanager } from "@pharos/alertmanager";
import { type Logger, parseBytes, writeFileAtomic } from "@pharos/kit";
import type { KubeClient } from "@pharos/kube";
import { parseDuration } from "@pharos/model";
import { createPrometheus, type PrometheusServer } from "@pharos/prometheus";
import { DEFAULT_RETENTION } from "../prometheus/storage.ts";
import type { Reader } from "../readable.ts";
import type { Alertmanager, Prometheus } from "../resources/types.ts";
import type { DesiredInstance, InstanceDriver, InstanceKind, InstancePaths, InstanceState } from "./driver.ts";
import { publishEndpoint, withdrawEndpoint } from "./local-endpoints.ts";

export interface LocalDriverOptions {
  dir: string;
  host: string;
  /** Standard ports, for the first instance of a kind; further ones take any free port. 0: always any free one. */
  ports: { prometheus: number; alertmanager: number };
  /** The API server instances discover targets from. */
  apiServer: string;
  /** Where instances send people who open them in a browser. */
  uiUrl: string;
  client: KubeClient;
  log: Logger;
  version: string;
}

interface Running<Server> {
  server: Server;
  port: number;
}

const FIELD_MANAGER = "pharos-operator";

export class LocalDriver implements InstanceDriver {
  readonly apiServer: string;
  readonly features = {};
  readonly #options: LocalDriverOptions;
  readonly #prometheuses = new Map<string, Running<PrometheusServer>>();
  readonly #alertmanagers = new Map<string, Running<AlertmanagerServer>>();

  constructor(options: LocalDriverOptions) {
    this.#options = options;
    this.apiServer = options.apiServer;
  }

  /** The running servers by `namespace/name`, for in-process views such as the flow page. */
  get prometheuses(): ReadonlyMap<string, PrometheusServer> {
    return new Map([...this.#prometheuses].map(([key, { server }]) => [key, server]));
  }

  get alertmanagers(): ReadonlyMap<string, AlertmanagerServer> {
    return new Map([...this.#alertmanagers].map(([key, { server }]) => [key, server]));
  }

  #folder(kind: InstanceKind, namespace: string, name: string): string {
    return join(this.#options.dir, `${kind.toLowerCase()}-${namespace}-${name}`);
  }

  unsupported(kind: InstanceKind): string | undefined {
    if (kind === "Prometheus" || kind === "Alertmanager") return undefined;
    return `${kind} needs a cluster: on one machine only Prometheus and Alertmanager run`;
  }

  readerOf(): Reader {
    return "pharos";
  }

  pathsOf(kind: InstanceKind, namespace: string, name: string): InstancePaths {
    const folder = this.#folder(kind, namespace, name);
    return { certificates: join(folder, "certs"), rules: () => [join(folder, "rules", "*.yaml")] };
  }

  apply(desired: DesiredInstance): Promise<InstanceState> {
    return desired.kind === "Alertmanager" ? this.#applyAlertmanager(desired) : this.#applyPrometheus(desired);
  }

  async #applyPrometheus({ resource, config, files, certificates }: DesiredInstance): Promise<InstanceState> {
    const { namespace = "", name = "" } = resource.metadata;
    const folder = this.#folder("Prometheus", namespace, name);
    const configFile = join(folder, "prometheus.yml");
    syncFolderTo(join(folder, "certs"), certificates, 0o600);
    // New rule files before the configuration, stale ones after the reload: the globs match only what is valid.
    writeFiles(join(folder, "rules"), files, 0o644);
    removeOthers(join(folder, "rules"), files);
    writeFileAtomic(configFile, substitute(config, `prometheus-${name}-0`), 0o600);
    const key = `${namespace}/${name}`;
    const running = this.#prometheuses.get(key);
    if (running) {
      await running.server.reload();
    } else {
      const { spec } = resource as Prometheus;
      const server = await createPrometheus({
        configFile,
        storagePath: join(folder, "data"),
        listen: { host: this.#options.host, port: this.#port("prometheus", this.#prometheuses) },
        externalUrl: spec.externalUrl,
        uiUrl: this.#options.uiUrl,
        retention: {
          timeMs: parseDuration(spec.retention || (spec.retentionSize ? "0" : DEFAULT_RETENTION)),
          bytes: spec.retentionSize ? parseBytes(spec.retentionSize) : 0,
        },
        enableLifecycle: true,
        enableAdminApi: spec.enableAdminAPI ?? false,
        log: this.#options.log.with({ component: "prometheus", instance: key }),
        version: this.#options.version,
      });
      this.#prometheuses.set(key, { server, port: Number(new URL(server.url).port) });
    }
    const { server, port } = this.#prometheuses.get(key)!;
    await publishEndpoint(this.#options.client, FIELD_MANAGER, {
      namespace,
      service: "prometheus-operated",
      labels: { "app.kubernetes.io/name": "prometheus", "operated-prometheus": "true" },
      slice: `prometheus-operated-${name}`,
      pod: `prometheus-${name}-0`,
      address: this.#options.host,
      port,
    });
    return { url: server.url, ready: true, message: "" };
  }

  async #applyAlertmanager({ resource, config, files, certificates }: DesiredInstance): Promise<InstanceState> {
    const { namespace = "", name = "" } = resource.metadata;
    const folder = this.#folder("Alertmanager", namespace, name);
    const configFile = join(folder, "alertmanager.yml");
    syncFolderTo(join(folder, "certs"), certificates, 0o600);
    syncFolderTo(join(folder, "templates"), files, 0o644);
    // Receivers' secrets stand in the file.
    writeFileAtomic(configFile, config, 0o600);
    const key = `${namespace}/${name}`;
    const running = this.#alertmanagers.get(key);
    if (running) {
      await running.server.reload();
    } else {
      const server = await createAlertmanager({
        configFile,
        storageDir: join(folder, "data"),
        listen: { host: this.#options.host, port: this.#port("alertmanager", this.#alertmanagers) },
        externalUrl: (resource as Alertmanager).spec.externalUrl,
        log: this.#options.log.with({ component: "alertmanager", instance: key }),
      });
      this.#alertmanagers.set(key, { server, port: Number(new URL(server.url).port) });
    }
    const { server, port } = this.#alertmanagers.get(key)!;
    await publishEndpoint(this.#options.client, FIELD_MANAGER, {
      namespace,
      service: "alertmanager-operated",
      labels: { "app.kubernetes.io/name": "alertmanager", "operated-alertmanager": "true" },
      slice: `alertmanager-operated-${name}`,
      pod: `alertmanager-${name}-0`,
      address: this.#options.host,
      port,
    });
    return { url: server.url, ready: true, message: "" };
  }

  async remove(kind: InstanceKind, namespace: string, name: string): Promise<void> {
    const key = `${namespace}/${name}`;
    const running = kind === "Prometheus" ? this.#prometheuses : this.#alertmanagers;
    await running.get(key)?.server.close();
    running.delete(key);
    await withdrawEndpoint(this.#options.client, namespace, `${kind.toLowerCase()}-operated-${name}`);
  }

  /** Prometheus first: what it still has to say goes to an Alertmanager that still listens. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#prometheuses.values()].map(({ server }) => server.close()));
    await Promise.all([...this.#alertmanagers.values()].map(({ server }) => server.close()));
    this.#prometheuses.clear();
    this.#alertmanagers.clear();
  }

  #port(kind: "prometheus" | "alertmanager", running: ReadonlyMap<string, { port: number }>): number {
    const standard = this.#options.ports[kind];
    return [...running.values()].some(({ port }) => port === standard) ? 0 : standard;
  }
}

/** What the config reloader substitutes in a cluster. One local instance is replica 0 of shard 0. */
function substitute(config: string, podName: string): string {
  return config.replaceAll("$(POD_NAME)", podName).replaceAll("$(SHARD)", "0");
}

function writeFiles(folder: string, files: ReadonlyMap<string, string>, mode: number): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of files) writeFileAtomic(join(folder, name), content, mode);
}

function removeOthers(folder: string, files: ReadonlyMap<string, string>): void {
  for (const name of readdirSync(folder)) if (!files.has(name)) rmSync(join(folder, name), { force: true });
}

function syncFolderTo(folder: string, files: ReadonlyMap<string, string>, mode: number): void {
  writeFiles(folder, files, mode);
  removeOthers(folder, files);
}
