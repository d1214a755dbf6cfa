/**
 * A file of length-prefixed messages in upstream's snapshot format, used as a journal: each change is appended before anybody is told
 * of it, and the file is written anew when it is mostly old. A later message of the same key replaces an earlier one, for upstream's
 * reader too. What a power cut left half written at the end is cut off; messages that cannot be read stay.
 */
import { closeSync, existsSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { type Logger, writeFileAtomic } from "@pharos/kit";
import { describeError } from "@pharos/model";
import { delimited, readDelimited } from "./proto/wire.ts";

/** Messages beyond which a file that is mostly old is written anew. */
const COMPACT_ABOVE = 5_000;

export class SnapshotFile implements Disposable {
  readonly #path: string;
  /** Messages nobody could read: they stay for whoever can. */
  readonly #unreadable: Uint8Array[] = [];
  #fd: number;
  #messages = 0;

  /** Calls `read` for each message of the file; one that it throws at is kept as it is. */
  constructor(path: string, read: (message: Uint8Array) => void, log: Logger) {
    this.#path = path;
    mkdirSync(dirname(path), { recursive: true });
    const data = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
    const { messages, size } = readDelimited(data);
    for (const message of messages) {
      try {
        read(message);
      } catch (error) {
        this.#unreadable.push(message);
        log.error("an entry of a snapshot cannot be read and stays in the file", {
          file: path,
          err: describeError(error),
        });
      }
    }
    this.#messages = messages.length;
    this.#fd = openSync(path, "a");
    if (size < data.length) {
      log.warn("the end of a snapshot was cut off", { file: path, bytes: data.length - size });
      ftruncateSync(this.#fd, size);
    }
  }

  /** In the file when it returns; throws what the system says. */
  append(message: Uint8Array): void {
    const bytes = delimited(message);
    let done = 0;
    while (done < bytes.length) done += writeSync(this.#fd, bytes, done);
    this.#messages++;
  }

  /** Whether most of the file is replaced already. */
  isMostlyOld(live: number): boolean {
    return this.#messages > Math.max(COMPACT_ABOVE, 4 * live);
  }

  /** Replaces the whole; answers its size in bytes. */
  rewrite(messages: readonly Uint8Array[]): number {
    const data = Buffer.concat([...this.#unreadable, ...messages].map(delimited));
    writeFileAtomic(this.#path, data);
    closeSync(this.#fd);
    this.#fd = openSync(this.#path, "a");
    this.#messages = messages.length + this.#unreadable.length;
    return data.length;
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}
