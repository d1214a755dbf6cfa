/**
 * Silences of versions of Pharos that kept JSON lines. Their notification log is not taken over: it knew alerts by another hash. What
 * fires is told once more after the change.
 */
import { existsSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "@pharos/kit";
import { describeError } from "@pharos/model";
import { encodeSilence } from "./proto/silence.ts";
import type { SilenceMatcher, Silences } from "./silences.ts";

interface OldSilence {
  id: string;
  matchers: SilenceMatcher[];
  startsAt: number;
  endsAt: number;
  updatedAt: number;
  createdBy: string;
  comment: string;
  annotations?: Record<string, string>;
}

/** Takes the old files' content and renames them; lines that cannot be read stay in the renamed file. */
export function migrateStorage(folder: string, silences: Silences, retention: number, log: Logger): void {
  const old = join(folder, "silences.jsonl");
  if (existsSync(old)) {
    let taken = 0;
    for (const line of readFileSync(old, "utf8").split("\n")) {
      if (line === "") continue;
      try {
        const { matchers, annotations = {}, ...rest } = JSON.parse(line) as OldSilence;
        const silence = { ...rest, annotations, matcherSets: [matchers], receiverMatcherSets: [] };
        if (silences.merge(encodeSilence({ silence, expiresAt: silence.endsAt + retention }))) taken++;
      } catch (error) {
        log.error("a silence of an older version cannot be read", { file: old, err: describeError(error) });
      }
    }
    renameSync(old, `${old}.migrated`);
    log.info("silences of an older version were taken over", { silences: taken });
  }
  const notifications = join(folder, "notifications.jsonl");
  if (existsSync(notifications)) renameSync(notifications, `${notifications}.migrated`);
}
