/** Target groups that are known without asking anybody: for checks of a configuration. */
import { globSync } from "node:fs";
import type { TargetGroup } from "@pharos/model";
import type { SdConfig } from "./mechanism.ts";
import { type FileConfig, fileMechanism, readGroups } from "./mechanisms/file.ts";
import { staticMechanism } from "./mechanisms/static.ts";

export interface OfflineGroups {
  groups: TargetGroup[];
  /** Patterns that match no file. */
  missing: string[];
}

/** Those of `static_configs` and `file_sd_configs`; none of any other mechanism. Throws for a file that cannot be read. */
export function offlineGroups({ mechanism, config }: SdConfig): OfflineGroups {
  if (mechanism.name === staticMechanism.name) return { groups: [config as TargetGroup], missing: [] };
  if (mechanism.name !== fileMechanism.name) return { groups: [], missing: [] };
  const found = (config as FileConfig).globs.map((glob) => ({ glob, paths: globSync(glob).sort() }));
  return {
    groups: found.flatMap(({ paths }) => paths.flatMap(readGroups)),
    missing: found.filter(({ paths }) => paths.length === 0).map(({ glob }) => glob),
  };
}
