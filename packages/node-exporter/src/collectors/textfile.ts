import type { Stats } from "node:fs";
import type { MetricFamily } from "@pharos/exposition";
import { UserError } from "@pharos/model/error";
import { type Collector, gauge, single } from "../collector.ts";
import { inPool } from "../device-file.ts";
import { glob, readdir, readFile, stat } from "../system.ts";

/** What a job writes is small: a file beyond this is something else, and would take memory several times its size. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Folders a pattern stands for; one that fits none, or is none, stands for itself. */
async function expand(pattern: string): Promise<string[]> {
  if (!/[*?[]/.test(pattern)) return [pattern];
  const found = await inPool<string[]>((done) => glob(pattern, done));
  return found.length > 0 ? found.sort() : [pattern];
}

/** Families of a file. Timestamps are refused: a text file that nobody writes any more would look alive. */
async function readFamilies(path: string): Promise<{ families: MetricFamily[]; mtime: number }> {
  const { parseFamilies } = await import("@pharos/exposition");
  const { mtimeMs, size } = await inPool<Stats>((done) => stat(path, done));
  if (size > MAX_BYTES) {
    throw new UserError("node-exporter.textfile", `is larger than ${MAX_BYTES / 1024 / 1024} MiB`, {
      where: { file: path },
      fix: "Write fewer series",
    });
  }
  const families = parseFamilies(await inPool<Buffer>((done) => readFile(path, done)), "text");
  if (families.some(({ metrics }) => metrics.some(({ timestamp }) => timestamp !== undefined))) {
    throw new UserError("node-exporter.textfile", "contains client-side timestamps, which are not supported", {
      where: { file: path },
      fix: "Leave the timestamps out",
    });
  }
  return { families, mtime: mtimeMs / 1000 };
}

/** Labels one sample lacks and another of its family has are empty ones, as client_golang wants them. */
function fillLabels({ metrics }: MetricFamily): void {
  const names = new Set(metrics.flatMap(({ labels }) => labels.filter((_, i) => i % 2 === 0)));
  for (const metric of metrics) {
    const own = new Set(metric.labels.filter((_, i) => i % 2 === 0));
    const missing = [...names].filter((name) => !own.has(name));
    metric.labels = [...metric.labels, ...missing.flatMap((name) => [name, ""])];
  }
}

/** Puts samples of the same family in several files together. */
class Merger {
  readonly #families = new Map<string, MetricFamily>();
  readonly #files = new Map<string, string[]>();

  /** False when the family's help contradicts an earlier file's. */
  add(family: MetricFamily, path: string): boolean {
    const known = this.#families.get(family.name);
    if (!known) {
      this.#families.set(family.name, family);
      this.#files.set(family.name, [path]);
      return true;
    }
    if (known.type !== family.type || (family.help !== "" && known.help !== "" && known.help !== family.help)) {
      return false;
    }
    known.help ||= family.help;
    // The types are the same, so the metrics are of one kind.
    (known.metrics as unknown[]).push(...family.metrics);
    this.#files.get(family.name)!.push(path);
    return true;
  }

  finish(): MetricFamily[] {
    for (const family of this.#families.values()) {
      fillLabels(family);
      family.help ||= `Metric read from ${this.#files.get(family.name)!.join(", ")}`;
    }
    return [...this.#families.values()];
  }
}

export const textfile: Collector = {
  name: "textfile",
  flags: {
    "collector.textfile.directory": {
      type: "string",
      multiple: true,
      help: "Directory to read text files with metrics from, supports glob matching. (repeatable)",
    },
  },
  async collect({ flags, log }) {
    const patterns = flags["collector.textfile.directory"] as string[];
    const directories = (await Promise.all(patterns.filter(Boolean).map(expand))).flat();
    const merger = new Merger();
    const mtimes = [];
    let failed = false;
    const fail = (message: string, details: Record<string, unknown>): void => {
      failed = true;
      log.error(message, details);
    };
    for (const directory of directories) {
      let names: string[] = [];
      try {
        names = (await inPool<string[]>((done) => readdir(directory, done)))
          .filter((name) => name.endsWith(".prom"))
          .sort();
      } catch (error) {
        fail("failed to read textfile collector directory", { path: directory, err: error });
      }
      for (const name of names) {
        const path = `${directory.replace(/\/+$/, "")}/${name}`;
        try {
          const { families, mtime } = await readFamilies(path);
          for (const family of families) {
            if (!merger.add(family, path))
              fail("inconsistent metric help text or type", { file: path, metric: family.name });
          }
          mtimes.push({ labels: ["file", path], value: mtime });
        } catch (error) {
          fail("failed to collect textfile data", { file: path, err: error });
        }
      }
    }
    return [
      ...merger.finish(),
      gauge("node_textfile_mtime_seconds", "Unixtime mtime of textfiles successfully read.", mtimes),
      gauge(
        "node_textfile_scrape_error",
        "1 if there was an error opening or reading a file, 0 otherwise",
        single(Number(failed)),
      ),
    ];
  },
};
