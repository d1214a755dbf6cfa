/**
 * What was sent to whom: so that nothing is sent twice and nothing resolved is forgotten, also across a restart and among replicas.
 * The file is upstream's `nflog`; an entry is in it when the notification counts as sent.
 */
import type { Logger } from "@pharos/kit";
import type { ReceiverData } from "./notify/integration.ts";
import { decodeEntry, encodeEntry } from "./proto/nflog.ts";
import { SnapshotFile } from "./snapshot.ts";

export interface ReceiverId {
  /** Of the receiver. */
  name: string;
  integration: string;
  index: number;
}

export interface LogEntry {
  groupKey: string;
  receiver: ReceiverId;
  /** Unix ms. */
  timestamp: number;
  expiresAt: number;
  /** Hashes of the alerts that were firing and resolved in it. */
  firing: bigint[];
  resolved: bigint[];
  data: ReceiverData;
}

export interface NotificationLogOptions {
  path: string;
  /** ms */
  retention: number;
  now: () => number;
  log: Logger;
}

function keyOf(groupKey: string, { name, integration, index }: ReceiverId): string {
  return `${groupKey}:${name}/${integration}/${index}`;
}

export class NotificationLog implements Disposable {
  /** How often it was asked. */
  queries = 0;
  readonly #entries = new Map<string, LogEntry>();
  readonly #file: SnapshotFile;
  readonly #retention: number;
  readonly #now: () => number;
  /** Tells the other replicas. */
  broadcast: (entry: Uint8Array) => void = () => {};

  constructor({ path, retention, now, log }: NotificationLogOptions) {
    this.#retention = retention;
    this.#now = now;
    this.#file = new SnapshotFile(
      path,
      (message) => {
        const entry = decodeEntry(message);
        const key = keyOf(entry.groupKey, entry.receiver);
        if (entry.expiresAt > now()) this.#entries.set(key, entry);
        else this.#entries.delete(key);
      },
      log,
    );
  }

  get size(): number {
    return this.#entries.size;
  }

  get(groupKey: string, receiver: ReceiverId): LogEntry | undefined {
    this.queries++;
    return this.#entries.get(keyOf(groupKey, receiver));
  }

  /** `expiry`: ms it is worth keeping at most. */
  put(entry: Omit<LogEntry, "timestamp" | "expiresAt">, expiry: number): void {
    const now = this.#now();
    const before = this.get(entry.groupKey, entry.receiver);
    // Another replica's clock is ahead, and it has told already.
    if (before && before.timestamp > now) return;
    const logged: LogEntry = {
      ...entry,
      timestamp: now,
      expiresAt: now + Math.min(this.#retention, expiry || this.#retention),
    };
    const encoded = encodeEntry(logged);
    this.#file.append(encoded);
    this.#entries.set(keyOf(entry.groupKey, entry.receiver), logged);
    if (this.#file.isMostlyOld(this.#entries.size)) this.snapshot();
    this.broadcast(encoded);
  }

  /** An entry of another replica; true when it was news. Throws a ProtoError when it is none. */
  merge(message: Uint8Array): boolean {
    const entry = decodeEntry(message);
    if (entry.expiresAt < this.#now()) return false;
    const before = this.get(entry.groupKey, entry.receiver);
    if (before && before.timestamp >= entry.timestamp) return false;
    this.#file.append(message);
    this.#entries.set(keyOf(entry.groupKey, entry.receiver), entry);
    return true;
  }

  /** All entries, for a replica that asks for everything. */
  encoded(): Uint8Array[] {
    return [...this.#entries.values()].map(encodeEntry);
  }

  /** The newest first. */
  ranked(): Uint8Array[] {
    return [...this.#entries.values()].sort((a, b) => b.timestamp - a.timestamp).map(encodeEntry);
  }

  /** Forgets what has expired and writes the file anew; answers its size in bytes. */
  snapshot(): number {
    const now = this.#now();
    for (const [key, { expiresAt }] of this.#entries) if (expiresAt <= now) this.#entries.delete(key);
    return this.#file.rewrite(this.encoded());
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}
