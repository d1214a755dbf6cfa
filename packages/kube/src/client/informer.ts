/**
 * List and watch: handlers see every object once at the start and every change from then on. Connections that end are
 * continued from the last resource version; a version too old (410) or an error means listing again, after a pause.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type KubeObject, objectKey, type ResourceType } from "../types.ts";
import { type KubeClient, KubeError, type KubeList } from "./client.ts";

export interface WatchHandlers {
  /** Every object there is, after each listing; then no `onAdd` for them. Without it they come by onAdd, onUpdate, onDelete. */
  onSync?(objects: KubeObject[]): void;
  onAdd(object: KubeObject): void;
  onUpdate(object: KubeObject): void;
  onDelete(object: KubeObject): void;
  /** Anything that went wrong; it is tried again anyway. */
  onError(error: unknown): void;
}

export interface WatchTarget extends ResourceType {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** Lists anew after this time, so that nothing missed stays missed; absent: only when the server demands it. */
  resyncMs?: number;
}

const PAGE = 500;
const MIN_PAUSE_MS = 200;
const MAX_PAUSE_MS = 30_000;
/** The server is asked to end a watch after five to ten minutes, so that watches do not all end together. */
const WATCH_SECONDS = 300;

/** All pages. A list whose later pages have expired is asked for once more in one piece, as client-go does. */
async function listAll(client: KubeClient, target: WatchTarget, signal: AbortSignal) {
  try {
    return await listPages(client, target, PAGE, signal);
  } catch (error) {
    if (!(error instanceof KubeError) || error.code !== 410) throw error;
    return listPages(client, target, undefined, signal);
  }
}

async function listPages(client: KubeClient, target: WatchTarget, limit: number | undefined, signal: AbortSignal) {
  const { namespace, labelSelector, fieldSelector } = target;
  const objects: KubeObject[] = [];
  let next: string | undefined;
  let resourceVersion = "";
  do {
    const page: KubeList = await client.list(
      target,
      { namespace, labelSelector, fieldSelector, limit, continue: next },
      signal,
    );
    objects.push(...page.items);
    next = page.metadata.continue || undefined;
    resourceVersion = page.metadata.resourceVersion ?? "";
  } while (next);
  return { objects, resourceVersion };
}

class Informer {
  readonly #client: KubeClient;
  readonly #target: WatchTarget;
  readonly #handlers: WatchHandlers;
  readonly #signal: AbortSignal;
  /** Last seen versions, to tell additions from updates and to find what vanished between two listings. */
  readonly #known = new Map<string, KubeObject>();

  constructor(client: KubeClient, target: WatchTarget, handlers: WatchHandlers, signal: AbortSignal) {
    this.#client = client;
    this.#target = target;
    this.#handlers = handlers;
    this.#signal = signal;
  }

  async run(): Promise<void> {
    let pause = MIN_PAUSE_MS;
    while (!this.#signal.aborted) {
      try {
        const { objects, resourceVersion } = await listAll(this.#client, this.#target, this.#signal);
        this.#sync(objects);
        pause = MIN_PAUSE_MS;
        await this.#follow(resourceVersion);
      } catch (error) {
        if (this.#signal.aborted) return;
        const expired = error instanceof KubeError && error.code === 410;
        if (!expired) this.#handlers.onError(error);
        await sleep(pause * (0.5 + Math.random()), undefined, { signal: this.#signal, ref: false }).catch(() => {});
        pause = Math.min(pause * 2, MAX_PAUSE_MS);
      }
    }
  }

  #sync(objects: KubeObject[]): void {
    const { onSync, onAdd, onUpdate, onDelete } = this.#handlers;
    if (onSync) {
      this.#known.clear();
      for (const object of objects) this.#known.set(objectKey(object), object);
      onSync.call(this.#handlers, objects);
      return;
    }
    const present = new Set(objects.map(objectKey));
    for (const [key, object] of this.#known) {
      if (present.has(key)) continue;
      this.#known.delete(key);
      onDelete.call(this.#handlers, object);
    }
    for (const object of objects) {
      const old = this.#known.get(objectKey(object));
      this.#known.set(objectKey(object), object);
      if (!old) onAdd.call(this.#handlers, object);
      else if (old.metadata.resourceVersion !== object.metadata.resourceVersion) onUpdate.call(this.#handlers, object);
    }
  }

  /** Watches, again and again, as long as the resource version is good and it is not time to list anew. */
  async #follow(resourceVersion: string): Promise<void> {
    const { namespace, labelSelector, fieldSelector, resyncMs = Number.POSITIVE_INFINITY } = this.#target;
    const until = performance.now() + resyncMs;
    for (;;) {
      const left = (until - performance.now()) / 1000;
      if (left <= 0) return;
      const timeoutSeconds = Math.ceil(Math.min(left, WATCH_SECONDS * (1 + Math.random())));
      const options = {
        namespace,
        labelSelector,
        fieldSelector,
        resourceVersion,
        allowWatchBookmarks: true,
        timeoutSeconds,
      };
      const started = performance.now();
      for await (const { type, object } of this.#client.watch(this.#target, options, this.#signal)) {
        if (type === "ERROR")
          throw new KubeError(object.code ?? 500, object.reason ?? "", object.message ?? "watch failed");
        resourceVersion = object.metadata.resourceVersion ?? resourceVersion;
        const key = objectKey(object);
        if (type === "DELETED") {
          this.#known.delete(key);
          this.#handlers.onDelete(object);
        } else if (type !== "BOOKMARK") {
          const known = this.#known.has(key);
          this.#known.set(key, object);
          if (known) this.#handlers.onUpdate(object);
          else this.#handlers.onAdd(object);
        }
      }
      // A server that ends every watch at once must not be asked in a loop.
      if (performance.now() - started < 1000) await sleep(1000, undefined, { signal: this.#signal, ref: false });
    }
  }
}

/** Starts following a kind; ends with the signal. */
export function watchResources(
  client: KubeClient,
  target: WatchTarget,
  handlers: WatchHandlers,
  signal: AbortSignal,
): void {
  void new Informer(client, target, handlers, signal).run();
}
