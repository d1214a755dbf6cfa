/**
 * consul_sd_configs: instances of Consul's services. The catalog is followed when the services are not all named, and
 * each service's health, by blocking queries: Consul answers when something changed.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type HttpClientConfig, parseHttpClientConfig, Secret } from "@pharos/kit";
import { describeError, type TargetLabels, UserError } from "@pharos/model";
import { Api, withQuery } from "../api/client.ts";
import { Json } from "../api/json.ts";
import { joinHostPort, prefixed, surround } from "../labels.ts";
import type { Mechanism, MechanismContext } from "../mechanism.ts";
import { Settings } from "../settings.ts";

const PREFIX = "__meta_consul_";
/** A blocking query lasts so long at most; the answer may take a little longer. */
const WAIT_MS = 120_000;
const GRACE_MS = 15_000;
const RETRY_MS = 15_000;

interface ConsulConfig {
  server: string;
  pathPrefix: string;
  token: Secret | undefined;
  datacenter: string;
  namespace: string;
  partition: string;
  tagSeparator: string;
  scheme: string;
  allowStale: boolean;
  /** ms */
  refreshInterval: number;
  services: string[];
  tags: string[];
  nodeMeta: Record<string, string>;
  filter: string;
  healthFilter: string;
  client: HttpClientConfig;
}

function parse(settings: Settings): Omit<ConsulConfig, "client"> & { username: string; password: Secret | undefined } {
  const config = {
    server: settings.text("server", "localhost:8500"),
    pathPrefix: settings.text("path_prefix"),
    token: settings.secret("token"),
    datacenter: settings.text("datacenter"),
    namespace: settings.text("namespace"),
    partition: settings.text("partition"),
    tagSeparator: settings.text("tag_separator", ","),
    scheme: settings.text("scheme", "http"),
    username: settings.text("username"),
    password: settings.secret("password"),
    allowStale: settings.flag("allow_stale", true),
    refreshInterval: settings.duration("refresh_interval", 30_000),
    services: settings.texts("services"),
    tags: settings.texts("tags"),
    nodeMeta: settings.textMap("node_meta"),
    filter: settings.text("filter"),
    healthFilter: settings.text("health_filter"),
  };
  if (config.server.trim() === "") throw settings.fail("consul SD configuration requires a server address");
  if ((config.username !== "" || config.password) && settings.given("basic_auth")) {
    throw settings.fail(
      "at most one of consul SD configuration username and password and basic auth can be configured",
    );
  }
  if (config.token && (settings.given("authorization") || settings.given("oauth2"))) {
    throw settings.fail("at most one of consul SD token, authorization, or oauth2 can be configured");
  }
  return config;
}

/** The worst of the checks, as Consul's own client sums them up; "" when one is of an unknown kind. */
export function aggregatedStatus(checks: readonly Json[]): string {
  const seen = new Set<string>();
  for (const check of checks) {
    const id = check.text("CheckID");
    const status = check.text("Status");
    if (id === "_node_maintenance" || id.startsWith("_service_maintenance:")) seen.add("maintenance");
    else if (status === "passing" || status === "warning" || status === "critical") seen.add(status);
    else return "";
  }
  return ["maintenance", "critical", "warning"].find((status) => seen.has(status)) ?? "passing";
}

export function instanceLabels(entry: Json, tagSeparator: string): TargetLabels {
  const node = entry.get("Node");
  const service = entry.get("Service");
  const port = service.integer("Port");
  return {
    // A service may be registered by another node than the one it runs on.
    __address__: joinHostPort(service.text("Address") || node.text("Address"), port),
    [`${PREFIX}address`]: node.text("Address"),
    [`${PREFIX}node`]: node.text("Node"),
    [`${PREFIX}namespace`]: service.text("Namespace"),
    [`${PREFIX}partition`]: service.text("Partition"),
    [`${PREFIX}tags`]: surround(service.texts("Tags"), tagSeparator),
    [`${PREFIX}service_address`]: service.text("Address"),
    [`${PREFIX}service_port`]: port,
    [`${PREFIX}service_id`]: service.text("ID"),
    [`${PREFIX}health`]: aggregatedStatus(entry.items("Checks")),
    ...prefixed(`${PREFIX}metadata_`, node.textMap("Meta")),
    ...prefixed(`${PREFIX}service_metadata_`, service.textMap("Meta")),
    ...prefixed(`${PREFIX}tagged_address_`, node.textMap("TaggedAddresses")),
  };
}

class Consul {
  readonly #config: ConsulConfig;
  readonly #context: MechanismContext;
  readonly #signal: AbortSignal;
  readonly #api: Api;
  /** Failures by what was asked: "" is the catalog. */
  readonly #failures = new Map<string, string>();
  readonly #watched = new Map<string, AbortController>();
  readonly #watches = new Set<Promise<void>>();
  /** Targets of each service, and of all. */
  readonly #counts = new Map<string, number>();
  #found = 0;
  #datacenter: string;

  constructor(config: ConsulConfig, context: MechanismContext, signal: AbortSignal) {
    this.#config = config;
    this.#context = context;
    this.#signal = signal;
    this.#datacenter = config.datacenter;
    this.#api = new Api(config.client, { timeoutMs: WAIT_MS + GRACE_MS, signal });
  }

  async run(): Promise<void> {
    const { services, tags, filter } = this.#config;
    try {
      await this.#findDatacenter();
      if (services.length === 0 || tags.length > 0 || filter !== "") await this.#followCatalog();
      else {
        for (const name of services) this.#watch(name);
        await Promise.all(this.#watches);
      }
    } finally {
      for (const watch of this.#watched.values()) watch.abort();
      await Promise.all(this.#watches);
      await this.#api[Symbol.asyncDispose]();
    }
  }

  #url(path: string, query: Record<string, string | string[] | undefined>): string {
    const { server, scheme, pathPrefix, namespace, partition } = this.#config;
    const base = server.includes("://") ? server.replace(/\/+$/, "") : `${scheme}://${server}`;
    return withQuery(`${base}${pathPrefix.replace(/\/+$/, "")}${path}`, {
      dc: this.#datacenter || undefined,
      ns: namespace || undefined,
      partition: partition || undefined,
      ...query,
    });
  }

  /** Asks and waits for a change after `index`; what the index is now. */
  async #ask(
    path: string,
    call: string,
    index: number,
    query: Record<string, string | string[] | undefined>,
    signal: AbortSignal,
  ): Promise<{ answer: Json; index: number }> {
    const { allowStale, nodeMeta, token } = this.#config;
    const url = this.#url(path, {
      ...query,
      stale: allowStale ? "" : undefined,
      index: index === 0 ? undefined : String(index),
      wait: `${WAIT_MS}ms`,
      "node-meta": Object.entries(nodeMeta).map(([key, value]) => `${key}:${value}`),
    });
    const started = performance.now();
    try {
      const headers: Record<string, string> = token ? { "x-consul-token": token.reveal() } : {};
      const response = await this.#api.get(url, { headers, signal });
      const now = Number(response.headers["x-consul-index"] ?? 0);
      const answer = Json.parse(response.body.toString("utf8"));
      // An index that went back is of another life of the server.
      return { answer, index: Number.isFinite(now) && now >= index ? now : 0 };
    } finally {
      const seconds = (performance.now() - started) / 1000;
      this.#context.metrics.consulRpcDuration.labels("catalog", call).observe(seconds);
    }
  }

  async #findDatacenter(): Promise<void> {
    const { token } = this.#config;
    while (this.#datacenter === "" && !this.#signal.aborted) {
      try {
        const headers: Record<string, string> = token ? { "x-consul-token": token.reveal() } : {};
        const self = await this.#api.json(this.#url("/v1/agent/self", {}), { headers });
        const datacenter = self.text("Config", "Datacenter");
        if (datacenter === "") throw new UserError("discovery.answer", "invalid value '' for Config.Datacenter");
        this.#datacenter = datacenter;
        this.#failures.delete("");
      } catch (error) {
        await this.#failed("", "Error retrieving datacenter name", error, this.#signal);
      }
    }
  }

  /** Repeats a blocking query until the signal ends it; `use` gets each answer that is new. */
  async #follow(
    key: string,
    query: (index: number) => Promise<{ answer: Json; index: number }>,
    use: (answer: Json) => void,
    signal: AbortSignal,
  ): Promise<void> {
    let index = 0;
    while (!signal.aborted) {
      const started = performance.now();
      try {
        const result = await query(index);
        if (signal.aborted) return;
        // The same index: the wait ended without a change.
        if (result.index !== index || index === 0) use(result.answer);
        index = result.index;
        if (this.#failures.delete(key)) this.#explain();
      } catch (error) {
        await this.#failed(
          key,
          key === "" ? "Error refreshing service list" : "Error refreshing service",
          error,
          signal,
        );
      }
      const rest = this.#config.refreshInterval - (performance.now() - started);
      await sleep(Math.max(0, rest), undefined, { signal, ref: false }).catch(() => {});
    }
  }

  async #failed(key: string, what: string, error: unknown, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    this.#context.metrics.consulRpcFailures.inc();
    this.#context.log.error(what, { service: key, err: describeError(error) });
    this.#failures.set(key, `${key === "" ? "" : `service ${key}: `}${describeError(error)}`);
    this.#explain();
    await sleep(RETRY_MS, undefined, { signal, ref: false }).catch(() => {});
  }

  async #followCatalog(): Promise<void> {
    const { services, tags, filter } = this.#config;
    const query = { filter: filter || undefined };
    const wanted = (name: string, own: readonly string[]): boolean =>
      (services.length === 0 || services.includes(name)) && tags.every((tag) => own.includes(tag));
    await this.#follow(
      "",
      (index) => this.#ask("/v1/catalog/services", "services", index, query, this.#signal),
      (answer) => {
        const present = new Map(answer.entries());
        for (const [name, own] of present) {
          if (!this.#watched.has(name) && wanted(name, own.texts())) this.#watch(name);
        }
        for (const [name, watch] of this.#watched) {
          if (present.has(name)) continue;
          watch.abort();
          this.#watched.delete(name);
          this.#failures.delete(name);
          this.#count(name, undefined);
          this.#context.update([{ source: name, labels: {}, targets: [] }]);
        }
        if (this.#watched.size === 0) this.#context.update([]);
        this.#explain();
      },
      this.#signal,
    );
  }

  #watch(name: string): void {
    const ending = new AbortController();
    this.#watched.set(name, ending);
    const signal = AbortSignal.any([this.#signal, ending.signal]);
    const { tags, healthFilter, tagSeparator } = this.#config;
    const path = `/v1/health/service/${encodeURIComponent(name)}`;
    const query = { tag: tags, filter: healthFilter || undefined };
    const watch = this.#follow(
      name,
      (index) => this.#ask(path, "service", index, query, signal),
      (answer) => {
        const targets = answer.items().map((entry) => instanceLabels(entry, tagSeparator));
        const labels = { [`${PREFIX}service`]: name, [`${PREFIX}dc`]: this.#datacenter };
        this.#count(name, targets.length);
        this.#context.update([{ source: name, labels, targets }]);
        this.#explain();
      },
      signal,
    ).finally(() => this.#watches.delete(watch));
    this.#watches.add(watch);
  }

  #explain(): void {
    const { server } = this.#config;
    if (this.#failures.size > 0) {
      const [first, second, third] = this.#failures.values();
      const shown = [first, second, third].filter((failure) => failure !== undefined).join("; ");
      const more = this.#failures.size > 3 ? ` and ${this.#failures.size - 3} more failures` : "";
      this.#context.explain(`consul: cannot ask ${server}: ${shown}${more}`);
    } else if (this.#found > 0) this.#context.explain("");
    else if (this.#watched.size === 0) this.#context.explain(`consul: ${server} lists no service that is wanted`);
    else {
      const [name] = this.#watched.keys();
      const others = this.#watched.size > 1 ? ` and ${this.#watched.size - 1} other services` : "";
      this.#context.explain(`consul: ${server} has no instance of ${name}${others}`);
    }
  }

  /** Remembers how many targets a service has; none at all when it is gone. */
  #count(name: string, targets: number | undefined): void {
    this.#found += (targets ?? 0) - (this.#counts.get(name) ?? 0);
    if (targets === undefined) this.#counts.delete(name);
    else this.#counts.set(name, targets);
  }
}

export const consulMechanism: Mechanism<ConsulConfig> = {
  name: "consul",
  parse(node) {
    const settings = new Settings(node);
    const { username, password, ...config } = parse(settings);
    const client = parseHttpClientConfig(settings.map);
    settings.map.done("consul.plain");
    if (username !== "" || password) {
      client.basicAuth = { username: { value: new Secret(username) }, password: { value: password } };
    }
    return { ...config, client };
  },
  run: (config, context, signal) => new Consul(config, context, signal).run(),
};
