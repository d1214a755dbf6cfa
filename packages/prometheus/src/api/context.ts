/** What the API's handlers see of the server. */
import type { Queryable } from "@pharos/model";
import type { Notifier } from "@pharos/notify";
import type { Engine } from "@pharos/promql";
import type { WriteVersion } from "@pharos/remote";
import type { RuleManager } from "@pharos/rules";
import type { ScrapeManager } from "@pharos/scrape";
import type { Db } from "@pharos/tsdb";

export interface ApiContext {
  readonly engine: Engine;
  readonly storage: Queryable;
  readonly db: Db;
  readonly rules: RuleManager;
  readonly scrape: ScrapeManager;
  readonly notifier: Notifier;
  readonly version: string;
  readonly flags: Readonly<Record<string, string>>;
  readonly storagePath: string;
  readonly enableAdminApi: boolean;
  /** Whether others may write samples here, and in which versions of the protocol. */
  readonly remoteWrite: { enabled: boolean; versions: readonly WriteVersion[] };
  /** As /status/runtimeinfo shows it, e.g. `15d or 512MB`. */
  retentionText(): string;
  /** The running configuration with secrets redacted. */
  configText(): string;
  reloadStatus(): { successful: boolean; lastSuccess: number };
  replay(): { min: number; max: number; current: number; state: string };
  now(): number;
}
