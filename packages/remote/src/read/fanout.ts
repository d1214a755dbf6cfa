/** The local storage together with remote read endpoints: theirs fail softly, as upstream's secondary storages do. */
import { createHash } from "node:crypto";
import type { Registry } from "@pharos/kit";
import {
  describeError,
  type Labels,
  Matcher,
  type Querier,
  type Queryable,
  type SelectHints,
  type SeriesList,
  type StoredSeries,
  UserError,
} from "@pharos/model";
import { MergedSeries, mergeByLabels } from "@pharos/tsdb";
import { redactUrl } from "../remote-config.ts";
import { ReadClient, ReadMetrics } from "./client.ts";
import type { RemoteReadConfig } from "./config.ts";

interface Endpoint {
  config: RemoteReadConfig;
  client: ReadClient;
  externalLabels: Labels;
}

export interface FanoutOptions {
  local: Queryable;
  /** Unix ms from which on the local storage has everything. */
  localStart(): number;
  registry: Registry;
  userAgent: string;
}

export class FanoutStorage implements Queryable, AsyncDisposable {
  readonly #options: FanoutOptions;
  readonly #metrics: ReadMetrics;
  #endpoints: Endpoint[] = [];

  constructor(options: FanoutOptions) {
    this.#options = options;
    this.#metrics = new ReadMetrics(options.registry);
  }

  /** Takes other endpoints. Throws a UserError, with nothing changed, when two are the same. */
  apply(configs: readonly RemoteReadConfig[], externalLabels: Labels): void {
    const seen = new Set<string>();
    const endpoints = configs.map((config) => {
      const hash = createHash("md5").update(JSON.stringify(config)).digest("hex");
      if (seen.has(hash)) {
        throw new UserError(
          "remote.config",
          `duplicate remote read configs are not allowed, found duplicate for URL: ${redactUrl(config.url)}`,
        );
      }
      seen.add(hash);
      const name = config.name || hash.slice(0, 6);
      return { config, externalLabels, client: new ReadClient(config, name, this.#metrics, this.#options.userAgent) };
    });
    const old = this.#endpoints;
    this.#endpoints = endpoints;
    for (const { client } of old) void client[Symbol.asyncDispose]();
  }

  /** Whether no endpoint would be asked for samples in this range. */
  isLocal(mint: number, maxt: number): boolean {
    return this.#asked(mint, maxt).length === 0;
  }

  /** The endpoints that have to be asked, and up to where. */
  #asked(mint: number, maxt: number): { endpoint: Endpoint; maxt: number }[] {
    const start = this.#options.localStart();
    return this.#endpoints.flatMap((endpoint) => {
      if (endpoint.config.readRecent) return [{ endpoint, maxt }];
      // What is newer the local storage has by itself.
      return mint > start ? [] : [{ endpoint, maxt: Math.min(maxt, start) }];
    });
  }

  querier(mint: number, maxt: number): Querier {
    const asked = this.#asked(mint, maxt);
    const querier = this.#options.local.querier(mint, maxt);
    return asked.length === 0 ? querier : new FanoutQuerier(querier, asked, mint);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#endpoints.map(({ client }) => client[Symbol.asyncDispose]()));
  }
}

class FanoutQuerier implements Querier {
  readonly #local: Querier;
  readonly #asked: readonly { endpoint: Endpoint; maxt: number }[];
  readonly #mint: number;
  readonly #warnings: string[] = [];

  constructor(local: Querier, asked: readonly { endpoint: Endpoint; maxt: number }[], mint: number) {
    this.#local = local;
    this.#asked = asked;
    this.#mint = mint;
  }

  get warnings(): readonly string[] {
    return [...(this.#local.warnings ?? []), ...this.#warnings];
  }

  async select(matchers: readonly Matcher[], hints?: SelectHints): Promise<SeriesList> {
    const remote = this.#asked.map((asked) => this.#remote(asked, matchers, hints));
    const local = await this.#local.select(matchers, hints);
    const filled = (await Promise.all(remote)).filter((list) => list.length > 0);
    if (filled.length === 0) return local;
    return Array.from(mergeByLabels([local, ...filled]), (parts) =>
      parts.length === 1 ? parts[0] : new MergedSeries(parts),
    );
  }

  async #remote(
    { endpoint, maxt }: { endpoint: Endpoint; maxt: number },
    matchers: readonly Matcher[],
    hints: SelectHints | undefined,
  ): Promise<readonly StoredSeries[]> {
    const { requiredMatchers, filterExternalLabels } = endpoint.config;
    const hasRequired = Object.entries(requiredMatchers).every(([name, value]) =>
      matchers.some((matcher) => matcher.type === "=" && matcher.name === name && matcher.value === value),
    );
    if (!hasRequired) return [];
    const added = filterExternalLabels
      ? [...endpoint.externalLabels].filter(([name]) => !matchers.some((matcher) => matcher.name === name))
      : [];
    const all = [...matchers, ...added.map(([name, value]) => new Matcher("=", name, value))];
    try {
      return await endpoint.client.read(this.#mint, maxt, all, hints, new Set(added.map(([name]) => name)));
    } catch (error) {
      this.#warnings.push(`remote_read: ${describeError(error)}`);
      return [];
    }
  }

  labelNames(matchers: readonly Matcher[], limit?: number): string[] | Promise<string[]> {
    return this.#local.labelNames(matchers, limit);
  }

  labelValues(name: string, matchers: readonly Matcher[], limit?: number): string[] | Promise<string[]> {
    return this.#local.labelValues(name, matchers, limit);
  }

  [Symbol.dispose](): void {
    this.#local[Symbol.dispose]();
  }
}
