/**
 * What happened: every transition of an alert, every notification with its outcome and reason, every silence. Kept as JSON lines in
 * one file a day, so that retention is deleting files and a query reads only the days it asks for. Writes are gathered for a moment;
 * a crash costs what was gathered.
 */
import { appendFileSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "@pharos/kit";
import { describeError } from "@pharos/model";
import { linesBackwards } from "./lines-backwards.ts";

interface Base {
  /** Unix ms. */
  time: number;
}

export interface AlertEvent extends Base {
  kind: "alert";
  state: "firing" | "resolved";
  fingerprint: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  startsAt: number;
  /** 0 while it fires. */
  endsAt: number;
}

export interface NotificationEvent extends Base {
  kind: "notification";
  outcome: "sent" | "failed" | "suppressed";
  receiver: string;
  /** `slack[0]`; "" where the whole receiver was suppressed. */
  integration: string;
  groupKey: string;
  groupLabels: Record<string, string>;
  /** Fingerprints. */
  firing: string[];
  resolved: string[];
  /** Why it was sent, or what suppressed it: `silence`, `inhibition`, `mute time interval`, `active time interval`. */
  reason: string;
  /** Silences, inhibiting alerts or intervals by fingerprint of the suppressed alert; "" for the whole group. */
  by?: Record<string, string[]>;
  attempts?: number;
  durationMs?: number;
  /** What the receiver said, or what went wrong. */
  response?: string;
}

export interface SilenceEvent extends Base {
  kind: "silence";
  action: "created" | "updated" | "expired" | "skipped";
  id: string;
  createdBy: string;
  comment: string;
  startsAt: number;
  endsAt: number;
  matchers: string[];
  /** The rule of the series it is one of. */
  recurrence?: string;
  series?: string;
}

export interface ConfigEvent extends Base {
  kind: "config";
  outcome: "loaded" | "refused";
  message: string;
}

export type HistoryEvent = AlertEvent | NotificationEvent | SilenceEvent | ConfigEvent;

export interface HistoryQuery {
  /** Unix ms; both inclusive. */
  from?: number;
  to?: number;
  kind?: HistoryEvent["kind"];
  /** `firing`, `sent`, `suppressed`, `created`… */
  outcome?: string;
  receiver?: string;
  fingerprint?: string;
  groupKey?: string;
  /** Tests labels of an alert or of a group. */
  labels?: (labels: Readonly<Record<string, string>>) => boolean;
  /** Most events; the newest come first. */
  limit: number;
}

export interface HistoryOptions {
  folder: string;
  /** ms; 0 keeps no history. */
  retention: number;
  /** Bytes of all files together; the oldest go first. */
  maxBytes: number;
  now: () => number;
  log: Logger;
}

const DAY_MS = 86_400_000;
const FLUSH_MS = 500;
/** Events gathered at most: beyond, they are written at once. */
const MAX_GATHERED = 1_000;
const NAME = /^\d{4}-\d{2}-\d{2}\.jsonl$/;
const MAX_RESPONSE = 500;

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

function outcomeOf(event: HistoryEvent): string {
  if (event.kind === "alert") return event.state;
  return event.kind === "silence" ? event.action : event.outcome;
}

function matches(event: HistoryEvent, query: HistoryQuery): boolean {
  const { from = 0, to = Number.POSITIVE_INFINITY, kind, outcome, receiver, fingerprint, groupKey, labels } = query;
  if (event.time < from || event.time > to) return false;
  if (kind && event.kind !== kind) return false;
  if (outcome && outcomeOf(event) !== outcome) return false;
  if (receiver && !(event.kind === "notification" && event.receiver === receiver)) return false;
  if (groupKey && !(event.kind === "notification" && event.groupKey === groupKey)) return false;
  if (fingerprint) {
    if (event.kind === "alert" && event.fingerprint !== fingerprint) return false;
    if (event.kind === "notification" && ![...event.firing, ...event.resolved].includes(fingerprint)) return false;
    if (event.kind !== "alert" && event.kind !== "notification") return false;
  }
  if (labels) {
    const own = event.kind === "alert" ? event.labels : event.kind === "notification" ? event.groupLabels : undefined;
    if (!own || !labels(own)) return false;
  }
  return true;
}

/** Whether a line may hold what is asked for, without reading it: most lines hold something else. */
function textFilter({ kind, receiver, fingerprint, groupKey }: HistoryQuery): (line: string) => boolean {
  const needles = [
    ...(kind ? [`"kind":${JSON.stringify(kind)}`] : []),
    ...[receiver, fingerprint, groupKey].flatMap((text) => (text ? [JSON.stringify(text)] : [])),
  ];
  return (line) => needles.every((needle) => line.includes(needle));
}

export class History implements Disposable {
  readonly #options: HistoryOptions;
  #gathered: HistoryEvent[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(options: HistoryOptions) {
    this.#options = options;
    if (options.retention > 0) mkdirSync(options.folder, { recursive: true });
  }

  record(event: HistoryEvent): void {
    if (this.#options.retention === 0) return;
    if (event.kind === "notification" && event.response) event.response = event.response.slice(0, MAX_RESPONSE);
    this.#gathered.push(event);
    if (this.#gathered.length >= MAX_GATHERED) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS).unref();
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const events = this.#gathered;
    if (events.length === 0) return;
    this.#gathered = [];
    const byDay = Map.groupBy(events, ({ time }) => dayOf(time));
    try {
      for (const [day, list] of byDay) {
        const lines = list.map((event) => `${JSON.stringify(event)}\n`).join("");
        appendFileSync(join(this.#options.folder, `${day}.jsonl`), lines);
      }
    } catch (error) {
      // History must not keep notifications from going out.
      this.#options.log.error("history could not be written", { events: events.length, err: describeError(error) });
    }
  }

  /**
   * Newest first. Files are read from their ends, a piece at a time, so that others are served meanwhile however much there is;
   * ends with the signal.
   */
  async query(query: HistoryQuery, signal?: AbortSignal): Promise<HistoryEvent[]> {
    if (this.#options.retention === 0) return [];
    this.flush();
    const { from = 0, to = Number.POSITIVE_INFINITY, limit } = query;
    const found: HistoryEvent[] = [];
    const mayMatch = textFilter(query);
    for (const name of this.#files().reverse()) {
      const start = Date.parse(name.slice(0, 10));
      if (start > to || start + DAY_MS <= from) continue;
      for await (const line of linesBackwards(join(this.#options.folder, name))) {
        signal?.throwIfAborted();
        if (line === "" || !mayMatch(line)) continue;
        let event: HistoryEvent;
        try {
          event = JSON.parse(line) as HistoryEvent;
        } catch {
          // Half written before a crash.
          continue;
        }
        if (!matches(event, query)) continue;
        found.push(event);
        if (found.length >= limit) return found;
      }
    }
    return found;
  }

  /** Forgets the days that are too old or too much. */
  collect(): void {
    if (this.#options.retention === 0) return;
    const { folder, retention, maxBytes, now } = this.#options;
    const files = this.#files();
    const sizes = files.map((name) => statSync(join(folder, name)).size);
    let total = sizes.reduce((sum, size) => sum + size, 0);
    for (const [i, name] of files.entries()) {
      const isOld = Date.parse(name.slice(0, 10)) + DAY_MS < now() - retention;
      // Today's file is being written.
      const isTooMuch = total > maxBytes && i < files.length - 1;
      if (!isOld && !isTooMuch) continue;
      rmSync(join(folder, name), { force: true });
      total -= sizes[i];
    }
  }

  #files(): string[] {
    const { folder } = this.#options;
    return existsSync(folder)
      ? readdirSync(folder)
          .filter((name) => NAME.test(name))
          .sort()
      : [];
  }

  [Symbol.dispose](): void {
    this.flush();
  }
}
