/** Mechanisms that ask an API again and again: what they share is here, each file says what to ask and what it means. */
import { setTimeout as sleep } from "node:timers/promises";
import {
  type HttpClientConfig,
  type Logger,
  parseHttpClientConfig,
  parseTlsClientConfig,
  type YamlNode,
} from "@pharos/kit";
import { describeError, type TargetGroup, type TargetLabels } from "@pharos/model";
import { Api, withoutPasswords } from "./api/client.ts";
import type { Mechanism, MechanismContext } from "./mechanism.ts";
import type { DiscoveryMetrics } from "./metrics.ts";
import { Settings } from "./settings.ts";

export interface RefreshBase {
  /** ms */
  refreshInterval: number;
  client: HttpClientConfig;
}

export interface Found {
  groups: TargetGroup[];
  /** How many things the API answered; not all need be targets. */
  seen: number;
}

/** Asks once. Throws when not everything could be found out: what was found before stays then. */
export type Lookup = () => Promise<Found>;

export interface Session {
  api: Api;
  log: Logger;
  metrics: DiscoveryMetrics;
  signal: AbortSignal;
}

export interface RefreshSpec<C extends object> {
  name: string;
  /** Default of refresh_interval, ms; 60 s. */
  refreshInterval?: number;
  /** How upstream calls the section's type in "field x not found in type …"; `<name>.plain`. */
  type?: string;
  /** Which HTTP client keys the section has: all of them, the TLS ones, none. */
  http?: "all" | "tls" | "none";
  /** What it looks for, in the plural, as in "lists no servers". */
  things: string;
  /** Reads the mechanism's own keys and checks them. */
  parse(settings: Settings): C;
  /** Where it looks, for messages. */
  place(config: C): string;
  /** Connects to this socket whatever the URL's host. */
  socketPath?(config: C): string | undefined;
  /** Called once for each run; the returned function is called at every refresh and may keep state. */
  open(config: C & RefreshBase, session: Session): Lookup;
}

/** A client that only has TLS options, as mechanisms without http_config keys have. */
function plainClient(node: YamlNode | undefined, proxyFromEnvironment: boolean): HttpClientConfig {
  return {
    tls: parseTlsClientConfig(node),
    noProxy: "",
    proxyFromEnvironment,
    proxyHeaders: {},
    followRedirects: true,
    enableHttp2: true,
    headers: [],
  };
}

/** One group of one source. */
export function found(source: string, targets: TargetLabels[], seen: number = targets.length): Found {
  return { groups: [{ source, labels: {}, targets }], seen };
}

export function refreshMechanism<C extends object>(spec: RefreshSpec<C>): Mechanism<C & RefreshBase> {
  const { name, http = "all" } = spec;
  return {
    name,
    parse(node) {
      const settings = new Settings(node);
      const refreshInterval = settings.duration("refresh_interval", spec.refreshInterval ?? 60_000);
      const own = spec.parse(settings);
      const client =
        http === "all"
          ? parseHttpClientConfig(settings.map)
          : // Upstream's default client goes by the environment's proxies, one made for TLS options does not.
            plainClient(http === "tls" ? settings.map.get("tls_config") : undefined, http === "none");
      settings.map.done(spec.type ?? `${name}.plain`);
      return { ...own, refreshInterval, client };
    },
    async run(config, context, signal) {
      const refresh = new Refresh(spec, config, context, signal);
      try {
        await refresh.run();
      } finally {
        await refresh.close();
      }
    },
  };
}

class Refresh<C extends object> {
  readonly #spec: RefreshSpec<C>;
  readonly #config: C & RefreshBase;
  readonly #context: MechanismContext;
  readonly #signal: AbortSignal;
  #sources = new Set<string>();
  #api: Api | undefined;
  #lookup: Lookup | undefined;

  constructor(spec: RefreshSpec<C>, config: C & RefreshBase, context: MechanismContext, signal: AbortSignal) {
    this.#spec = spec;
    this.#config = config;
    this.#context = context;
    this.#signal = signal;
  }

  async run(): Promise<void> {
    const { refreshInterval } = this.#config;
    while (!this.#signal.aborted) {
      const started = performance.now();
      await this.#once();
      const elapsed = performance.now() - started;
      this.#context.refreshed(elapsed / 1000);
      await sleep(Math.max(0, refreshInterval - elapsed), undefined, { signal: this.#signal, ref: false }).catch(
        () => {},
      );
    }
  }

  async close(): Promise<void> {
    await this.#api?.[Symbol.asyncDispose]();
  }

  async #once(): Promise<void> {
    const { name } = this.#spec;
    const { log, update, explain, refreshFailed } = this.#context;
    const place = this.#spec.place(this.#config);
    try {
      // Opened here: files it needs may come later.
      this.#lookup ??= this.#open();
      const { groups, seen } = await this.#lookup();
      const sources = new Set(groups.map(({ source }) => source));
      const gone = [...this.#sources].filter((source) => !sources.has(source));
      this.#sources = sources;
      explain(withoutPasswords(this.#emptiness(groups, seen)));
      update([...groups, ...gone.map((source) => ({ source, labels: {}, targets: [] }))]);
    } catch (error) {
      if (this.#signal.aborted) return;
      refreshFailed();
      const why = withoutPasswords(describeError(error));
      log.error("Unable to refresh target groups", { err: why });
      explain(withoutPasswords(`${name}: cannot ask ${place}: ${why}`));
    }
  }

  #open(): Lookup {
    const { client, refreshInterval } = this.#config;
    const { log, metrics } = this.#context;
    this.#api ??= new Api(client, {
      timeoutMs: refreshInterval,
      signal: this.#signal,
      socketPath: this.#spec.socketPath?.(this.#config),
    });
    return this.#spec.open(this.#config, { api: this.#api, log, metrics, signal: this.#signal });
  }

  #emptiness(groups: readonly TargetGroup[], seen: number): string {
    if (groups.some(({ targets }) => targets.length > 0)) return "";
    const { name, things } = this.#spec;
    const place = this.#spec.place(this.#config);
    return seen === 0
      ? `${name}: ${place} lists no ${things}`
      : `${name}: ${place} lists ${seen} ${things}, none of which is a target`;
  }
}
