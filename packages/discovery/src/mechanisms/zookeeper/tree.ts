/** Follows all nodes below some paths of a ZooKeeper ensemble, through reconnections. */
import { setTimeout as sleep } from "node:timers/promises";
import { ZooKeeperSession } from "./client.ts";

/** Before the next server is tried. */
const RECONNECT_MS = 1_000;
/** After all servers were tried. */
const RETRY_MS = 10_000;

export interface TreeEvents {
  /** Nodes that are new, changed (data) or gone (undefined). */
  changed(nodes: ReadonlyMap<string, Buffer | undefined>): void;
  /** The tree is known; paths that are not there. */
  synced(missing: readonly string[]): void;
  failed(server: string, error: unknown): void;
}

export interface TreeConfig {
  servers: readonly string[];
  paths: readonly string[];
  /** Of a session, ms. */
  timeoutMs: number;
}

const childOf = (path: string, name: string): string => (path === "/" ? `/${name}` : `${path}/${name}`);

export class ZooKeeperTree {
  readonly #config: TreeConfig;
  readonly #events: TreeEvents;
  readonly #signal: AbortSignal;
  /** What was told. */
  readonly #known = new Map<string, Buffer>();

  constructor(config: TreeConfig, events: TreeEvents, signal: AbortSignal) {
    this.#config = config;
    this.#events = events;
    this.#signal = signal;
  }

  async run(): Promise<void> {
    const servers = [...this.#config.servers];
    for (let tries = 0; !this.#signal.aborted; tries++) {
      // Clients start with different servers.
      if (tries % servers.length === 0) servers.sort(() => Math.random() - 0.5);
      const server = servers[tries % servers.length];
      try {
        await this.#follow(server);
      } catch (error) {
        if (this.#signal.aborted) return;
        this.#events.failed(server, error);
      }
      const pause = tries % servers.length === servers.length - 1 ? RETRY_MS : RECONNECT_MS;
      await sleep(pause, undefined, { signal: this.#signal, ref: false }).catch(() => {});
    }
  }

  /** Follows until the session ends, which throws its reason. */
  async #follow(server: string): Promise<void> {
    const { paths, timeoutMs } = this.#config;
    /** Paths to read again; an event may come before what it tells of was used. */
    let dirty = new Set<string>();
    let wake = (): void => {};
    const onEvent = (path: string): void => {
      dirty.add(path);
      wake();
    };
    using session = await ZooKeeperSession.open(server, timeoutMs, onEvent, this.#signal);
    const ended = session.ended.then((reason) => {
      throw reason;
    });
    // Whoever waits for something below sees it.
    ended.catch(() => {});
    const aborted = new Promise<void>((resolve) => {
      this.#signal.addEventListener("abort", () => resolve(), { once: true });
    });
    const found = new Map<string, Buffer>();
    const missing = new Set<string>();
    for (const path of paths) await this.#read(session, path, found, missing);
    this.#tell(found);
    this.#events.synced([...missing]);
    while (!this.#signal.aborted) {
      const more = new Promise<void>((resolve) => {
        wake = resolve;
      });
      if (dirty.size === 0) await Promise.race([more, ended, aborted]);
      const changed = dirty;
      dirty = new Set();
      for (const path of changed) await this.#read(session, path, found, missing);
      this.#tell(found);
      this.#events.synced([...missing]);
    }
  }

  /** Reads a node, and what is below it and not known: what is known has its own watches. */
  async #read(session: ZooKeeperSession, path: string, into: Map<string, Buffer>, missing: Set<string>): Promise<void> {
    const data = await session.data(path);
    const names = data && (await session.children(path));
    const isRoot = this.#config.paths.includes(path);
    if (isRoot) missing.delete(path);
    if (!data || !names) {
      forget(into, path);
      if (!isRoot) return;
      missing.add(path);
      // It may have come in between.
      if (await session.exists(path)) await this.#read(session, path, into, missing);
      return;
    }
    into.set(path, data);
    const children = new Set(names.map((name) => childOf(path, name)));
    for (const known of childrenIn(into, path)) if (!children.has(known)) forget(into, known);
    const fresh = [...children].filter((child) => !into.has(child));
    await Promise.all(fresh.map((child) => this.#read(session, child, into, missing)));
  }

  /** Tells the differences to what was told before. */
  #tell(found: ReadonlyMap<string, Buffer>): void {
    const changes = new Map<string, Buffer | undefined>();
    for (const path of this.#known.keys()) if (!found.has(path)) changes.set(path, undefined);
    for (const [path, data] of found) {
      const before = this.#known.get(path);
      if (!before?.equals(data)) changes.set(path, data);
    }
    for (const [path, data] of changes) {
      if (data) this.#known.set(path, data);
      else this.#known.delete(path);
    }
    this.#events.changed(changes);
  }
}

/** Takes away a node and all below it. */
function forget(nodes: Map<string, Buffer>, path: string): void {
  const below = childOf(path, "");
  for (const known of nodes.keys()) if (known === path || known.startsWith(below)) nodes.delete(known);
}

function childrenIn(nodes: ReadonlyMap<string, Buffer>, path: string): string[] {
  const below = childOf(path, "");
  return [...nodes.keys()].filter(
    (known) => known !== path && known.startsWith(below) && !known.includes("/", below.length),
  );
}
