/** The alerts Alertmanager knows of now: merged as they come in, forgotten some time after they ended. */
import { compareStrings, type Labels } from "@pharos/model";

export interface StoredAlert {
  labels: Labels;
  annotations: Labels;
  /** Unix ms, all. */
  startsAt: number;
  endsAt: number;
  updatedAt: number;
  generatorURL: string;
  /** `endsAt` is only when to stop believing in it, not what somebody said. */
  timeout: boolean;
}

const PRIME = 0x100000001b3n;
const OFFSET = 0xcbf29ce484222325n;

/** FNV-1a 64 over sorted names and values, 16 hex digits: part of the API. */
export function fingerprint(labels: Labels): string {
  let hash = OFFSET;
  const add = (byte: number): void => {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * PRIME);
  };
  for (const text of labels.pairs) {
    for (const byte of Buffer.from(text)) add(byte);
    add(0xff);
  }
  return hash.toString(16).padStart(16, "0");
}

export function isResolved({ endsAt }: StoredAlert, now: number): boolean {
  return endsAt !== 0 && endsAt <= now;
}

/**
 * Two statements about one alert, as upstream merges them: the newer one counts, with the earliest start. While it still fires a
 * later end that somebody stated explicitly stays; once it is resolved the latest end of both does.
 */
export function mergeAlerts(old: StoredAlert, next: StoredAlert): StoredAlert {
  const within = (ms: number): boolean => ms > old.startsAt && ms < old.endsAt;
  if (!within(next.endsAt) && !within(next.startsAt)) return next;
  const [older, newer] = next.updatedAt < old.updatedAt ? [next, old] : [old, next];
  const merged = { ...newer, startsAt: Math.min(older.startsAt, newer.startsAt) };
  const now = newer.updatedAt;
  const keepsOlderEnd = isResolved(newer, now) ? isResolved(older, now) : !older.timeout;
  if (keepsOlderEnd && older.endsAt > newer.endsAt) merged.endsAt = older.endsAt;
  return merged;
}

export class AlertStore {
  readonly #alerts = new Map<string, StoredAlert>();
  readonly #listeners = new Set<(alert: StoredAlert) => void>();

  put(alerts: readonly StoredAlert[]): void {
    for (const alert of alerts) {
      const key = fingerprint(alert.labels);
      const old = this.#alerts.get(key);
      const merged = old ? mergeAlerts(old, alert) : alert;
      this.#alerts.set(key, merged);
      for (const listener of this.#listeners) listener(merged);
    }
  }

  /** In order of fingerprints. */
  all(): StoredAlert[] {
    return [...this.#alerts].sort(([a], [b]) => compareStrings(a, b)).map(([, alert]) => alert);
  }

  get(key: string): StoredAlert | undefined {
    return this.#alerts.get(key);
  }

  onPut(listener: (alert: StoredAlert) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  /** Forgets what has ended. */
  collect(now: number): void {
    for (const [key, alert] of this.#alerts) if (isResolved(alert, now)) this.#alerts.delete(key);
  }
}
