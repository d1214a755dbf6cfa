/**
 * Mutated content of /proc and /sys for every collector: whatever a file holds, the collector that reads it tells what it
 * understands or fails by itself, and what is scraped can be read. Run at length by hand:
 *
 *   node packages/node-exporter/src/fuzz.ts [INPUTS [SEED [ROOT]]]
 *
 * ROOT is a folder with `proc`, `sys` and `udev/data` of a machine; without it, those of this one.
 */
import type * as Fs from "node:fs";
import type { Paths } from "./collector.ts";

export interface FuzzResult {
  /** Files that were read with another content than they have. */
  inputs: number;
  /** Runs of collectors, and how many of them failed, as they may. */
  runs: number;
  failed: number;
  /** What must not be: an answer nobody can read, a run that takes long. */
  problems: string[];
}

const SLOW_MS = 2_000;
const MAX_PROBLEMS = 20;

/** Small and fast, and the same everywhere (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const NASTY = [
  "", "\n", "\0", " ", ":", "-", "0", "-1", "NaN", "Infinity", "1e309", "18446744073709551615", "99999999999999999999",
  "0x", "\u{1f6a8}", "\\040", '"', "a".repeat(300), "\n\n\n", "(", ")", "%", "\t", "0-4294967295",
]; // biome-ignore format: a list

/** One change: cut, doubled, swapped, overwritten, or something nasty put in. */
export function mutate(text: string, random: () => number): string {
  const at = (): number => Math.floor(random() * (text.length + 1));
  const nasty = NASTY[Math.floor(random() * NASTY.length)];
  const [from, to] = [at(), at()].sort((a, b) => a - b);
  switch (Math.floor(random() * 9)) {
    case 0:
      return text.slice(0, from);
    case 1:
      return text.slice(0, from) + text.slice(to);
    case 2:
      return text.slice(0, from) + nasty + text.slice(from);
    case 3:
      return text.slice(0, from) + nasty + text.slice(Math.min(from + 1 + Math.floor(random() * 8), text.length));
    case 4:
      return text.slice(0, to) + text.slice(from);
    case 5: {
      const lines = text.split("\n");
      const line = Math.floor(random() * lines.length);
      lines[line] = lines[Math.floor(random() * lines.length)];
      return lines.join("\n");
    }
    case 6:
      return text.replace(/\d+/g, (digits) => (random() < 0.1 ? nasty : digits));
    case 7:
      return text.replace(/\s+/g, (space) => (random() < 0.1 ? nasty : space));
    default:
      return nasty;
  }
}

/** Puts itself between the collectors and the files, before they are loaded. */
class Files {
  readonly #fs = process.getBuiltinModule("node:fs") as { -readonly [K in keyof typeof Fs]: (typeof Fs)[K] };
  readonly #random: () => number;
  /** Share of the reads that are changed. */
  rate = 0;
  inputs = 0;

  constructor(random: () => number) {
    this.#random = random;
    const { readFileSync, read, readFile } = this.#fs;
    const change = (text: string): string => {
      if (this.#random() >= this.rate) return text;
      this.inputs++;
      return mutate(text, this.#random);
    };
    const changeBytes = (bytes: Buffer): Buffer =>
      this.#random() >= this.rate ? bytes : Buffer.from(change(bytes.toString("latin1")), "latin1");
    this.#fs.readFileSync = ((...args: Parameters<typeof readFileSync>) => {
      const content = readFileSync(...args);
      return typeof content === "string" ? change(content) : changeBytes(content as Buffer);
    }) as typeof readFileSync;
    this.#fs.read = ((
      descriptor: number,
      buffer: Buffer,
      offset: number,
      length: number,
      position: number | null,
      done: (error: NodeJS.ErrnoException | null, bytes: number) => void,
    ) =>
      read(descriptor, buffer, offset, length, position, (error, bytes) => {
        if (error) return done(error, bytes);
        return done(null, buffer.write(change(buffer.toString("utf8", 0, bytes)), 0, length));
      })) as typeof read;
    this.#fs.readFile = ((path: string, done: (error: NodeJS.ErrnoException | null, content: Buffer) => void) =>
      readFile(path, (error, content) => {
        if (error) done(error, content);
        else done(null, changeBytes(content));
      })) as typeof readFile;
  }
}

/** Runs all collectors over mutated files until there were `inputs` of them. */
export async function fuzz(inputs: number, seed: number, paths: Paths): Promise<FuzzResult> {
  const random = randomFrom(seed);
  const files = new Files(random);
  const { COLLECTORS } = await import("./collectors.ts");
  const { nodeExporterOptions } = await import("./flags.ts");
  const { merge } = await import("./collect.ts");
  const { silentLogger } = await import("@pharos/kit/log");
  const { parseFamilies } = await import("@pharos/exposition");
  const { writeText } = await import("@pharos/exposition/text");
  const { flags, patterns } = await nodeExporterOptions({
    "collector.cpu.info": true,
    "collector.bcache.priorityStats": true,
    "collector.stat.softirq": true,
    "collector.sysctl.include": ["fs.file-nr", "kernel.threads-max"],
    "collector.netdev.netlink": false,
    "collector.arp.netlink": false,
  });
  // What asks the kernel, a server or a bus reads no files.
  const others = new Set([
    "ethtool",
    "logind",
    "network_route",
    "ntp",
    "perf",
    "qdisc",
    "supervisord",
    "systemd",
    "tcpstat",
  ]);
  const collectors = COLLECTORS.filter(({ name }) => !others.has(name) && name !== "wifi" && name !== "timex");
  const result: FuzzResult = { inputs: 0, runs: 0, failed: 0, problems: [] };
  const never = new AbortController().signal;
  for (let i = 0; files.inputs < inputs && result.problems.length < MAX_PROBLEMS; i++) {
    const collector = collectors[i % collectors.length];
    // Sometimes one file of many is wrong, sometimes all of them.
    files.rate = [0.02, 0.2, 1][Math.floor(random() * 3)];
    const started = process.cpuUsage();
    result.runs++;
    try {
      const collected = await collector.collect({ paths, flags, patterns, log: silentLogger }, never);
      files.rate = 0;
      const text = writeText(merge(collected, silentLogger));
      try {
        parseFamilies(Buffer.from(text), "text");
      } catch (error) {
        result.problems.push(`${collector.name}: ${String(error)} in ${JSON.stringify(text.slice(0, 2000))}`);
      }
    } catch {
      result.failed++;
    }
    files.rate = 0;
    // Of the processor: others on this machine may take theirs.
    const { user, system } = process.cpuUsage(started);
    const took = (user + system) / 1000;
    if (took > SLOW_MS) result.problems.push(`${collector.name}: took ${Math.round(took)} ms`);
  }
  result.inputs = files.inputs;
  return result;
}

if (import.meta.main) {
  const [inputs = "1000000", seed = "1", root = ""] = process.argv.slice(2);
  const result = await fuzz(Number(inputs), Number(seed), {
    procfs: `${root}/proc`,
    sysfs: `${root}/sys`,
    rootfs: root === "" ? "/" : root,
    udevData: root === "" ? "/run/udev/data" : `${root}/udev/data`,
  });
  console.log(result);
  process.exitCode = result.problems.length === 0 ? 0 : 1;
}
