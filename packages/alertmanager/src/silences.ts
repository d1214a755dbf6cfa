/**
 * Silences: created, changed, expired; on disk before anybody is told that they exist. The file is upstream's `silences`.
 */
import { randomUUID } from "node:crypto";
import type { Logger } from "@pharos/kit";
import { describeError, type Labels, type MatchType, UserError } from "@pharos/model";
import { MatcherSyntax } from "./matcher/compat.ts";
import { AlertMatcher, matchAll } from "./matcher/matcher.ts";
import { decodeSilence, encodeSilence, type MeshSilence } from "./proto/silence.ts";
import { keepSeries, leaveSeries } from "./recurring/series.ts";
import { SnapshotFile } from "./snapshot.ts";

export interface SilenceMatcher {
  name: string;
  value: string;
  isRegex: boolean;
  isEqual: boolean;
}

export interface Silence {
  id: string;
  /** One of the sets must match, with all its matchers. The API knows of the first set only. */
  matcherSets: SilenceMatcher[][];
  /** Kept for who reads the file; no version of upstream acts on them. */
  receiverMatcherSets: SilenceMatcher[][];
  /** Unix ms, all. */
  startsAt: number;
  endsAt: number;
  updatedAt: number;
  createdBy: string;
  comment: string;
  annotations: Record<string, string>;
}

export type SilenceState = "active" | "pending" | "expired";

export interface SilenceInput {
  /** "" makes a new one. */
  id: string;
  matcherSets: SilenceMatcher[][];
  /** undefined: now. */
  startsAt: number | undefined;
  endsAt: number | undefined;
  createdBy: string;
  comment: string;
  annotations?: Record<string, string>;
}

export interface SilencesOptions {
  path: string;
  /** ms after the end. */
  retention: number;
  now: () => number;
  log: Logger;
  syntax?: MatcherSyntax;
  /** Expired ones count; 0: any. */
  maxSilences?: number;
  /** Bytes of the encoded silence; 0: any. */
  maxSilenceSize?: number;
  /** Log each change. */
  logChanges?: boolean;
}

export function silenceState({ startsAt, endsAt }: Pick<Silence, "startsAt" | "endsAt">, now: number): SilenceState {
  if (now < startsAt) return "pending";
  return now < endsAt ? "active" : "expired";
}

function operator({ isRegex, isEqual }: SilenceMatcher): MatchType {
  return isRegex ? (isEqual ? "=~" : "!~") : isEqual ? "=" : "!=";
}

function compile(sets: readonly SilenceMatcher[][]): AlertMatcher[][] {
  return sets.map((set) => set.map((matcher) => new AlertMatcher(operator(matcher), matcher.name, matcher.value)));
}

export class SilenceError extends UserError {
  constructor(message: string) {
    super("alertmanager.silence", message);
  }
}

/** Only positive matchers can match the absence of a label here, as upstream has it. */
function matchesEmpty(matcher: AlertMatcher): boolean {
  if (matcher.type === "=") return matcher.value === "";
  return matcher.type === "=~" && matcher.matches("");
}

/** Throws a SilenceError with upstream's words; answers the compiled matchers. */
export function validateSilence(input: SilenceInput, syntax: MatcherSyntax): AlertMatcher[][] {
  const { matcherSets, startsAt, endsAt } = input;
  if (matcherSets.length === 0) throw new SilenceError("invalid silence: at least one matcher set required");
  for (const [setIndex, set] of matcherSets.entries()) {
    if (set.length === 0) throw new SilenceError(`invalid silence: matcher set ${setIndex} is empty`);
    const compiled = set.map((matcher, i) => {
      const where = `invalid silence: invalid label matcher ${i} in set ${setIndex}`;
      if (!syntax.isLabelName(matcher.name))
        throw new SilenceError(`${where}: invalid label name ${JSON.stringify(matcher.name)}`);
      if (!matcher.value.isWellFormed())
        throw new SilenceError(`${where}: invalid label value ${JSON.stringify(matcher.value)}`);
      try {
        return new AlertMatcher(operator(matcher), matcher.name, matcher.value);
      } catch (error) {
        throw new SilenceError(
          `${where}: invalid regular expression ${JSON.stringify(matcher.value)}: ${describeError(error)}`,
        );
      }
    });
    if (compiled.every(matchesEmpty))
      throw new SilenceError(
        `invalid silence: matcher set ${setIndex}: at least one matcher must not match the empty string`,
      );
  }
  if (startsAt === undefined) throw new SilenceError("invalid silence: invalid zero start timestamp");
  if (endsAt === undefined) throw new SilenceError("invalid silence: invalid zero end timestamp");
  if (endsAt < startsAt) throw new SilenceError("invalid silence: end time must not be before start time");
  return compile(matcherSets);
}

/** Whether a change leaves the past as it was; otherwise the old silence ends and a new one begins. */
export function canUpdate(
  old: Silence,
  next: Pick<Silence, "matcherSets" | "startsAt" | "endsAt">,
  now: number,
): boolean {
  if (JSON.stringify(old.matcherSets) !== JSON.stringify(next.matcherSets)) return false;
  // Upstream's end is the last moment that is still within.
  switch (now === old.endsAt ? "active" : silenceState(old, now)) {
    case "active":
      return Math.floor(old.startsAt / 1000) === Math.floor(next.startsAt / 1000) && next.endsAt >= now;
    case "pending":
      return next.startsAt >= now;
    case "expired":
      return false;
  }
}

interface Stored {
  silence: Silence;
  matchers: AlertMatcher[][];
  /** Unix ms: when it is forgotten. */
  expiresAt: number;
}

export class Silences implements Disposable {
  /** How often it was asked what is silenced. */
  queries = 0;
  readonly #options: SilencesOptions;
  readonly #syntax: MatcherSyntax;
  readonly #silences = new Map<string, Stored>();
  readonly #file: SnapshotFile;
  /** Tells the other replicas. */
  broadcast: (silence: Uint8Array) => void = () => {};
  /** Called after each change. */
  changed: (silence: Silence, before: Silence | undefined) => void = () => {};

  constructor(options: SilencesOptions) {
    this.#options = options;
    this.#syntax = options.syntax ?? new MatcherSyntax();
    this.#file = new SnapshotFile(options.path, (message) => this.#keep(decodeSilence(message)), options.log);
  }

  #keep({ silence, expiresAt }: MeshSilence): void {
    this.#silences.set(silence.id, { silence, matchers: compile(silence.matcherSets), expiresAt });
  }

  all(): Silence[] {
    return [...this.#silences.values()].map(({ silence }) => silence);
  }

  get size(): number {
    return this.#silences.size;
  }

  get(id: string): Silence | undefined {
    return this.#silences.get(id)?.silence;
  }

  /** Ids of the active silences that match, sorted. */
  matching(labels: Labels, now: number): string[] {
    this.queries++;
    const ids: string[] = [];
    for (const { silence, matchers } of this.#silences.values()) {
      if (silence.startsAt > now || silence.endsAt <= now) continue;
      if (matchers.some((set) => matchAll(set, labels))) ids.push(silence.id);
    }
    return ids.sort();
  }

  /**
   * Creates a silence, or changes the one with the given id: in place when that does not rewrite the past, else by expiring it
   * and making a new one. Answers the id that holds now; throws a SilenceError when it is not a silence; undefined for an unknown id.
   */
  set(input: SilenceInput): string | undefined {
    const { now: clock, maxSilences = 0 } = this.#options;
    const now = clock();
    const given = { ...input, startsAt: input.startsAt ?? now };
    validateSilence(given, this.#syntax);
    const old = this.get(input.id);
    if (input.id !== "" && !old) return undefined;
    const silence: Silence = {
      id: input.id,
      matcherSets: input.matcherSets,
      receiverMatcherSets: old?.receiverMatcherSets ?? [],
      startsAt: given.startsAt,
      endsAt: given.endsAt!,
      updatedAt: now,
      createdBy: input.createdBy,
      comment: input.comment,
      annotations: keepSeries(input.annotations, old),
    };
    if (old && canUpdate(old, silence, now)) {
      this.#store(silence, "update silence");
      return silence.id;
    }
    if (maxSilences > 0 && this.#silences.size + 1 > maxSilences)
      throw new SilenceError(`exceeded maximum number of silences: ${this.#silences.size} (limit: ${maxSilences})`);
    const created = { ...silence, id: randomUUID(), startsAt: Math.max(silence.startsAt, now) };
    if (old) created.annotations = leaveSeries(created, silenceState(old, now) !== "expired");
    this.#checkSize(created);
    if (old && silenceState(old, now) !== "expired") this.expire(old.id);
    this.#store(created, "create silence");
    return created.id;
  }

  /** Stores a new silence under the id it has; throws a SilenceError when it is none or one too many. */
  create(silence: Silence): void {
    const { maxSilences = 0 } = this.#options;
    validateSilence(silence, this.#syntax);
    if (maxSilences > 0 && this.#silences.size + 1 > maxSilences)
      throw new SilenceError(`exceeded maximum number of silences: ${this.#silences.size} (limit: ${maxSilences})`);
    this.#store(silence, "create silence");
  }

  /**
   * False for an unknown id; one that has ended already stays as it is. `mark` adds annotations and has it kept as if it had ended
   * at `until` (Unix ms).
   */
  expire(id: string, mark?: { annotations: Record<string, string>; until: number }): boolean {
    const silence = this.get(id);
    if (!silence) return false;
    const now = this.#options.now();
    const state = silenceState(silence, now);
    if (state === "expired") return true;
    const startsAt = state === "pending" ? now : silence.startsAt;
    const annotations = { ...silence.annotations, ...mark?.annotations };
    this.#store({ ...silence, annotations, startsAt, endsAt: now, updatedAt: now }, "expire silence", mark?.until);
    return true;
  }

  /** A silence of another replica; true when it was news. Throws a ProtoError when it is none. */
  merge(message: Uint8Array): boolean {
    const mesh = decodeSilence(message);
    if (mesh.expiresAt < this.#options.now()) return false;
    const before = this.get(mesh.silence.id);
    if (before && before.updatedAt >= mesh.silence.updatedAt) return false;
    this.#file.append(message);
    this.#keep(mesh);
    this.changed(mesh.silence, before);
    return true;
  }

  encoded(): Uint8Array[] {
    return [...this.#silences.values()].map(encodeSilence);
  }

  /** Those that are not over first, then the newest. */
  ranked(): Uint8Array[] {
    const now = this.#options.now();
    const isOver = ({ silence }: Stored): number => Number(silence.endsAt <= now);
    return [...this.#silences.values()]
      .sort((a, b) => isOver(a) - isOver(b) || b.silence.updatedAt - a.silence.updatedAt)
      .map(encodeSilence);
  }

  /** Forgets silences that ended long ago and writes the file anew; answers its size in bytes. */
  snapshot(): number {
    const now = this.#options.now();
    for (const [id, { expiresAt }] of this.#silences) if (expiresAt <= now) this.#silences.delete(id);
    return this.#file.rewrite(this.encoded());
  }

  #encode(silence: Silence, until = silence.endsAt): { expiresAt: number; encoded: Uint8Array } {
    const expiresAt = until + this.#options.retention;
    return { expiresAt, encoded: encodeSilence({ silence, expiresAt }) };
  }

  #checkSize(silence: Silence): void {
    const { maxSilenceSize: limit = 0 } = this.#options;
    const size = this.#encode(silence).encoded.length;
    if (limit > 0 && size > limit)
      throw new SilenceError(`silence exceeded maximum size: ${size} bytes (limit: ${limit} bytes)`);
  }

  #store(silence: Silence, what: string, until?: number): void {
    this.#checkSize(silence);
    const before = this.get(silence.id);
    const { expiresAt, encoded } = this.#encode(silence, until);
    // Not on disk: it does not exist.
    this.#file.append(encoded);
    this.#keep({ silence, expiresAt });
    if (this.#file.isMostlyOld(this.#silences.size)) this.snapshot();
    if (this.#options.logChanges) {
      const { id, createdBy, comment } = silence;
      this.#options.log.info(what, { id, created_by: createdBy, comment });
    }
    this.broadcast(encoded);
    this.changed(silence, before);
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}
