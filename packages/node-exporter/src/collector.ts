/** What a collector is, and the small helpers all of them read the kernel's files with. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { MetricFamily, SimpleMetric } from "@pharos/exposition";
import type { RE2JS } from "re2js";

export interface CollectorContext {
  paths: { procfs: string; sysfs: string; rootfs: string; udevData: string };
  /** Include and exclude patterns, by flag name. */
  patterns: Readonly<Record<string, RE2JS | undefined>>;
}

export interface Collector {
  name: string;
  /** Throws NoData when this machine has nothing of the kind. */
  collect(context: CollectorContext, signal: AbortSignal): Promise<MetricFamily[]>;
}

/** The machine has no such thing: told as success 0 like upstream, but not logged as an error. */
export class NoData extends Error {}

export async function readText(root: string, ...parts: string[]): Promise<string> {
  return readFile(join(root, ...parts), "utf8");
}

/** Content of a small file, trimmed; undefined when it cannot be read, as many files of sysfs can not. */
export async function readTrimmed(...parts: string[]): Promise<string | undefined> {
  try {
    return (await readFile(join(...parts), "utf8")).trim();
  } catch {
    return undefined;
  }
}

/** True when the exclude pattern hits, or an include pattern misses. */
export function ignored(name: string, include: RE2JS | undefined, exclude: RE2JS | undefined): boolean {
  if (include) return !include.matcher(name).find();
  return exclude?.matcher(name).find() ?? false;
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
