/** file_sd_configs: target groups in JSON or YAML files, read again when they change. */
import { globSync, readFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseYaml } from "@pharos/kit";
import { describeError, type TargetGroup } from "@pharos/model";
import type { Mechanism } from "../mechanism.ts";
import { readTargetGroups } from "./target-files.ts";

interface FileConfig {
  globs: string[];
  /** ms */
  refreshInterval: number;
}

/** Changes are looked for this often; cheap, as only changed files are read. */
const POLL_MS = 1_000;

export const fileMechanism: Mechanism<FileConfig> = {
  name: "file",
  parse(node) {
    const map = node.map();
    const files = map.get("files")?.items() ?? [];
    const refreshInterval = map.get("refresh_interval")?.duration() || 300_000;
    map.done("file.plain");
    if (files.length === 0)
      throw node.error("file service discovery config must contain at least one path name", {
        code: "discovery.config",
      });
    const base = node.where.file;
    const globs = files.map((item) => {
      const path = item.string();
      if (!/\.(json|yml|yaml|JSON|YML|YAML)$/.test(path))
        throw item.error(`path name ${JSON.stringify(path)} is not valid for file discovery`, {
          code: "discovery.config",
        });
      return isAbsolute(path) || !base ? path : join(dirname(base), path);
    });
    return { globs, refreshInterval };
  },
  async run({ globs }, { update, explain, log }, signal) {
    /** Text and number of groups of each file as last read. */
    const known = new Map<string, { text: string; groups: number }>();
    while (!signal.aborted) {
      const present = new Set(globs.flatMap((glob) => globSync(glob)));
      const changed: TargetGroup[] = [];
      for (const path of present) {
        try {
          const text = readFileSync(path, "utf8");
          const old = known.get(path);
          if (old?.text === text) continue;
          const groups = readTargetGroups(parseYaml(text, path), path);
          for (const group of groups) group.labels.__meta_filepath = path;
          for (let i = groups.length; i < (old?.groups ?? 0); i++)
            groups.push({ source: `${path}:${i}`, labels: {}, targets: [] });
          known.set(path, { text, groups: groups.length });
          changed.push(...groups);
        } catch (error) {
          // A file being written, or broken: what it said last stays.
          log.error("Error reading file", { path, err: describeError(error) });
        }
      }
      for (const [path, { groups }] of known) {
        if (present.has(path)) continue;
        known.delete(path);
        for (let i = 0; i < groups; i++) changed.push({ source: `${path}:${i}`, labels: {}, targets: [] });
      }
      if (changed.length > 0) update(changed);
      explain(present.size === 0 ? `no file matches ${globs.join(", ")}` : "");
      await sleep(POLL_MS, undefined, { signal, ref: false }).catch(() => {});
    }
  },
};
