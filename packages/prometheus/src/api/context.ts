/** What the API's handlers see of the server. */
import type { Registry } from "@pharos/kit";
import type { Queryable } from "@pharos/model";
import type { Notifier } from "@pharos/notify";
import type { Engine } from "@pharos/promql";
import type { WriteVersion } from "@pharos/remote";
import type { RuleManager } from "@pharos/rules";
import type { ScrapeManager } from "@pharos/scrape";
import type { Db } from "@pharos/tsdb";
import type { Features } from "../features.ts";
import type { Notifications } from "../notifications.ts";

/** What the API of targets needs; without a notifier there are no Alertmanagers to show. */
export type TargetsContext = Pick<ApiContext, "scrape" | "externalUrl" | "listenPort" | "poolConfigText"> &
  Partial<Pick<ApiContext, "notifier">>;

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
  readonly enableLifecycle: boolean;
  readonly features: Features;
  readonly registry: Registry;
  readonly notifications: Notifications;
  /** Whether OTLP is taken. */
  readonly otlpReceiver: boolean;
  /** Whether the configuration is looked at by itself. */
  readonly autoReload: boolean;
  /** Port of the first address it listens on. */
  readonly listenPort: number;
  /** As clients reach it, without a slash at the end. */
  externalUrl(): string;
  /** Whether others may write samples here, and in which versions of the protocol. */
  readonly remoteWrite: { enabled: boolean; versions: readonly WriteVersion[] };
  /** As /status/runtimeinfo shows it, e.g. `15d or 512MB`. */
  retentionText(): string;
  /** The running configuration with secrets redacted. */
  configText(): string;
  /** The same of one job. */
  poolConfigText(pool: string): string;
  reloadStatus(): { successful: boolean; lastSuccess: number };
  replay(): { min: number; max: number; current: number; state: string };
  now(): number;
}
