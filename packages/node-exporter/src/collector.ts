/**
 * What a collector is, and the small helpers all of them read the kernel's files with. Those of /proc and most of /sys come
 * out of memory in microseconds: they are read at once, on the thread that answers the scrape, which costs a third of going
 * through the pool. What may wait for a device, a network or another program is read with `device-file.ts`.
 */

import type { MetricFamily, SimpleMetric } from "@pharos/exposition";
import type { FlagSpec, Logger } from "@pharos/kit";
import type { Pattern } from "./pattern.ts";
import { basename, existsSync, readdirSync, readFileSync, readlinkSync } from "./system.ts";

export interface Paths {
  procfs: string;
  sysfs: string;
  rootfs: string;
  udevData: string;
}

export interface CollectorContext {
  paths: Paths;
  /** Compiled patterns by flag name; undefined when the flag is empty. */
  patterns: Readonly<Record<string, Pattern | undefined>>;
  /** Values of the collectors' other flags. */
  flags: Readonly<Record<string, unknown>>;
  log: Logger;
}

/**
 * A flag of a collector. `pattern` marks a string flag as a regular expression, `anchored` as one of the whole text;
 * `opposite` names the flag that must not be given together with it, and whose default gives way to it.
 */
export type CollectorFlag = FlagSpec & { pattern?: true; anchored?: true; opposite?: string };

export interface Collector {
  name: string;
  /** False: runs only when its flag is given. */
  defaultOff?: true;
  /** Flags of its own, besides `collector.<name>`. */
  flags?: Readonly<Record<string, CollectorFlag>>;
  /**
   * Throws NoData when this machine has nothing of the kind. A promise is what may hang: `signal` is aborted when nobody
   * waits for it any more, and it is not called again before it has settled.
   */
  collect(context: CollectorContext, signal: AbortSignal): MetricFamily[] | Promise<MetricFamily[]>;
  /** Loads what is loaded at need otherwise. */
  load?(): Promise<unknown>;
}

/** The machine has no such thing: told as success 0 like upstream, but not logged as an error. */
export class NoData {
  readonly message: string;

  // No Error: most machines lack most kinds of hardware, and a stack costs more than reading a file.
  constructor(message: string) {
    this.message = message;
  }

  toString(): string {
    return this.message;
  }
}

const pathOf = (parts: readonly string[]): string => (parts.length === 1 ? parts[0] : parts.join("/"));

export function readText(...parts: string[]): string {
  return readFileSync(pathOf(parts), "utf8");
}

/** As `readText`, but a missing file is NoData: the kernel was built without the feature. */
export function readTextOrNoData(...parts: string[]): string {
  const path = pathOf(parts);
  // Asking first is cheaper than Node's error, its message and its stack.
  if (!existsSync(path)) throw new NoData(`${path} does not exist`);
  return readText(path);
}

/** As `readText`, but undefined when the file is missing; other failures are thrown. */
export function readTextIfThere(...parts: string[]): string | undefined {
  const path = pathOf(parts);
  return existsSync(path) ? readText(path) : undefined;
}

/** Content of a small file, trimmed; undefined when it cannot be read, as many files of sysfs can not. */
export function readTrimmed(...parts: string[]): string | undefined {
  try {
    return readText(...parts).trim();
  } catch {
    return undefined;
  }
}

/** Text that is one whole number, decimal or 0x…; undefined when it is something else. */
export function parseInteger(text: string | undefined): number | undefined {
  return text !== undefined && /^(-?\d+|0x[0-9a-f]+)$/i.test(text) ? Number(text) : undefined;
}

/** A file that holds one whole number, decimal or 0x…; undefined when it cannot be read or holds something else. */
export function readInteger(...parts: string[]): number | undefined {
  return parseInteger(readTrimmed(...parts));
}

/** Names in a directory, sorted; none when it is missing. */
export function list(...parts: string[]): string[] {
  const path = pathOf(parts);
  if (!existsSync(path)) return [];
  try {
    return readdirSync(path).sort();
  } catch {
    return [];
  }
}

/** Names in a directory whose absence means there is no data. */
export function listOrNoData(...parts: string[]): string[] {
  const path = pathOf(parts);
  if (!existsSync(path)) throw new NoData(`${path} does not exist`);
  return readdirSync(path).sort();
}

/** Last part of where a link points to; undefined when there is none. */
export function linkName(...parts: string[]): string | undefined {
  try {
    return basename(readlinkSync(pathOf(parts)));
  } catch {
    return undefined;
  }
}

let pageSize: number | undefined;

/** Size of a memory page of this machine. */
export function pageBytes(): number {
  if (pageSize === undefined) {
    pageSize = 4096;
    try {
      // The auxiliary vector: pairs of 8-byte words, key and value; 6 is AT_PAGESZ.
      const vector = readFileSync("/proc/self/auxv");
      for (let at = 0; at + 16 <= vector.length; at += 16) {
        if (vector.readUInt32LE(at) === 6) pageSize = vector.readUInt32LE(at + 8);
      }
    } catch {
      // Without /proc the common size is the best guess.
    }
  }
  return pageSize;
}

/** True when the exclude pattern hits, or an include pattern misses. */
export function ignored(name: string, include: Pattern | undefined, exclude: Pattern | undefined): boolean {
  return (exclude?.matches(name) ?? false) || (include !== undefined && !include.matches(name));
}

/** What is no letter, digit or underscore becomes `_`, as client_golang's metric names must be. */
export function cleanName(text: string): string {
  return text.replace(/[^a-zA-Z0-9_]/g, "_");
}

/** A figure that is none is a file of another form than the collector knows: it fails, instead of telling nonsense. */
function checkNumber(name: string, value: number): void {
  if (Number.isNaN(value)) throw new Error(`not a number for ${name}`);
}

type SimpleType = "counter" | "gauge" | "unknown";

/** Collects samples into families, in the order in which the names first come up. */
export class FamilySet {
  readonly #byName = new Map<string, MetricFamily & { metrics: SimpleMetric[] }>();
  readonly families: MetricFamily[] = [];

  /** `labels` is a flat run of names and values. An undefined value adds nothing. */
  add(type: SimpleType, name: string, help: string, value: number | undefined, labels: readonly string[] = []): void {
    if (value === undefined) return;
    checkNumber(name, value);
    let family = this.#byName.get(name);
    if (!family) {
      // Parts of names come out of files.
      if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)) throw new Error(`not a name of a metric: ${JSON.stringify(name)}`);
      family = { name, help, type, metrics: [] };
      this.#byName.set(name, family);
      this.families.push(family);
    }
    family.metrics.push({ labels, value });
  }

  gauge(name: string, help: string, value: number | undefined, labels?: readonly string[]): void {
    this.add("gauge", name, help, value, labels);
  }

  counter(name: string, help: string, value: number | undefined, labels?: readonly string[]): void {
    this.add("counter", name, help, value, labels);
  }

  untyped(name: string, help: string, value: number | undefined, labels?: readonly string[]): void {
    this.add("unknown", name, help, value, labels);
  }
}

export function gauge(name: string, help: string, metrics: SimpleMetric[]): MetricFamily {
  for (const { value } of metrics) checkNumber(name, value);
  return { name, help, type: "gauge", metrics };
}

export function counter(name: string, help: string, metrics: SimpleMetric[]): MetricFamily {
  for (const { value } of metrics) checkNumber(name, value);
  return { name, help, type: "counter", metrics };
}

export function single(value: number): SimpleMetric[] {
  return [{ labels: [], value }];
}
