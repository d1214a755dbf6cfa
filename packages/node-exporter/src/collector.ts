/** What a collector is, and the small helpers all of them read the kernel's files with. */
import { readFileSync } from "node:fs";
import { readdir, readFile, readlink } from "node:fs/promises";
import { basename, join } from "node:path";
import type { MetricFamily, SimpleMetric } from "@pharos/exposition";
import type { FlagSpec, Logger } from "@pharos/kit";
import type { RE2JS } from "re2js";

export interface Paths {
  procfs: string;
  sysfs: string;
  rootfs: string;
  udevData: string;
}

export interface CollectorContext {
  paths: Paths;
  /** Compiled patterns by flag name; undefined when the flag is empty. */
  patterns: Readonly<Record<string, RE2JS | undefined>>;
  /** Values of the collectors' other flags. */
  flags: Readonly<Record<string, unknown>>;
  log: Logger;
}

/** A flag of a collector; `pattern` marks a string flag as a regular expression. */
export type CollectorFlag = FlagSpec & { pattern?: true };

export interface Collector {
  name: string;
  /** False: runs only when its flag is given. */
  defaultOff?: true;
  /** Flags of its own, besides `collector.<name>`. */
  flags?: Readonly<Record<string, CollectorFlag>>;
  /** Throws NoData when this machine has nothing of the kind. */
  collect(context: CollectorContext, signal: AbortSignal): Promise<MetricFamily[]>;
}

/** The machine has no such thing: told as success 0 like upstream, but not logged as an error. */
export class NoData extends Error {}

export async function readText(root: string, ...parts: string[]): Promise<string> {
  return readFile(join(root, ...parts), "utf8");
}

/** As `readText`, but a missing file is NoData: the kernel was built without the feature. */
export async function readTextOrNoData(root: string, ...parts: string[]): Promise<string> {
  const path = join(root, ...parts);
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw new NoData(`${path} does not exist`);
    throw error;
  }
}

/** Content of a small file, trimmed; undefined when it cannot be read, as many files of sysfs can not. */
export async function readTrimmed(...parts: string[]): Promise<string | undefined> {
  try {
    return (await readFile(join(...parts), "utf8")).trim();
  } catch {
    return undefined;
  }
}

/** A file that holds one whole number, decimal or 0x…; undefined when it cannot be read or holds something else. */
export async function readInteger(...parts: string[]): Promise<number | undefined> {
  const text = await readTrimmed(...parts);
  return text !== undefined && /^(-?\d+|0x[0-9a-f]+)$/i.test(text) ? Number(text) : undefined;
}

/** Names in a directory, sorted; none when it is missing. */
export async function list(...parts: string[]): Promise<string[]> {
  try {
    return (await readdir(join(...parts))).sort();
  } catch {
    return [];
  }
}

/** Names in a directory whose absence means there is no data. */
export async function listOrNoData(...parts: string[]): Promise<string[]> {
  const path = join(...parts);
  try {
    return (await readdir(path)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw new NoData(`${path} does not exist`);
    throw error;
  }
}

/** Last part of where a link points to; undefined when there is none. */
export async function linkName(...parts: string[]): Promise<string | undefined> {
  try {
    return basename(await readlink(join(...parts)));
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
export function ignored(name: string, include: RE2JS | undefined, exclude: RE2JS | undefined): boolean {
  if (include) return !include.matcher(name).find();
  return exclude?.matcher(name).find() ?? false;
}

/** What is no letter, digit or underscore becomes `_`, as client_golang's metric names must be. */
export function cleanName(text: string): string {
  return text.replace(/[^a-zA-Z0-9_]/g, "_");
}

type SimpleType = "counter" | "gauge" | "unknown";

/** Collects samples into families, in the order in which the names first come up. */
export class FamilySet {
  readonly #families = new Map<string, MetricFamily & { metrics: SimpleMetric[] }>();

  /** `labels` is a flat run of names and values. An undefined value adds nothing. */
  add(type: SimpleType, name: string, help: string, value: number | undefined, labels: readonly string[] = []): void {
    if (value === undefined) return;
    let family = this.#families.get(name);
    if (!family) {
      family = { name, help, type, metrics: [] };
      this.#families.set(name, family);
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

  get families(): MetricFamily[] {
    return [...this.#families.values()];
  }
}

export function gauge(name: string, help: string, metrics: SimpleMetric[]): MetricFamily {
  return { name, help, type: "gauge", metrics };
}

export function counter(name: string, help: string, metrics: SimpleMetric[]): MetricFamily {
  return { name, help, type: "counter", metrics };
}

export function single(value: number): SimpleMetric[] {
  return [{ labels: [], value }];
}
