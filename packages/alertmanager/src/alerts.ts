/** The alerts Alertmanager knows of now: merged as they come in, forgotten some time after they ended. */
import { compareStrings, type Labels } from "@pharos/model";

export interface StoredAlert {
  labels: Labels;
  /** May hold empty values, unlike labels. */
  annotations: Labels;
  /** Unix ms, all. */
  startsAt: number;
  /** 0 during a flush: it fires. */
  endsAt: number;
  updatedAt: number;
  generatorURL: string;
  /** `endsAt` is only when to stop believing in it, not what somebody said. */
  timeout: boolean;
}

const fingerprints = new WeakMap<Labels, string>();
const encoder = new TextEncoder();
let scratch = new Uint8Array(1024);

/**
 * FNV-1a 64 over sorted names and values, each followed by 0xff, as 16 hex digits: part of the API. The product with the prime
 * 2^40 + 0x1b3 is made of 16-bit limbs, since BigInt would cost a hundred times as much.
 */
function computeFingerprint(labels: Labels): string {
  let [h0, h1, h2, h3] = [0x2325, 0x8422, 0x9ce4, 0xcbf2];
  const step = (byte: number): void => {
    h0 ^= byte;
    const p0 = h0 * 0x1b3;
    const p1 = h1 * 0x1b3 + (p0 >>> 16);
    const p2 = h2 * 0x1b3 + ((h0 & 0xff) << 8) + (p1 >>> 16);
    const p3 = h3 * 0x1b3 + (h0 >>> 8) + ((h1 & 0xff) << 8) + (p2 >>> 16);
    h0 = p0 & 0xffff;
    h1 = p1 & 0xffff;
    h2 = p2 & 0xffff;
    h3 = p3 & 0xffff;
  };
  for (const text of labels.pairs) {
    if (text.length * 3 > scratch.length) scratch = new Uint8Array(text.length * 3);
    const { written } = encoder.encodeInto(text, scratch);
    for (let i = 0; i < written; i++) step(scratch[i]);
    step(0xff);
  }
  return [h3, h2, h1, h0].map((limb) => limb.toString(16).padStart(4, "0")).join("");
}

export function fingerprint(labels: Labels): string {
  let found = fingerprints.get(labels);
  if (found === undefined) fingerprints.set(labels, (found = computeFingerprint(labels)));
  return found;
}

export function isResolved({ endsAt }: StoredAlert, now: number): boolean {
  return endsAt !== 0 && endsAt <= now;
}

/**
 * Two statements about one alert, as upstream merges them: the newer one counts, with the earliest start. While it still fires a
 * later end that somebody stated explicitly stays; once it is resolved the latest end of both does.
 */
export function mergeAlerts(old: StoredAlert, next: StoredAlert): StoredAlert {
  const [older, newer] = next.updatedAt < old.updatedAt ? [next, old] : [old, next];
  const merged = { ...newer, startsAt: Math.min(older.startsAt, newer.startsAt) };
  const now = newer.updatedAt;
  const keepsOlderEnd = isResolved(newer, now) ? isResolved(older, now) : !older.timeout;
  if (keepsOlderEnd && older.endsAt > newer.endsAt) merged.endsAt = older.endsAt;
  return merged;
}

/** Whether a statement is about the same time the alert was known for; otherwise it is another alert that takes its place. */
function overlaps(old: StoredAlert, next: StoredAlert): boolean {
  const within = (ms: number): boolean => ms > old.startsAt && ms < old.endsAt;
  return within(next.endsAt) || within(next.startsAt);
}

/** Upstream's order of alerts in a notification: job, instance, then all labels. */
export function compareAlerts(a: StoredAlert, b: StoredAlert): number {
  for (const name of ["job", "instance"]) {
    const [x, y] = [a.labels.get(name), b.labels.get(name)];
    if (x === y) continue;
    if (x === "") return 1;
    if (y === "") return -1;
    return compareStrings(x, y);
  }
  return compareLabelSets(a.labels, b.labels);
}

/** Fewer labels come first; then by the first name or value that differs. */
export function compareLabelSets(a: Labels, b: Labels): number {
  if (a.size !== b.size) return a.size - b.size;
  for (let i = 0; i < a.pairs.length; i += 2) {
    const byName = compareStrings(a.pairs[i], b.pairs[i]);
    // Who lacks a name that the other has comes first.
    if (byName !== 0) return -byName;
    const byValue = compareStrings(a.pairs[i + 1], b.pairs[i + 1]);
    if (byValue !== 0) return byValue;
  }
  return 0;
}

/** What is repeated every minute is kept as it was: the label set with its hashes, and nothing of the repetition. */
function keepSame(old: StoredAlert, next: StoredAlert): StoredAlert {
  return {
    ...next,
    labels: old.labels,
    annotations: old.annotations.equals(next.annotations) ? old.annotations : next.annotations,
    generatorURL: old.generatorURL === next.generatorURL ? old.generatorURL : next.generatorURL,
  };
}

export interface AlertListener {
  /** `before` is what was known of it until now. */
  put(alert: StoredAlert, before: StoredAlert | undefined): void;
  forgotten?(alerts: readonly StoredAlert[]): void;
}

export interface AlertStoreOptions {
  /** Most alerts of one name; 0: any. */
  perAlertNameLimit?: number;
  /** An alert was refused because of the limit. */
  limited?: (alertname: string) => void;
}

export class AlertStore {
  readonly #alerts = new Map<string, StoredAlert>();
  readonly #listeners = new Set<AlertListener>();
  readonly #perName = new Map<string, number>();
  readonly #limit: number;
  readonly #limited: (alertname: string) => void;

  constructor({ perAlertNameLimit = 0, limited = () => {} }: AlertStoreOptions = {}) {
    this.#limit = perAlertNameLimit;
    this.#limited = limited;
  }

  put(alerts: readonly StoredAlert[]): void {
    for (const alert of alerts) {
      const key = fingerprint(alert.labels);
      const old = this.#alerts.get(key);
      if (!old && !this.#admit(alert)) continue;
      let merged = old && overlaps(old, alert) ? mergeAlerts(old, alert) : alert;
      if (old) merged = keepSame(old, merged);
      this.#alerts.set(key, merged);
      for (const listener of this.#listeners) listener.put(merged, old);
    }
  }

  #admit(alert: StoredAlert): boolean {
    const name = alert.labels.get("alertname");
    const count = this.#perName.get(name) ?? 0;
    if (this.#limit > 0 && count >= this.#limit) {
      this.#limited(name);
      return false;
    }
    this.#perName.set(name, count + 1);
    return true;
  }

  /** In order of fingerprints. */
  all(): StoredAlert[] {
    return [...this.#alerts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, alert]) => alert);
  }

  values(): IterableIterator<StoredAlert> {
    return this.#alerts.values();
  }

  get size(): number {
    return this.#alerts.size;
  }

  get(key: string): StoredAlert | undefined {
    return this.#alerts.get(key);
  }

  subscribe(listener: AlertListener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  /** Forgets what has ended. */
  collect(now: number): void {
    const gone: StoredAlert[] = [];
    for (const [key, alert] of this.#alerts) {
      if (!isResolved(alert, now)) continue;
      this.#alerts.delete(key);
      gone.push(alert);
      const name = alert.labels.get("alertname");
      const count = (this.#perName.get(name) ?? 1) - 1;
      if (count > 0) this.#perName.set(name, count);
      else this.#perName.delete(name);
    }
    if (gone.length > 0) for (const listener of this.#listeners) listener.forgotten?.(gone);
  }
}
