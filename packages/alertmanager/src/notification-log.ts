/**
 * What was sent to whom: so that nothing is sent twice and nothing resolved is forgotten, also across a restart. An entry is in
 * the file when the notification counts as sent; the file is a journal of JSON lines, rewritten when it is mostly old.
 */
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { type Logger, writeFileAtomic } from "@pharos/kit";

export interface LogEntry {
  /** groupKey:receiver/integration/index */
  key: string;
  /** Unix ms. */
  timestamp: number;
  expiresAt: number;
  /** Hashes of the alerts that were firing and resolved in it. */
  firing: string[];
  resolved: string[];
}

const COMPACT_LINES = 5_000;

export class NotificationLog implements Disposable {
  readonly #path: string;
  readonly #entries = new Map<string, LogEntry>();
  #fd: number;
  #lines = 0;

  constructor(path: string, now: number, log: Logger) {
    this.#path = path;
    mkdirSync(dirname(path), { recursive: true });
    let damaged = 0;
    for (const line of existsSync(path) ? readFileSync(path, "utf8").split("\n") : []) {
      if (line === "") continue;
      try {
        const entry = JSON.parse(line) as LogEntry;
        if (entry.expiresAt > now) this.#entries.set(entry.key, entry);
      } catch {
        damaged++;
      }
    }
    if (damaged > 0)
      log.warn("lines of the notification log could not be read: at worst a notification is repeated", {
        file: path,
        lines: damaged,
      });
    this.#fd = this.#rewrite();
  }

  get(key: string, now: number): LogEntry | undefined {
    const entry = this.#entries.get(key);
    return entry && entry.expiresAt > now ? entry : undefined;
  }

  put(entry: LogEntry): void {
    const line = Buffer.from(`${JSON.stringify(entry)}\n`);
    let done = 0;
    while (done < line.length) done += writeSync(this.#fd, line, done);
    this.#entries.set(entry.key, entry);
    if (++this.#lines > Math.max(COMPACT_LINES, 4 * this.#entries.size)) {
      closeSync(this.#fd);
      this.#fd = this.#rewrite();
    }
  }

  collect(now: number): void {
    for (const [key, { expiresAt }] of this.#entries) if (expiresAt <= now) this.#entries.delete(key);
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }

  #rewrite(): number {
    writeFileAtomic(this.#path, [...this.#entries.values()].map((entry) => `${JSON.stringify(entry)}\n`).join(""));
    this.#lines = this.#entries.size;
    return openSync(this.#path, "a");
  }
}
