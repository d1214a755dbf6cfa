/** Grouping: alerts go into one group per route and set of group labels; each group speaks on its own clock. */
import type { Logger } from "@pharos/kit";
import { compareStrings, describeError, Labels } from "@pharos/model";
import { type AlertStore, fingerprint, isResolved, type StoredAlert } from "./alerts.ts";
import { matchRoutes, type Route } from "./config/routes.ts";

/** What a flush hands on. Resolves to true when every integration has what it should have. */
export type Flush = (
  group: Group,
  alerts: readonly StoredAlert[],
  now: number,
  signal: AbortSignal,
) => Promise<boolean>;

/** A flush may take as long as the next one is away, but at least this. */
const MIN_FLUSH_MS = 10_000;

export class Group {
  readonly route: Route;
  readonly labels: Labels;
  /** Identity across restarts: the route's key and the group labels. */
  readonly key: string;
  readonly alerts = new Map<string, StoredAlert>();
  /** Names of the time intervals that muted the last flush. */
  mutedBy: string[] = [];
  flushed = false;
  timer: NodeJS.Timeout | undefined;

  constructor(route: Route, labels: Labels) {
    this.route = route;
    this.labels = labels;
    this.key = groupKey(route, labels);
  }
}

function groupKey(route: Route, labels: Labels): string {
  const pairs = [...labels].map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `${route.key}:{${pairs.join(", ")}}`;
}

function groupLabels(route: Route, labels: Labels): Labels {
  const { groupBy } = route;
  if (!groupBy) return labels;
  return Labels.fromEntries([...labels].filter(([name]) => groupBy.includes(name)));
}

export class Dispatcher implements AsyncDisposable {
  readonly #root: Route;
  readonly #flush: Flush;
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #groups = new Map<string, Group>();
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();
  readonly #subscription: Disposable;

  constructor(root: Route, alerts: AlertStore, flush: Flush, log: Logger, now: () => number) {
    this.#root = root;
    this.#flush = flush;
    this.#log = log;
    this.#now = now;
    for (const alert of alerts.all()) this.#process(alert);
    this.#subscription = alerts.onPut((alert) => this.#process(alert));
  }

  /** By receiver, then by labels. */
  groups(): Group[] {
    return [...this.#groups.values()].sort(
      (a, b) => compareStrings(a.route.receiver, b.route.receiver) || compareStrings(a.key, b.key),
    );
  }

  get size(): number {
    return this.#groups.size;
  }

  #process(alert: StoredAlert): void {
    for (const route of matchRoutes(this.#root, alert.labels)) {
      const labels = groupLabels(route, alert.labels);
      const key = groupKey(route, labels);
      let group = this.#groups.get(key);
      if (!group) {
        group = new Group(route, labels);
        this.#groups.set(key, group);
        this.#schedule(group, route.groupWait);
      }
      group.alerts.set(fingerprint(alert.labels), alert);
      // It has waited elsewhere already, for example in the run before a restart.
      if (!group.flushed && alert.startsAt + route.groupWait < this.#now()) this.#schedule(group, 0);
    }
  }

  #schedule(group: Group, ms: number): void {
    clearTimeout(group.timer);
    group.timer = setTimeout(() => this.#run(group), ms);
  }

  #run(group: Group): void {
    // The next flush counts from the start of this one; alerts that come in meanwhile are part of it.
    group.flushed = true;
    this.#schedule(group, group.route.groupInterval);
    const work = this.#flushGroup(group)
      .catch((error) =>
        this.#log.error("a group could not be flushed", { group: group.key, err: describeError(error) }),
      )
      .finally(() => this.#running.delete(work));
    this.#running.add(work);
  }

  async #flushGroup(group: Group): Promise<void> {
    const now = this.#now();
    // What is firing now stays so during the flush, however long that takes.
    const alerts = [...group.alerts.values()]
      .map((alert) => (isResolved(alert, now) ? alert : { ...alert, endsAt: 0 }))
      .sort((a, b) => a.labels.compare(b.labels));
    const limit = AbortSignal.timeout(Math.max(group.route.groupInterval, MIN_FLUSH_MS));
    const done =
      alerts.length === 0 || (await this.#flush(group, alerts, now, AbortSignal.any([this.#stop.signal, limit])));
    if (!done || this.#stop.signal.aborted) return;
    for (const alert of alerts) {
      const key = fingerprint(alert.labels);
      if (isResolved(alert, now) && group.alerts.get(key) === alert) group.alerts.delete(key);
    }
    if (group.alerts.size > 0) return;
    clearTimeout(group.timer);
    this.#groups.delete(group.key);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#subscription[Symbol.dispose]();
    this.#stop.abort();
    for (const group of this.#groups.values()) clearTimeout(group.timer);
    await Promise.all(this.#running);
  }
}
