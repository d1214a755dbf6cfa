/** Silences: created, changed, expired; on disk before anybody is told that they exist. */
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { type Logger, writeFileAtomic } from "@pharos/kit";
import { describeError, type Labels, type MatchType, UserError } from "@pharos/model";
import { AlertMatcher, matchAll } from "./matcher/matcher.ts";

export interface SilenceMatcher {
  name: string;
  value: string;
  isRegex: boolean;
  isEqual: boolean;
}

export interface Silence {
  id: string;
  matchers: SilenceMatcher[];
  /** Unix ms, all. */
  startsAt: number;
  endsAt: number;
  updatedAt: number;
  createdBy: string;
  comment: string;
  annotations?: Record<string, string>;
}

export type SilenceState = "active" | "pending" | "expired";

const MAX_COMMENT = 64 * 1024;

export function silenceState({ startsAt, endsAt }: Silence, now: number): SilenceState {
  if (now < startsAt) return "pending";
  return now < endsAt ? "active" : "expired";
}

function operator({ isRegex, isEqual }: SilenceMatcher): MatchType {
  return isRegex ? (isEqual ? "=~" : "!~") : isEqual ? "=" : "!=";
}

export function compile(matchers: readonly SilenceMatcher[]): AlertMatcher[] {
  return matchers.map((matcher) => new AlertMatcher(operator(matcher), matcher.name, matcher.value));
}

function fail(message: string): UserError {
  return new UserError("alertmanager.silence", message);
}

export class Silences {
  readonly #path: string;
  readonly #retention: number;
  readonly #silences = new Map<string, { silence: Silence; matchers: AlertMatcher[] }>();
  /** Lines that could not be read: they stay in the file for whoever can mend them. */
  readonly #unreadable: string[] = [];

  constructor(path: string, retentionMs: number, log: Logger) {
    this.#path = path;
    this.#retention = retentionMs;
    if (!existsSync(path)) return;
    for (const line of readFileSync(path, "utf8").split("\n")) {
      if (line === "") continue;
      try {
        const silence = JSON.parse(line) as Silence;
        this.#silences.set(silence.id, { silence, matchers: compile(silence.matchers) });
      } catch (error) {
        this.#unreadable.push(`${line}\n`);
        log.error("a stored silence cannot be read and is left out; its line stays in the file", {
          file: path,
          err: describeError(error),
        });
      }
    }
  }

  all(): Silence[] {
    return [...this.#silences.values()].map(({ silence }) => silence);
  }

  get(id: string): Silence | undefined {
    return this.#silences.get(id)?.silence;
  }

  /** Ids of the active silences that match, sorted. */
  matching(labels: Labels, now: number): string[] {
    const ids: string[] = [];
    for (const { silence, matchers } of this.#silences.values()) {
      if (silenceState(silence, now) === "active" && matchAll(matchers, labels)) ids.push(silence.id);
    }
    return ids.sort();
  }

  /**
   * Creates a silence, or changes the one with the given id: in place when that does not rewrite the past, else by expiring it
   * and making a new one. Answers the id that holds now; a UserError when it is not a silence, undefined for an unknown id.
   */
  set(input: Omit<Silence, "id" | "updatedAt"> & { id?: string }, now: number): string | undefined {
    const { matchers, startsAt, endsAt, createdBy, comment } = input;
    if (matchers.length === 0) throw fail("silence invalid: at least one matcher required");
    let compiled: AlertMatcher[];
    try {
      compiled = compile(matchers);
    } catch (error) {
      throw fail(`silence invalid: invalid label matcher: ${describeError(error)}`);
    }
    if (matchers.some(({ name }) => name === ""))
      throw fail('silence invalid: invalid label matcher 0: invalid label name ""');
    if (compiled.every((matcher) => matcher.matches("")))
      throw fail("silence invalid: at least one matcher must not match the empty string");
    if (!Number.isFinite(startsAt) || !Number.isFinite(endsAt))
      throw fail("silence invalid: invalid start or end timestamp");
    if (endsAt <= startsAt) throw fail("silence invalid: end time must not be before start time");
    if (comment.length > MAX_COMMENT) throw fail(`silence invalid: comment is longer than ${MAX_COMMENT} characters`);
    if (endsAt < now) throw fail("silence invalid: end time can't be in the past");
    const old = input.id ? this.get(input.id) : undefined;
    if (input.id && !old) return undefined;
    const changes = { matchers, startsAt, endsAt, updatedAt: now, createdBy, comment, annotations: input.annotations };
    if (old) {
      const state = silenceState(old, now);
      const sameMatchers = JSON.stringify(old.matchers) === JSON.stringify(matchers);
      const sameStart = Math.floor(old.startsAt / 1000) === Math.floor(startsAt / 1000);
      const inPlace = sameMatchers && ((state === "active" && sameStart) || (state === "pending" && startsAt >= now));
      if (inPlace) {
        this.#store({ ...old, ...changes }, compiled);
        return old.id;
      }
      if (state !== "expired") this.expire(old.id, now);
    }
    const silence: Silence = { id: randomUUID(), ...changes, startsAt: Math.max(startsAt, now) };
    this.#store(silence, compiled);
    return silence.id;
  }

  /** False for an unknown id; a UserError when it has ended already. */
  expire(id: string, now: number): boolean {
    const entry = this.#silences.get(id);
    if (!entry) return false;
    const { silence, matchers } = entry;
    const state = silenceState(silence, now);
    if (state === "expired") throw fail(`silence ${id} already expired`);
    this.#store(
      { ...silence, endsAt: now, startsAt: state === "pending" ? now : silence.startsAt, updatedAt: now },
      matchers,
    );
    return true;
  }

  /** Forgets silences that ended long ago. */
  collect(now: number): void {
    let changed = false;
    for (const [id, { silence }] of this.#silences) {
      if (silence.endsAt + this.#retention >= now) continue;
      this.#silences.delete(id);
      changed = true;
    }
    if (changed) this.#write();
  }

  #store(silence: Silence, matchers: AlertMatcher[]): void {
    const before = this.#silences.get(silence.id);
    this.#silences.set(silence.id, { silence, matchers });
    try {
      this.#write();
    } catch (error) {
      // Not on disk: it does not exist.
      if (before) this.#silences.set(silence.id, before);
      else this.#silences.delete(silence.id);
      throw error;
    }
  }

  #write(): void {
    writeFileAtomic(
      this.#path,
      [...this.#unreadable, ...this.all().map((silence) => `${JSON.stringify(silence)}\n`)].join(""),
    );
  }
}
