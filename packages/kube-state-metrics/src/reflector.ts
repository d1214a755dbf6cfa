/**
 * Keeps a sink in step with a kind of objects by list and watch. Unlike an informer it keeps no object: of each it hands
 * on what `take` makes of it. Lists come in pages and are handed over whole, so that nobody ever sees half of one.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "@pharos/kit";
import { type KubeClient, KubeError, type KubeList, type KubeObject, type ResourceType } from "@pharos/kube/client";
import { describeError } from "@pharos/model";
import type { ListWatchMetrics } from "./self-metrics.ts";

/** Where the values go, by uid. */
export interface Sink<V> {
  replace(values: Map<string, V>): void;
  set(key: string, value: V): void;
  delete(key: string): void;
}

export interface ReflectorOptions<V> {
  client: KubeClient;
  type: ResourceType;
  /** What the kind is called in metrics. */
  goType: string;
  form?: "metadata" | "table";
  /** The column of a table that becomes a field of the object. */
  column?: { name: string; field: string };
  namespace?: string;
  fieldSelector?: string;
  /** Lists may be as old as the API server's cache. */
  useApiServerCache: boolean;
  /** Objects listed at most; 0: all. */
  objectLimit: number;
  /** What is kept of an object; undefined: nothing, as for another shard's. */
  take(object: KubeObject): V | undefined;
  sink: Sink<V>;
  metrics: ListWatchMetrics;
  log: Logger;
}

interface Table {
  columnDefinitions?: { name: string }[];
  rows?: { cells: unknown[]; object?: KubeObject }[];
}

const PAGE = 500;
const MIN_PAUSE_MS = 200;
const MAX_PAUSE_MS = 30_000;
/** The server is asked to end a watch after five to ten minutes, so that watches do not all end together. */
const WATCH_SECONDS = 300;

const keyOf = ({ metadata: { uid, namespace, name } }: KubeObject): string => uid ?? `${namespace ?? ""}/${name ?? ""}`;

export class Reflector<V> {
  readonly #options: ReflectorOptions<V>;
  readonly #signal: AbortSignal;
  /** Ends the present list and watch, not the reflector. */
  #round = new AbortController();
  #columns: readonly string[] = [];
  #lastError = "";
  readonly #synced = Promise.withResolvers<void>();

  /** Begins at once and ends with the signal. */
  constructor(options: ReflectorOptions<V>, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    void this.#run();
  }

  /** Resolves when the sink has had its first list, or the reflector ended. */
  get synced(): Promise<void> {
    return this.#synced.promise;
  }

  /** Lists anew because `take` decides differently from now on. */
  restart(): void {
    this.#round.abort();
  }

  async #run(): Promise<void> {
    let pause = MIN_PAUSE_MS;
    while (!this.#signal.aborted) {
      this.#round = new AbortController();
      const signal = AbortSignal.any([this.#signal, this.#round.signal]);
      try {
        const resourceVersion = await this.#list(signal);
        this.#synced.resolve();
        pause = MIN_PAUSE_MS;
        await this.#follow(resourceVersion, signal);
      } catch (error) {
        if (signal.aborted) continue;
        this.#report(error);
        await this.#sleep(pause, signal);
        pause = Math.min(pause * 2, MAX_PAUSE_MS);
      }
    }
    this.#synced.resolve();
  }

  /** Answers the resource version from which to watch. */
  async #list(signal: AbortSignal): Promise<string> {
    const values = new Map<string, V>();
    const { objectLimit, metrics, goType, sink } = this.#options;
    let resourceVersion: string;
    try {
      resourceVersion = await this.#pages(values, objectLimit || PAGE, signal);
    } catch (error) {
      if (!(error instanceof KubeError) || error.code !== 410) throw error;
      // The pages of this list are no longer kept: ask for it in one piece, as client-go does.
      values.clear();
      resourceVersion = await this.#pages(values, objectLimit || undefined, signal);
    }
    sink.replace(values);
    metrics.listed(goType, values.size, objectLimit);
    this.#lastError = "";
    return resourceVersion;
  }

  async #pages(values: Map<string, V>, limit: number | undefined, signal: AbortSignal): Promise<string> {
    const { client, type, goType, form, namespace, fieldSelector, useApiServerCache, objectLimit } = this.#options;
    let next: string | undefined;
    for (;;) {
      const options = {
        namespace,
        fieldSelector,
        form,
        limit,
        continue: next,
        resourceVersion: useApiServerCache && next === undefined ? "0" : undefined,
      };
      let page: KubeList;
      try {
        page = await client.list(type, options, signal);
        this.#options.metrics.list(goType, "success");
      } catch (error) {
        if (!signal.aborted) this.#options.metrics.list(goType, "error");
        throw error;
      }
      const objects = this.#objects(page as KubeList & Table);
      for (const object of objectLimit > 0 ? objects.slice(0, objectLimit) : objects) {
        const value = this.#take(object);
        if (value !== undefined) values.set(keyOf(object), value);
      }
      next = page.metadata.continue || undefined;
      if (next === undefined || objectLimit > 0) return page.metadata.resourceVersion ?? "";
    }
  }

  /** The objects of a list or of the rows of a table. */
  #objects(answer: Table & { items?: KubeObject[] }): KubeObject[] {
    if (this.#options.form !== "table") return answer.items ?? [];
    // A watch names the columns in its first event only.
    if (answer.columnDefinitions?.length) this.#columns = answer.columnDefinitions.map(({ name }) => name);
    const { column } = this.#options;
    const at = column ? this.#columns.indexOf(column.name) : -1;
    return (answer.rows ?? []).flatMap(({ cells, object }) => {
      if (!object) return [];
      return column && at >= 0 ? [{ ...object, [column.field]: cells[at] }] : [object];
    });
  }

  /** Watches again and again, as long as the resource version is good. */
  async #follow(from: string, signal: AbortSignal): Promise<void> {
    const { client, type, goType, form, namespace, fieldSelector, metrics } = this.#options;
    let resourceVersion = from;
    let pause = MIN_PAUSE_MS;
    for (;;) {
      let open = false;
      const options = {
        namespace,
        fieldSelector,
        form,
        resourceVersion,
        allowWatchBookmarks: true,
        timeoutSeconds: Math.ceil(WATCH_SECONDS * (1 + Math.random())),
        onOpen: () => {
          open = true;
          metrics.watch(goType, "success");
        },
      };
      const started = performance.now();
      try {
        for await (const { type: kind, object } of client.watch(type, options, signal)) {
          if (kind === "ERROR")
            throw new KubeError(object.code ?? 500, object.reason ?? "", object.message ?? "watch failed");
          const objects = form === "table" && kind !== "BOOKMARK" ? this.#objects(object as Table) : [object];
          resourceVersion = versionOf(object) ?? objects[0]?.metadata?.resourceVersion ?? resourceVersion;
          if (kind !== "BOOKMARK") for (const changed of objects) this.#change(changed, kind === "DELETED");
        }
        pause = MIN_PAUSE_MS;
      } catch (error) {
        if (signal.aborted) throw error;
        if (!open) metrics.watch(goType, "error");
        if (error instanceof KubeError) throw error;
        // The connection broke, not the watch: what is missed meanwhile comes with the next one.
        this.#report(error);
        await this.#sleep(pause, signal);
        pause = Math.min(pause * 2, MAX_PAUSE_MS);
        continue;
      }
      // A server that ends every watch at once must not be asked in a loop.
      if (performance.now() - started < 1000) await this.#sleep(1000, signal);
    }
  }

  /** One object that cannot be read must not cost all the others. */
  #take(object: KubeObject): V | undefined {
    try {
      return this.#options.take(object);
    } catch (error) {
      const { log, type } = this.#options;
      log.error("cannot use an object", { resource: type.plural, object: keyOf(object), err: describeError(error) });
      return undefined;
    }
  }

  #change(object: KubeObject, deleted: boolean): void {
    const { sink } = this.#options;
    const value = deleted ? undefined : this.#take(object);
    if (value === undefined) sink.delete(keyOf(object));
    else sink.set(keyOf(object), value);
  }

  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    await sleep(ms * (0.5 + Math.random()), undefined, { signal, ref: false }).catch(() => {});
  }

  /** What is the same as before is told once. */
  #report(error: unknown): void {
    const expired = error instanceof KubeError && error.code === 410;
    const text = describeError(error);
    const { log, type, namespace } = this.#options;
    const fields = { resource: type.plural, group: type.group, namespace, err: text };
    if (expired || text === this.#lastError) log.debug("listing anew", fields);
    else log.error("cannot list or watch", fields);
    this.#lastError = text;
  }
}

/** A table that is a bookmark has its version in its row. */
function versionOf(object: KubeObject & Table): string | undefined {
  return object.metadata?.resourceVersion || object.rows?.[0]?.object?.metadata.resourceVersion || undefined;
}
