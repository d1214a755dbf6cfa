/** file_sd_configs: target groups in JSON or YAML files, read again when they change. */
import { globSync, readFileSync, statSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseYaml } from "@pharos/kit";
import { describeError, type TargetGroup } from "@pharos/model";
import type { Mechanism } from "../mechanism.ts";
import { emptyGroups, readJsonGroups, readYamlGroups } from "./target-files.ts";

export interface FileConfig {
  globs: string[];
  /** ms */
  refreshInterval: number;
}

/** Changed files are looked for this often: a stat for each, which works on every file system and in every container. */
const POLL_MS = 500;
/** A file name, or one star in the last part of the path. */
const PATH_PATTERN = /^[^*]*(\*[^/]*)?\.(json|yml|yaml|JSON|YML|YAML)$/;

interface KnownFile {
  /** Changes when the file does. */
  stamp: string;
  groups: number;
}

function stampOf(path: string): { stamp: string; mtimeMs: number } {
  const { mtimeMs, size, ino } = statSync(path);
  return { stamp: `${mtimeMs} ${size} ${ino}`, mtimeMs };
}

/** A UserError, or what the system says, when the file cannot be read as target groups. */
export function readGroups(path: string): TargetGroup[] {
  const text = readFileSync(path, "utf8");
  const labels = { __meta_filepath: path };
  return /\.json$/i.test(path)
    ? readJsonGroups(text, path, labels)
    : readYamlGroups(parseYaml(text, path), path, labels);
}

export const fileMechanism: Mechanism<FileConfig> = {
  name: "file",
  parse(node) {
    const map = node.map();
    const files = map.get("files")?.items() ?? [];
    const refreshInterval = map.get("refresh_interval")?.duration() || 300_000;
    map.done("file.plain");
    if (files.length === 0) {
      throw node.error("file service discovery config must contain at least one path name", {
        code: "discovery.config",
      });
    }
    const base = node.where.file;
    const globs = files.map((item) => {
      const path = item.string();
      if (!PATH_PATTERN.test(path)) {
        throw item.error(`path name ${JSON.stringify(path)} is not valid for file discovery`, {
          code: "discovery.config",
          fix: "Name a .json, .yml or .yaml file, with at most one star in its last part",
        });
      }
      return isAbsolute(path) || !base ? path : join(dirname(base), path);
    });
    return { globs, refreshInterval };
  },
  async run({ globs, refreshInterval }, { update, explain, log, metrics, refreshFailed }, signal) {
    const known = new Map<string, KnownFile>();
    let readAll = 0;
    let first = true;
    while (!signal.aborted) {
      // As upstream, everything is read once in a while even if nothing seems to have changed.
      const all = Date.now() - readAll >= refreshInterval;
      const started = performance.now();
      if (all) readAll = Date.now();
      const present = new Set(globs.flatMap((glob) => globSync(glob)));
      const changed: TargetGroup[] = [];
      for (const path of present) {
        const before = known.get(path);
        try {
          const { stamp, mtimeMs } = stampOf(path);
          if (before?.stamp === stamp && !all) continue;
          // Kept for a broken file as well: it is complained about once, and read again when it changes.
          known.set(path, { stamp, groups: before?.groups ?? 0 });
          const groups = readGroups(path);
          metrics.fileMtime.labels(path).set(mtimeMs / 1000);
          known.set(path, { stamp, groups: groups.length });
          changed.push(...groups, ...emptyGroups(path, groups.length, before?.groups ?? 0));
        } catch (error) {
          // What the file said last stays.
          metrics.fileReadErrors.inc();
          refreshFailed();
          log.error("Error reading file", { path, err: describeError(error) });
        }
      }
      for (const [path, { groups }] of known) {
        if (present.has(path)) continue;
        known.delete(path);
        metrics.fileMtime.remove(path);
        changed.push(...emptyGroups(path, 0, groups));
      }
      metrics.fileScanDuration.observe((performance.now() - started) / 1000);
      explain(present.size === 0 ? `no file matches ${globs.join(", ")}` : "");
      if (changed.length > 0 || first) update(changed);
      first = false;
      await sleep(POLL_MS, undefined, { signal, ref: false }).catch(() => {});
    }
  },
};
