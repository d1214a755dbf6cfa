/**
 * The Kubernetes API as a board. Each replica has a Lease, which says that it lives and where it answers, and a ConfigMap with its
 * silences and its notification log. Why so, and what it costs the API server: docs/decisions/0007.
 *
 *   Lease      spec.holderIdentity name · spec.renewTime · annotation pharos.dev/address
 *   ConfigMap  binaryData.sil, .nfl · annotations pharos.dev/replica, pharos.dev/written
 */
import type { Logger } from "@pharos/kit";
import {
  type KubeClient,
  type KubeObject,
  type ResourceType,
  type WatchHandlers,
  watchResources,
} from "@pharos/kube/client";
import { describeError } from "@pharos/model";
import type { Board, BoardMember, BoardOwner } from "./board.ts";
import { packEntries, unpackEntries } from "./board-state.ts";

export interface KubeBoardOptions {
  client: KubeClient;
  namespace: string;
  /** Replicas of the same name in the same namespace belong together; part of the objects' names. */
  cluster: string;
  log: Logger;
  /** Unix ms. */
  now: () => number;
  /** ms between two signs of life; who has given none for four times as long is gone. */
  heartbeat?: number;
  /** ms between a change and its being written, at least. */
  delay?: number;
  /** ms after which what a replica left behind is taken away. */
  forget?: number;
}

const LEASES: ResourceType = { group: "coordination.k8s.io", version: "v1", plural: "leases", namespaced: true };
const CONFIG_MAPS: ResourceType = { group: "", version: "v1", plural: "configmaps", namespaced: true };
const LABEL = "pharos.dev/alertmanager-cluster";
const ADDRESS = "pharos.dev/address";
const REPLICA = "pharos.dev/replica";
const WRITTEN = "pharos.dev/written";
const FIELD_MANAGER = "pharos-alertmanager";

const MAX_NAME = 253;
const HEARTBEAT_MS = 5_000;
const MISSED = 4;
const DELAY_MS = 1_000;
/** An object may have 1 MiB, in JSON a third more than that. */
const MAX_BYTES = 512 * 1024;
const SILENCES_SHARE = 0.75;
/** What a replica may write on average: large states are written less often. */
const BYTES_PER_SECOND = 32 * 1024;
const REWRITE_MS = 3_600_000;
/** What a replica left behind is taken away when it has been gone for so long, and another one has it. */
const FORGET_MS = 3_600_000;
const CHECKS_UNTIL_FORGOTTEN = 12;
const REQUEST_MS = 10_000;

interface Lease extends KubeObject {
  spec: { holderIdentity?: string; renewTime?: string; leaseDurationSeconds?: number };
}

interface StateMap extends KubeObject {
  binaryData?: Record<string, string>;
}

interface Seen extends BoardMember {
  object: string;
  renewTime: string;
  /** By this machine's steady clock, so that clocks that differ do no harm. */
  at: number;
}

function objectName(cluster: string, replica: string): string {
  const part = replica.toLowerCase().replace(/[^a-z0-9-]+/g, "-");
  return `pharos-am-${cluster}-${part}`.slice(0, MAX_NAME).replace(/-+$/, "");
}

export class KubeBoard implements Board {
  readonly #options: KubeBoardOptions;
  readonly #heartbeat: number;
  readonly #delay: number;
  readonly #forgetAfter: number;
  readonly #stop = new AbortController();
  readonly #leases = new Map<string, Seen>();
  /** Unix ms of the last writing, by name of the ConfigMap. */
  readonly #written = new Map<string, number>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #owner: BoardOwner | undefined;
  #object = "";
  #writeTimer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  /** performance.now() before which nothing is written. */
  #nextWrite = 0;
  #lastWrite = 0;
  #left = 0;
  #failing = false;

  constructor(options: KubeBoardOptions) {
    this.#options = options;
    this.#heartbeat = options.heartbeat ?? HEARTBEAT_MS;
    this.#delay = options.delay ?? DELAY_MS;
    this.#forgetAfter = options.forget ?? FORGET_MS;
  }

  async open(owner: BoardOwner): Promise<void> {
    const { client, namespace, cluster } = this.#options;
    this.#owner = owner;
    this.#object = objectName(cluster, owner.name);
    void this.#beat();
    this.#repeat(this.#heartbeat, () => this.#beat());
    this.#repeat(Math.max(this.#heartbeat, this.#forgetAfter / CHECKS_UNTIL_FORGOTTEN), () => this.#forget());
    const follow = (type: ResourceType, put: (object: KubeObject) => void, gone: (object: KubeObject) => void) =>
      new Promise<void>((resolve) => {
        const handlers: WatchHandlers = {
          onSync: (objects) => {
            for (const object of objects) put(object);
            resolve();
          },
          onAdd: put,
          onUpdate: put,
          onDelete: gone,
          onError: (error) => this.#failed("cannot be followed", error),
        };
        const target = { ...type, namespace, labelSelector: `${LABEL}=${cluster}` };
        watchResources(client, target, handlers, this.#stop.signal);
      });
    await Promise.all([
      follow(
        LEASES,
        (object) => this.#sawLease(object as Lease),
        ({ metadata }) => this.#leases.delete(metadata.name ?? ""),
      ),
      follow(
        CONFIG_MAPS,
        (object) => this.#sawState(object as StateMap),
        ({ metadata }) => this.#written.delete(metadata.name ?? ""),
      ),
    ]);
    this.changed();
  }

  #repeat(ms: number, run: () => Promise<void>): void {
    this.#timers.add(setInterval(() => void run(), ms).unref());
  }

  #sawLease({ metadata, spec }: Lease): void {
    const object = metadata.name ?? "";
    const { holderIdentity: name = "", renewTime = "" } = spec ?? {};
    const address = metadata.annotations?.[ADDRESS] ?? "";
    if (name === "" || address === "") return;
    const known = this.#leases.get(object);
    if (known?.renewTime === renewTime) return;
    // One that is seen for the first time may have been left behind long ago.
    const isOld = !known && this.#options.now() - Date.parse(renewTime) > 2 * MISSED * this.#heartbeat;
    const at = isOld ? Number.NEGATIVE_INFINITY : performance.now();
    this.#leases.set(object, { object, name, address, renewTime, at });
  }

  #sawState({ metadata, binaryData = {} }: StateMap): void {
    const written = Date.parse(metadata.annotations?.[WRITTEN] ?? "");
    this.#written.set(metadata.name ?? "", Number.isNaN(written) ? 0 : written);
    const state = new Map<string, Uint8Array[]>();
    for (const [key, text] of Object.entries(binaryData)) {
      try {
        state.set(key, unpackEntries(Buffer.from(text, "base64")));
      } catch (error) {
        this.#options.log.warn("what another replica left in the Kubernetes API cannot be read", {
          object: metadata.name, key, err: describeError(error),
        }); // biome-ignore format: a table
      }
    }
    // Its own of an earlier life, too: the disk may be a new one.
    this.#owner?.hear(state);
  }

  members(): BoardMember[] {
    const since = performance.now() - MISSED * this.#heartbeat;
    return [...this.#leases.values()].filter(({ at, object }) => at >= since && object !== this.#object);
  }

  async #beat(): Promise<void> {
    const { client, namespace, cluster, now } = this.#options;
    const owner = this.#owner;
    if (!owner || this.#stop.signal.aborted) return;
    const lease: Lease = {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: {
        name: this.#object,
        namespace,
        labels: { [LABEL]: cluster },
        annotations: { [ADDRESS]: owner.address },
      },
      spec: {
        holderIdentity: owner.name,
        // Kubernetes' MicroTime.
        renewTime: new Date(now()).toISOString().replace("Z", "000Z"),
        leaseDurationSeconds: Math.ceil((MISSED * this.#heartbeat) / 1000),
      },
    };
    try {
      await client.apply(LEASES, lease, { fieldManager: FIELD_MANAGER, force: true }, this.#signal());
      this.#works();
    } catch (error) {
      this.#failed("does not take the sign of life", error);
    }
    if (performance.now() - this.#lastWrite > REWRITE_MS) this.changed();
  }

  changed(): void {
    if (!this.#owner || this.#writeTimer || this.#stop.signal.aborted) return;
    const wait = Math.max(this.#delay, this.#nextWrite - performance.now());
    this.#writeTimer = setTimeout(() => {
      this.#writeTimer = undefined;
      this.#writing = this.#writing.then(() => this.#write(this.#signal()));
    }, wait).unref();
  }

  async #write(signal: AbortSignal): Promise<void> {
    const { client, namespace, cluster, log, now } = this.#options;
    const owner = this.#owner;
    if (!owner) return;
    const binaryData: Record<string, string> = {};
    let size = 0;
    let left = 0;
    for (const [key, entries] of owner.ranked()) {
      const limit = key === "sil" ? MAX_BYTES * SILENCES_SHARE : MAX_BYTES - size;
      const packed = packEntries(entries, limit);
      binaryData[key] = packed.data.toString("base64");
      size += packed.data.length;
      left += packed.left;
    }
    if (left > 0 && this.#left === 0)
      log.warn("not everything has room in the Kubernetes API; other replicas hear the rest directly", {
        entries: left,
      });
    this.#left = left;
    const map: StateMap = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: {
        name: this.#object,
        namespace,
        labels: { [LABEL]: cluster },
        annotations: { [REPLICA]: owner.name, [WRITTEN]: new Date(now()).toISOString() },
      },
      binaryData,
    };
    this.#nextWrite = performance.now() + (size / BYTES_PER_SECOND) * 1000;
    try {
      await client.apply(CONFIG_MAPS, map, { fieldManager: FIELD_MANAGER, force: true }, signal);
      this.#lastWrite = performance.now();
      this.#works();
    } catch (error) {
      this.#failed("does not take the state", error);
      this.#nextWrite = performance.now() + this.#heartbeat;
      this.changed();
    }
  }

  /** Takes away what replicas left that are gone for good: their state is in this one's, too. */
  async #forget(): Promise<void> {
    const { client, namespace, cluster, log, now } = this.#options;
    const before = now() - this.#forgetAfter;
    const living = new Set(this.members().map(({ name }) => objectName(cluster, name)));
    const isGone = (object: string, ms: number): boolean =>
      object !== this.#object && !living.has(object) && ms < before && this.#lastWrite > 0;
    const leases = [...this.#leases.values()].filter(({ object, renewTime }) => isGone(object, Date.parse(renewTime)));
    const maps = [...this.#written].filter(([object, ms]) => isGone(object, ms));
    try {
      for (const { object: name } of leases) await client.delete(LEASES, { namespace, name }, this.#signal());
      for (const [name] of maps) await client.delete(CONFIG_MAPS, { namespace, name }, this.#signal());
    } catch (error) {
      log.warn("what a replica left in the Kubernetes API cannot be taken away", { err: describeError(error) });
    }
  }

  #signal(): AbortSignal {
    return AbortSignal.any([this.#stop.signal, AbortSignal.timeout(REQUEST_MS)]);
  }

  #failed(what: string, error: unknown): void {
    if (this.#stop.signal.aborted) return;
    if (!this.#failing) this.#options.log.warn(`the Kubernetes API ${what}`, { err: describeError(error) });
    this.#failing = true;
  }

  #works(): void {
    if (this.#failing) this.#options.log.info("the Kubernetes API answers again");
    this.#failing = false;
  }

  /** Leaves its state behind, and takes its sign of life away. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { client, namespace } = this.#options;
    clearTimeout(this.#writeTimer);
    for (const timer of this.#timers) clearInterval(timer);
    if (this.#owner) {
      const signal = AbortSignal.timeout(REQUEST_MS / 5);
      await this.#writing;
      await this.#write(signal);
      clearTimeout(this.#writeTimer);
      await client.delete(LEASES, { namespace, name: this.#object }, signal).catch(() => {});
    }
    this.#stop.abort();
    await client[Symbol.asyncDispose]();
  }
}
