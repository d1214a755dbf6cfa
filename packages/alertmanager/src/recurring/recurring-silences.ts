/** Recurring silences: makes each window's silence ahead of time, skips one, ends a series. */
import { randomUUID } from "node:crypto";
import type { Logger } from "@pharos/kit";
import { describeError } from "@pharos/model";
import { type Silence, type SilenceInput, type Silences, silenceState } from "../silences.ts";
import { formatRecurrence, nextWindows, parseRecurrence, type Recurrence, type Window } from "./recurrence.ts";
import { ANNOTATION, seriesOf, wasEnded, wasSkipped, windowId } from "./series.ts";

export interface RecurringSilencesOptions {
  silences: Silences;
  now: () => number;
  log: Logger;
}

export interface Series {
  id: string;
  rule: Recurrence;
  /** That of the newest statement about it. */
  matcherSets: Silence["matcherSets"];
  createdBy: string;
  comment: string;
  /** `active` while a window holds, `pending` until the next one, `expired` when none will come. */
  state: "active" | "pending" | "expired";
  /** The silences that are known, by their starts. */
  silences: Silence[];
  /** The next windows with what will become of them. */
  windows: (Window & { skipped: boolean })[];
}

const CHECK_MS = 30_000;
/** Windows that are shown. */
const SHOWN_WINDOWS = 5;

export class RecurringSilences implements Disposable {
  readonly #options: RecurringSilencesOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #complained = new Set<string>();
  #soon: NodeJS.Immediate | undefined;
  #checking = false;

  constructor(options: RecurringSilencesOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.check(), CHECK_MS).unref();
  }

  /** Makes a series and the silences of its first windows; answers its id. Throws a SilenceError or a UserError. */
  add(input: Omit<SilenceInput, "id" | "startsAt" | "endsAt">, rule: Recurrence): string {
    const { now } = this.#options;
    const series = randomUUID();
    const template = { ...input, annotations: { ...input.annotations, ...marks(series, rule) } };
    const windows = due(rule, now());
    if (windows.length === 0) throw new RangeError("the recurrence has no window to come");
    try {
      for (const window of windows) this.#make(series, template, window, now());
    } catch (error) {
      this.end(series);
      throw error;
    }
    return series;
  }

  list(): Series[] {
    const found: Series[] = [];
    for (const [id, silences] of this.#groups()) {
      const rule = this.#ruleOf(id, silences);
      if (rule) found.push(this.#series(id, rule, silences));
    }
    return found;
  }

  get(id: string): Series | undefined {
    const silences = this.#groups().get(id);
    const rule = silences && this.#ruleOf(id, silences);
    return silences && rule && this.#series(id, rule, silences);
  }

  /** Ends the window that holds, or leaves the next one out; answers its silence, undefined when there is none. */
  skip(id: string): Silence | undefined {
    const { silences, now } = this.#options;
    const at = now();
    const next = this.get(id)?.silences.find((silence) => silenceState(silence, at) !== "expired");
    if (!next) return undefined;
    // Kept as long as its window would be, for otherwise it would be made again.
    silences.expire(next.id, { annotations: { [ANNOTATION.skipped]: "true" }, until: next.endsAt });
    this.check();
    return silences.get(next.id);
  }

  /** No window comes any more, and the one that holds is over. False for an unknown id. */
  end(id: string): boolean {
    const { silences, now } = this.#options;
    const series = this.get(id);
    if (!series) return false;
    for (const silence of series.silences) if (silenceState(silence, now()) !== "expired") silences.expire(silence.id);
    return true;
  }

  /** To be called after each change of a silence, of this or another replica. */
  changed(silence: Silence): void {
    if (this.#checking || seriesOf(silence) === undefined) return;
    this.#soon ??= setImmediate(() => {
      this.#soon = undefined;
      this.check();
    });
  }

  /** Makes the silences that are due, and ends those of series that somebody has ended. */
  check(): void {
    const { silences, now, log } = this.#options;
    const at = now();
    this.#checking = true;
    try {
      for (const [id, members] of this.#groups()) {
        const rule = this.#ruleOf(id, members);
        if (!rule) continue;
        if (isEnded(members)) {
          for (const silence of members) if (silenceState(silence, at) !== "expired") silences.expire(silence.id);
          continue;
        }
        const known = new Set(members.map(windowOf));
        const template = newest(members);
        for (const window of due(rule, at, skippedOf(members))) {
          if (known.has(nameOf(window))) continue;
          try {
            this.#make(id, template, window, template.updatedAt);
          } catch (error) {
            log.error("the silence of a recurring one could not be made", { series: id, err: describeError(error) });
          }
        }
      }
    } finally {
      this.#checking = false;
    }
  }

  #groups(): Map<string, Silence[]> {
    const groups = new Map<string, Silence[]>();
    for (const silence of this.#options.silences.all()) {
      const id = seriesOf(silence);
      if (id === undefined) continue;
      const group = groups.get(id);
      if (group) group.push(silence);
      else groups.set(id, [silence]);
    }
    for (const group of groups.values()) group.sort((a, b) => a.startsAt - b.startsAt);
    return groups;
  }

  #ruleOf(id: string, silences: readonly Silence[]): Recurrence | undefined {
    const text = newest(silences).annotations[ANNOTATION.rule];
    try {
      return parseRecurrence(text);
    } catch (error) {
      if (!this.#complained.has(id))
        this.#options.log.warn("the rule of a recurring silence cannot be read", {
          series: id,
          err: describeError(error),
        });
      this.#complained.add(id);
      return undefined;
    }
  }

  #series(id: string, rule: Recurrence, silences: Silence[]): Series {
    const at = this.#options.now();
    const { matcherSets, createdBy, comment } = newest(silences);
    const skipped = skippedOf(silences);
    const windows = isEnded(silences)
      ? []
      : nextWindows(rule, at, SHOWN_WINDOWS).map((window) => ({
          ...window,
          skipped: skipped.has(nameOf(window)),
        }));
    const holds = silences.some((silence) => silenceState(silence, at) === "active");
    const state = holds ? "active" : windows.some((window) => !window.skipped) ? "pending" : "expired";
    return { id, rule, matcherSets, createdBy, comment, state, silences, windows };
  }

  /**
   * The stamp is no later than that of what somebody may say about the silence: a replica that makes it late, because it had not
   * heard of it, does not bring back what was ended.
   */
  #make(
    series: string,
    template: Omit<SilenceInput, "id" | "startsAt" | "endsAt">,
    window: Window,
    updatedAt: number,
  ): void {
    const { [ANNOTATION.skipped]: _skipped, ...annotations } = template.annotations ?? {};
    this.#options.silences.create({
      id: windowId(series, window.startsAt),
      matcherSets: template.matcherSets,
      receiverMatcherSets: [],
      ...window,
      updatedAt,
      createdBy: template.createdBy,
      comment: template.comment,
      annotations: { ...annotations, [ANNOTATION.window]: nameOf(window) },
    });
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    clearImmediate(this.#soon);
  }
}

function marks(series: string, rule: Recurrence): Record<string, string> {
  return { [ANNOTATION.rule]: formatRecurrence(rule), [ANNOTATION.series]: series };
}

/** The window that holds, if one does, and the next one that is not skipped, with what is skipped before it. */
function due(rule: Recurrence, now: number, skipped: ReadonlySet<string> = new Set()): Window[] {
  const windows = nextWindows(rule, now, skipped.size + 2);
  const next = windows.findIndex((window) => window.startsAt > now && !skipped.has(nameOf(window)));
  return next < 0 ? windows : windows.slice(0, next + 1);
}

/** As annotations have it. */
function nameOf({ startsAt }: Window): string {
  return new Date(startsAt).toISOString();
}

function skippedOf(silences: readonly Silence[]): Set<string> {
  return new Set(silences.filter(wasSkipped).map(windowOf));
}

function windowOf({ annotations }: Silence): string {
  return annotations[ANNOTATION.window] ?? "";
}

/** What somebody said last counts for the windows to come. */
function newest(silences: readonly Silence[]): Silence {
  return silences.reduce((best, silence) =>
    silence.updatedAt > best.updatedAt || (silence.updatedAt === best.updatedAt && silence.startsAt > best.startsAt)
      ? silence
      : best,
  );
}

/** Somebody who knows only of silences has ended one: they want no more of them. */
function isEnded(silences: readonly Silence[]): boolean {
  return silences.some((silence) => wasEnded(silence) && !wasSkipped(silence));
}
