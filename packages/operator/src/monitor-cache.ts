/**
 * What was generated from each object the last time. It holds as long as the object, the instance and everything the
 * object refers to are the very same, so that one change costs one generation and not that of all.
 */
import type { UserError } from "@pharos/model";
import { type AssetLookup, AssetStore, lookupReference } from "./assets.ts";
import type { GenerationScope } from "./prometheus/scope.ts";
import { type Monitor, monitorJobs, type Reading } from "./validate.ts";
import { VersionGate } from "./version.ts";

export interface GeneratedMonitor {
  /** Entries of scrape_configs. */
  text: string;
  error: UserError | undefined;
  /** Fields left out, each with the reason. */
  ignored: ReadonlyMap<string, string>;
  /** `Kind/namespace/name` with what it held then. */
  references: ReadonlyMap<string, unknown>;
  /** TLS material the jobs name. */
  files: ReadonlyMap<string, string>;
}

export class MonitorCache {
  #generation = "";
  #known = new WeakMap<Monitor, GeneratedMonitor>();

  /** `key` says everything about the instance that shows in a job. Another key forgets all. */
  begin(key: string): void {
    if (key === this.#generation) return;
    this.#generation = key;
    this.#known = new WeakMap();
  }

  generate(object: Monitor, scope: Omit<GenerationScope, "assets" | "gate">, make: MonitorScope): GeneratedMonitor {
    const known = this.#known.get(object);
    if (known && unchanged(known, make.lookup)) return known;
    const assets = new AssetStore(make.lookup, make.certificates);
    const gate = new VersionGate(make.version);
    const { error, ...made } = monitorJobs(object, { ...scope, assets, gate }, make.reading);
    const generated: GeneratedMonitor = {
      text: "text" in made ? made.text : "",
      error,
      ignored: gate.ignored,
      references: new Map([...assets.references].map((id) => [id, lookupReference(make.lookup, id)])),
      files: assets.files,
    };
    this.#known.set(object, generated);
    return generated;
  }
}

export interface MonitorScope {
  lookup: AssetLookup;
  /** Folder of TLS material, as the instance sees it. */
  certificates: string;
  version: string;
  reading: Reading;
}

function unchanged({ references }: GeneratedMonitor, lookup: AssetLookup): boolean {
  for (const [id, data] of references) if (lookupReference(lookup, id) !== data) return false;
  return true;
}
