/** Reads what the flags name: the file of options and the configuration of custom resources. */
import { readFileSync } from "node:fs";
import type { Logger, ParsedFlags } from "@pharos/kit";
import { UserError } from "@pharos/model";
import { type CustomResource, parseCustomResourceState } from "./custom/config.ts";
import { type Contents, readContents } from "./file-watch.ts";
import type { kubeStateMetricsFlags } from "./flags.ts";
import type { SelfMetrics } from "./self-metrics.ts";
import { type Settings, settingsFrom } from "./settings.ts";

export type FlagValues = ParsedFlags<typeof kubeStateMetricsFlags>["values"];

export interface Loaded {
  settings: Settings;
  customResources: readonly CustomResource[];
  /** Files whose change means loading anew, as they were read. */
  files: Contents;
}

function read(file: string, flag: string, mayBeMissing: boolean): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (mayBeMissing && (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new UserError("ksm.file", `cannot read ${file}: ${(error as Error).message}`, {
      where: { flag: `--${flag}` },
      cause: error,
    });
  }
}

/** A UserError names what cannot be, and where; the self-metrics then say so of the file. */
export function load(flags: FlagValues, metrics: SelfMetrics, log: Logger): Loaded {
  const config = flags.config;
  const text = config === "" ? undefined : read(config, "config", flags["continue-without-config"]);
  let settings: Settings;
  try {
    settings = settingsFrom(flags, text === undefined ? undefined : { path: config, text });
  } catch (error) {
    if (config !== "") metrics.loaded("config", config, undefined);
    throw error;
  }
  if (text !== undefined) metrics.loaded("config", config, text);
  const { customResourceState, customResourceStateFile: file, verbosity } = settings;
  const fromFile = customResourceState === "" && file !== "";
  const mayBeMissing = settings.continueWithoutCustomResourceStateFile;
  const customFile = fromFile ? read(file, "custom-resource-state-config-file", mayBeMissing) : undefined;
  const customText = fromFile ? (customFile ?? "") : customResourceState;
  let customResources: CustomResource[];
  try {
    customResources = parseCustomResourceState(
      customText,
      fromFile ? file : undefined,
      log,
      (level, metric, message) => {
        if (level <= verbosity) log.error("a custom resource gives no series", { metric, err: message });
      },
    );
  } catch (error) {
    if (fromFile) metrics.loaded("customresourceconfig", file, undefined);
    throw error;
  }
  if (fromFile) metrics.loaded("customresourceconfig", file, customText);
  const files = new Map(readContents(settings.kubeconfig === "" ? [] : [settings.kubeconfig]));
  if (config !== "") files.set(config, text);
  if (fromFile) files.set(file, customFile);
  return { settings, customResources, files };
}
