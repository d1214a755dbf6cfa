/**
 * Replicas that share silences and the notification log. Each tells all others what changed, at once; every minute two compare all
 * they have. Who does not answer counts as gone until it does. Before a group is told, a replica waits for those whose names sort
 * before its own, and looks into the log again: in a partition both sides speak, nobody is silent.
 */
import { randomBytes } from "node:crypto";
import { lookup } from "node:dns/promises";
import { networkInterfaces } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "@pharos/kit";
import { describeError } from "@pharos/model";
import type { ClusterStatus } from "../api/context.ts";
import type { Peers } from "../pipeline.ts";
import type { Board } from "./board.ts";
import type { Envelope } from "./messages.ts";
import type { ClusterFacts } from "./metrics.ts";
import type { ClusterTls } from "./tls.ts";
import { Transport } from "./transport.ts";

/** State that is shared, as silences and the notification log are. */
export interface SharedStore {
  broadcast: (entry: Uint8Array) => void;
  /** True when it was news; throws when it is no entry. */
  merge(entry: Uint8Array): boolean;
  encoded(): Uint8Array[];
  /** The same, the most important first. */
  ranked(): Uint8Array[];
}

export interface ClusterOptions {
  listen: { host: string; port: number };
  /** host:port as others reach it; found out without it. */
  advertise?: string;
  /** Unique among replicas; made up without it. */
  name?: string;
  /** host:port of others; a name may stand for many. */
  peers: readonly string[];
  /** Only replicas of the same label talk to each other. */
  label?: string;
  tls?: ClusterTls;
  /** Another way to the others; the cluster closes it. */
  board?: Board;
  /** All in ms. */
  peerTimeout: number;
  gossipInterval: number;
  pushPullInterval: number;
  probeInterval: number;
  probeTimeout: number;
  tcpTimeout: number;
  settleTimeout: number;
  reconnectInterval: number;
  reconnectTimeout: number;
  stores: Readonly<Record<string, { store: SharedStore; propagated: () => void }>>;
  log: Logger;
  now: () => number;
}

interface Member {
  name: string;
  address: string;
  alive: boolean;
  /** Probes in a row without an answer. */
  misses: number;
  /** Unix ms. */
  lastSeen: number;
  nextTry: number;
}

/** Probes without an answer after which a member is gone. */
const MAX_MISSES = 3;
/** Polls in a row that must see as many members as the one before. */
const SETTLED_POLLS = 3;
const POLL_PER_GOSSIP = 10;
const DNS_REFRESH_MS = 15_000;

function ownAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses.find(({ internal, family }) => !internal && family === "IPv4")?.address ?? "127.0.0.1";
}

function hostPort(host: string, port: number | string): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

export class Cluster implements Peers, AsyncDisposable {
  readonly #options: ClusterOptions;
  readonly #transport: Transport;
  readonly name: string;
  #address = "";
  /** By name; without this one. */
  readonly #members = new Map<string, Member>();
  /** Addresses that belong to this one, under whatever name it was given. */
  readonly #ownAddresses = new Set<string>();
  /** Entries to tell, by key. */
  #queue = new Map<string, Uint8Array[]>();
  readonly #stop = new AbortController();
  readonly #loops: Promise<void>[] = [];
  readonly #counts = {
    joined: 0,
    left: 0,
    reconnected: 0,
    reconnectionsFailed: 0,
    sent: { full_state: 0, update: 0 },
    received: { full_state: 0, update: 0 },
  };
  #settled = false;
  #settling: Promise<void> = Promise.resolve();

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.name = options.name ?? randomBytes(13).toString("hex").toUpperCase();
    this.#transport = new Transport(options.tls, (envelope) => this.#answer(envelope));
    for (const [key, { store }] of Object.entries(options.stores))
      store.broadcast = (entry) => this.#enqueue(key, entry);
  }

  async listen(): Promise<void> {
    const { listen, advertise, log, gossipInterval, pushPullInterval, probeInterval } = this.#options;
    const port = await this.#transport.listen(listen.host, listen.port);
    const isAny = listen.host === "0.0.0.0" || listen.host === "::" || listen.host === "";
    this.#address = advertise ?? hostPort(isAny ? ownAddress() : listen.host, port);
    log.info("cluster listens", { address: this.#address, name: this.name });
    const joining = Promise.all([this.#join(), this.#openBoard()]).then(() => {});
    this.#settling = joining.then(() => this.#settle());
    this.#settling.catch(() => {});
    this.#loops.push(
      joining,
      this.#every(gossipInterval, () => this.#gossip()),
      this.#every(probeInterval, () => this.#probe()),
      this.#every(pushPullInterval, () => this.#pushPull()),
      this.#every(Math.min(DNS_REFRESH_MS, this.#options.reconnectInterval), () => this.#join()),
    );
  }

  /** Waits for what is on the board, but not longer than for the others. */
  async #openBoard(): Promise<void> {
    const { board, stores, settleTimeout, log } = this.#options;
    if (!board) return;
    const stopped = new AbortController();
    const late = sleep(settleTimeout, "late", {
      signal: AbortSignal.any([this.#stop.signal, stopped.signal]),
      ref: false,
    });
    const opened = board.open({
      name: this.name,
      address: this.#address,
      ranked: () => new Map(Object.entries(stores).map(([key, { store }]) => [key, store.ranked()])),
      hear: (state) => this.#merge(state),
    });
    const first = await Promise.race([opened, late.catch(() => undefined)]);
    stopped.abort();
    await this.#join();
    if (first === "late") log.warn("what the other replicas left cannot be read; proceeding without");
  }

  /** Runs again and again, never twice at once, until the end. */
  async #every(ms: number, run: () => Promise<void>): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await sleep(ms, undefined, { signal, ref: false }).catch(() => {});
      if (!signal.aborted)
        await run().catch((error) => this.#options.log.error("cluster", { err: describeError(error) }));
    }
  }

  #alive(): Member[] {
    return [...this.#members.values()].filter(({ alive }) => alive);
  }

  #envelope(state = new Map<string, Uint8Array[]>(), leaving = false): Envelope {
    const members = [
      ...this.#alive().map(({ name, address }) => ({ name, address })),
      { name: this.name, address: this.#address },
    ];
    return { name: this.name, address: this.#address, label: this.#options.label ?? "", members, state, leaving };
  }

  #fullState(): Map<string, Uint8Array[]> {
    return new Map(Object.entries(this.#options.stores).map(([key, { store }]) => [key, store.encoded()]));
  }

  /** Another replica speaks to this one. */
  #answer(envelope: Envelope): Envelope {
    if (envelope.label !== (this.#options.label ?? "")) throw new Error("another cluster's label");
    this.#count("received", envelope);
    this.#hear(envelope);
    // Who sends all it has, gets all there is.
    return this.#envelope(
      envelope.state.size >= Object.keys(this.#options.stores).length ? this.#fullState() : new Map(),
    );
  }

  /** Probes carry no state and do not count. */
  #count(direction: "sent" | "received", { state }: Envelope): void {
    if (state.size === 0) return;
    const isFull = state.size >= Object.keys(this.#options.stores).length;
    this.#counts[direction][isFull ? "full_state" : "update"]++;
  }

  #hear({ name, address, members, state, leaving }: Envelope): void {
    if (name === this.name) {
      this.#ownAddresses.add(address);
      return;
    }
    const known = this.#members.get(name);
    if (leaving) {
      if (known?.alive) {
        this.#counts.left++;
        this.#options.log.info("cluster member left", { peer: name });
      }
      this.#members.delete(name);
      return;
    }
    const now = this.#options.now();
    if (!known?.alive) {
      this.#counts.joined++;
      this.#options.log.info("cluster member joined", { peer: name, address });
    }
    // A replica that was restarted has another name: its old one is gone.
    for (const [other, member] of this.#members)
      if (other !== name && member.address === address) this.#members.delete(other);
    this.#members.set(name, { name, address, alive: true, misses: 0, lastSeen: now, nextTry: 0 });
    for (const other of members) {
      if (other.name === this.name || this.#members.has(other.name) || other.address === this.#address) continue;
      // Hearsay: it counts when it has answered.
      this.#members.set(other.name, { ...other, alive: false, misses: 0, lastSeen: now, nextTry: 0 });
    }
    this.#merge(state);
  }

  #merge(state: ReadonlyMap<string, readonly Uint8Array[]>): void {
    for (const [key, entries] of state) {
      const shared = this.#options.stores[key];
      if (!shared) continue;
      for (const entry of entries) {
        try {
          if (!shared.store.merge(entry)) continue;
          // Others may not reach who told us.
          shared.propagated();
          this.#enqueue(key, entry);
        } catch (error) {
          this.#options.log.warn("an entry of another replica cannot be read", { key, err: describeError(error) });
        }
      }
    }
  }

  #enqueue(key: string, entry: Uint8Array): void {
    const list = this.#queue.get(key);
    if (list) list.push(entry);
    else this.#queue.set(key, [entry]);
    this.#options.board?.changed();
  }

  async #talk(address: string, envelope: Envelope, timeout: number): Promise<boolean> {
    this.#count("sent", envelope);
    try {
      const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(timeout)]);
      this.#hear(await this.#transport.exchange(address, envelope, signal));
      return true;
    } catch (error) {
      this.#options.log.debug("cluster peer does not answer", { address, err: describeError(error) });
      return false;
    }
  }

  /** Addresses behind the given names. */
  async #resolve(): Promise<string[]> {
    const found = new Set<string>();
    for (const peer of this.#options.peers) {
      const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(peer);
      if (!match) continue;
      const host = match[1] ?? match[2];
      try {
        for (const { address } of await lookup(host, { all: true })) found.add(hostPort(address, match[3]));
      } catch (error) {
        this.#options.log.debug("cluster peer has no address", { peer, err: describeError(error) });
      }
    }
    for (const { address } of this.#options.board?.members() ?? []) found.add(address);
    found.delete(this.#address);
    return [...found].filter((address) => !this.#ownAddresses.has(address));
  }

  /** Exchanges everything with the given peers that are not members yet. */
  async #join(): Promise<void> {
    const { tcpTimeout } = this.#options;
    const members = new Set(this.#alive().map(({ address }) => address));
    const missing = (await this.#resolve()).filter((address) => !members.has(address));
    await Promise.all(missing.map((address) => this.#talk(address, this.#envelope(this.#fullState()), tcpTimeout)));
  }

  async #gossip(): Promise<void> {
    if (this.#queue.size === 0) return;
    const state = this.#queue;
    this.#queue = new Map();
    const { tcpTimeout } = this.#options;
    await Promise.all(
      this.#alive().map(async (member) => {
        // A partial state asks for nothing in return, even where it holds all keys.
        for (const [key, entries] of state)
          await this.#talk(member.address, this.#envelope(new Map([[key, entries]])), tcpTimeout);
      }),
    );
  }

  async #probe(): Promise<void> {
    const { probeTimeout, reconnectInterval, reconnectTimeout, now, log, tcpTimeout } = this.#options;
    await Promise.all(
      [...this.#members.values()].map(async (member) => {
        if (!member.alive) {
          if (member.nextTry > now()) return;
          member.nextTry = now() + reconnectInterval;
          if (await this.#talk(member.address, this.#envelope(this.#fullState()), tcpTimeout)) {
            this.#counts.reconnected++;
            return;
          }
          this.#counts.reconnectionsFailed++;
          if (now() - member.lastSeen > reconnectTimeout) this.#members.delete(member.name);
          return;
        }
        if (await this.#talk(member.address, this.#envelope(), probeTimeout)) return;
        if (++member.misses < MAX_MISSES) return;
        member.alive = false;
        this.#counts.left++;
        member.nextTry = now() + reconnectInterval;
        log.warn("cluster member does not answer", { peer: member.name, address: member.address });
      }),
    );
  }

  async #pushPull(): Promise<void> {
    const alive = this.#alive();
    const member = alive[Math.floor(Math.random() * alive.length)];
    if (member) await this.#talk(member.address, this.#envelope(this.#fullState()), this.#options.tcpTimeout);
  }

  async #settle(): Promise<void> {
    const { gossipInterval, settleTimeout, log } = this.#options;
    const { signal } = this.#stop;
    const end = performance.now() + settleTimeout;
    let calm = 0;
    let count = -1;
    while (calm < SETTLED_POLLS && performance.now() < end && !signal.aborted) {
      await sleep(Math.min(gossipInterval * POLL_PER_GOSSIP, Math.max(0, end - performance.now())), undefined, {
        signal,
        ref: false,
      }).catch(() => {});
      const now = this.#alive().length;
      calm = now === count ? calm + 1 : 0;
      count = now;
    }
    this.#settled = true;
    log.info("gossip settled; proceeding", { members: count + 1 });
  }

  async ready(signal: AbortSignal): Promise<void> {
    if (this.#settled || signal.aborted) return;
    let done: () => void = () => {};
    const aborted = new Promise<void>((resolve) => (done = resolve));
    signal.addEventListener("abort", done, { once: true });
    await Promise.race([this.#settling, aborted]);
    signal.removeEventListener("abort", done);
  }

  /** Those that answer, and those that the board knows to live. */
  #present(): { name: string; address: string }[] {
    const byName = new Map<string, { name: string; address: string }>();
    for (const { name, address } of [...(this.#options.board?.members() ?? []), ...this.#alive()])
      if (name !== this.name) byName.set(name, { name, address });
    return [...byName.values()];
  }

  position(): number {
    return this.#present().filter(({ name }) => name < this.name).length;
  }

  wait(): number {
    return this.position() * this.#options.peerTimeout;
  }

  facts(): ClusterFacts {
    const alive = this.#alive();
    return {
      ...this.#counts,
      name: this.name,
      members: alive.length + 1,
      failed: this.#members.size - alive.length,
      position: this.position(),
      missedProbes: alive.reduce((sum, { misses }) => sum + misses, 0),
      queued: this.#queue.values().reduce((sum, entries) => sum + entries.length, 0),
    };
  }

  status(): ClusterStatus {
    const peers = [{ name: this.name, address: this.#address }, ...this.#present()];
    return {
      name: this.name,
      status: this.#settled ? "ready" : "settling",
      peers: peers.map(({ name, address }) => ({ name, address })).sort((a, b) => (a.name < b.name ? -1 : 1)),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#address !== "") {
      await this.#gossip();
      const goodbye = this.#envelope(new Map(), true);
      const signal = AbortSignal.timeout(this.#options.probeTimeout);
      await Promise.all(
        this.#alive().map(({ address }) => this.#transport.exchange(address, goodbye, signal).catch(() => undefined)),
      );
    }
    this.#stop.abort();
    await this.#options.board?.[Symbol.asyncDispose]();
    await Promise.all(this.#loops);
    await this.#transport[Symbol.asyncDispose]();
  }
}
