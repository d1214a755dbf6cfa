/**
 * The last state in force of every object: what its YAML file does not hold (uid, versions, ownership, status), what it
 * held when it was last good, and objects that have no file (events, leases, what controllers made). A journal of JSON
 * lines, rewritten when most of it is old; readable by its owner only, because Secrets are in it.
 *
 *   {"key":"<group>/<plural>/<namespace>/<name>","object":{…}}   state of an object; `file` names its YAML file
 *   {"key":"…","gone":true,"version":124}                        deleted, by this resource version
 *   {"version":123}                                              the highest resource version handed out
 */
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { writeFileAtomic } from "@pharos/kit";
import type { KubeObject } from "../types.ts";

export interface StoredState {
  /** The whole object as it was last in force, so that a file broken at the next start costs nothing. */
  object: KubeObject;
  /** Path of its YAML file, relative to the folder of the resources; absent when it has none. */
  file?: string;
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
    this.#fd = openSync(path, "a", 0o600);
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

  /** `version`: the deletion's own resource version, so that it is not handed out twice. */
  remove(key: string, version: number): void {
    this.#version = Math.max(this.#version, version);
    this.#append({ key, gone: true, version });
    this.#live.delete(key);
    this.#compact();
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
      let entry: { key?: string; object?: KubeObject; file?: string; gone?: boolean; version?: number };
      try {
        entry = JSON.parse(line);
      } catch {
        // The last line of a crash: it was never acknowledged.
        continue;
      }
      if (entry.version !== undefined) this.#version = Math.max(this.#version, entry.version);
      if (entry.key === undefined) continue;
      if (entry.object) {
        this.#live.set(entry.key, { object: entry.object, file: entry.file });
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
    writeFileAtomic(this.#path, `${lines.join("\n")}\n`, 0o600);
    this.#lines = lines.length;
  }
}
