/**
 * What a resource's YAML file does not hold: uid, versions, ownership, status, and whole objects that have no file (events,
 * leases, namespaces nobody wrote). A journal of JSON lines, rewritten when most of it is old.
 *
 *   {"key":"<group>/<plural>/<namespace>/<name>","object":{…}}   state of an object; `file: true` when its content has a file
 *   {"key":"…","gone":true}
 *   {"version":123}                                              the highest resource version handed out
 */
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { writeFileAtomic } from "@pharos/kit";
import type { KubeObject } from "../types.ts";

export interface StoredState {
  /** The object without what its file holds, or the whole object. */
  object: KubeObject;
  /** Whether the content is in a YAML file. */
  file: boolean;
}

/** Lines beyond this many times the live entries are mostly history. */
const COMPACT_FACTOR = 4;
const COMPACT_MINIMUM = 1_000;

export class StateFile implements Disposable {
  readonly #path: string;
  readonly #live = new Map<string, StoredState>();
  #version = 0;
  #lines = 0;
  #fd: number;

  constructor(path: string) {
    this.#path = path;
    mkdirSync(dirname(path), { recursive: true });
    if (existsSync(path)) this.#read(readFileSync(path, "utf8"));
    this.#rewrite();
    this.#fd = openSync(path, "a");
  }

  get version(): number {
    return this.#version;
  }

  get entries(): ReadonlyMap<string, StoredState> {
    return this.#live;
  }

  put(key: string, state: StoredState): void {
    this.#append({ key, ...state });
    this.#live.set(key, state);
    this.#version = Math.max(this.#version, Number(state.object.metadata.resourceVersion ?? 0));
    this.#compact();
  }

  remove(key: string): void {
    this.#append({ key, gone: true });
    this.#live.delete(key);
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }

  #append(entry: unknown): void {
    const line = Buffer.from(`${JSON.stringify(entry)}\n`);
    let done = 0;
    while (done < line.length) done += writeSync(this.#fd, line, done);
    this.#lines++;
  }

  #read(text: string): void {
    for (const line of text.split("\n")) {
      if (line === "") continue;
      let entry: { key?: string; object?: KubeObject; file?: boolean; gone?: boolean; version?: number };
      try {
        entry = JSON.parse(line);
      } catch {
        // The last line of a crash: it was never acknowledged.
        continue;
      }
      if (entry.version !== undefined) this.#version = Math.max(this.#version, entry.version);
      if (entry.key === undefined) continue;
      if (entry.object) {
        this.#live.set(entry.key, { object: entry.object, file: entry.file ?? false });
        this.#version = Math.max(this.#version, Number(entry.object.metadata.resourceVersion ?? 0));
      } else this.#live.delete(entry.key);
    }
  }

  #compact(): void {
    if (this.#lines < COMPACT_MINIMUM || this.#lines < COMPACT_FACTOR * this.#live.size) return;
    closeSync(this.#fd);
    this.#rewrite();
    this.#fd = openSync(this.#path, "a");
  }

  #rewrite(): void {
    const lines = [JSON.stringify({ version: this.#version })];
    for (const [key, state] of this.#live) lines.push(JSON.stringify({ key, ...state }));
    writeFileAtomic(this.#path, `${lines.join("\n")}\n`);
    this.#lines = lines.length;
  }
}
