/** Grouping: alerts go into one group per route and set of group labels; each group speaks on its own clock. */
import { quote } from "@pharos/gotemplate";
import type { Logger } from "@pharos/kit";
import { describeError, type Labels } from "@pharos/model";
import {
  type AlertStore,
  compareAlerts,
  compareLabelSets,
  fingerprint,
  isResolved,
  type StoredAlert,
} from "./alerts.ts";
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
/** The longest a timer can wait; longer intervals wait again. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export class Group {
  readonly route: Route;
  readonly labels: Labels;
  /** Identity across restarts: the route's key and the group labels. */
  readonly key: string;
  readonly alerts = new Map<string, StoredAlert>();
  /** Names of the time intervals that muted the last flush. */
  mutedBy: string[] = [];
  /** What was suppressed at the last flush, so that history tells of changes only. */
  suppressed = "";
  /** Unix ms; of the next flush. */
  nextFlushAt = 0;
  timer: NodeJS.Timeout | undefined;
  flushing = false;
  /** The time came while the last flush was under way. */
  due = false;

  constructor(route: Route, labels: Labels) {
    this.route = route;
    this.labels = labels;
    const pairs = [...labels].map(([name, value]) => `${name}=${quote(value)}`);
    this.key = `${route.key}:{${pairs.join(", ")}}`;
  }
}

function groupLabels({ groupBy }: Route, labels: Labels): Labels {
  return groupBy ? labels.filter((name) => groupBy.includes(name)) : labels;
}

export interface DispatcherOptions {
  route: Route;
  alerts: AlertStore;
  flush: Flush;
  log: Logger;
  now: () => number;
  /** Unix ms before which nothing is flushed. */
  startAt?: number;
  /** ms that a flush may take besides: replicas wait for those before them. */
  extraTimeout?: () => number;
}

export class Dispatcher implements AsyncDisposable {
  readonly #options: DispatcherOptions;
  /** By route and group labels. */
  readonly #groups = new Map<Route, Map<string, Group>>();
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();
  readonly #subscription: Disposable;
  readonly #starting: NodeJS.Timeout | undefined;
  #started: boolean;
  #size = 0;
  #turns: Promise<void> = Promise.resolve();

  constructor(options: DispatcherOptions) {
    this.#options = options;
    const { alerts, now, startAt = 0 } = options;
    this.#started = startAt <= now();
    if (!this.#started) this.#starting = setTimeout(() => this.#start(), startAt - now());
    for (const alert of alerts.values()) this.#process(alert);
    this.#subscription = alerts.subscribe({ put: (alert) => this.#process(alert) });
  }

  /** By labels, then by receiver. */
  groups(): Group[] {
    const all = [...this.#groups.values()].flatMap((groups) => [...groups.values()]);
    return all.sort(
      (a, b) =>
        compareLabelSets(a.labels, b.labels) ||
        (a.route.receiver < b.route.receiver ? -1 : a.route.receiver > b.route.receiver ? 1 : 0),
    );
  }

  get size(): number {
    return this.#size;
  }

  #start(): void {
    this.#started = true;
    for (const groups of this.#groups.values()) for (const group of groups.values()) this.#arm(group);
  }

  #process(alert: StoredAlert): void {
    const now = this.#options.now();
    for (const route of matchRoutes(this.#options.route, alert.labels)) {
      let groups = this.#groups.get(route);
      if (!groups) this.#groups.set(route, (groups = new Map()));
      const labels = groupLabels(route, alert.labels);
      const key = labels.pairs.join("\xff");
      let group = groups.get(key);
      if (!group) {
        group = new Group(route, labels);
        groups.set(key, group);
        this.#size++;
        // It has waited elsewhere already, for example in the run before a restart.
        const isOld = alert.startsAt + route.groupWait < now;
        group.nextFlushAt = isOld ? now : now + route.groupWait;
        if (this.#started) this.#arm(group);
      }
      group.alerts.set(fingerprint(alert.labels), alert);
    }
  }

  #arm(group: Group): void {
    clearTimeout(group.timer);
    const wait = Math.max(0, group.nextFlushAt - this.#options.now());
    group.timer =
      wait > MAX_TIMER_MS
        ? setTimeout(() => this.#arm(group), MAX_TIMER_MS)
        : setTimeout(() => this.#tick(group), wait);
  }

  /** The next flush counts from the start of this one; a flush that is still under way is waited for. */
  #tick(group: Group): void {
    if (group.flushing) {
      group.due = true;
      return;
    }
    group.flushing = true;
    group.nextFlushAt = this.#options.now() + group.route.groupInterval;
    this.#arm(group);
    const work = this.#turn()
      .then(() => this.#flush(group))
      .catch((error) =>
        this.#options.log.error("a group could not be flushed", { aggrGroup: group.key, err: describeError(error) }),
      )
      .finally(() => {
        this.#running.delete(work);
        group.flushing = false;
        if (!group.due || this.#stop.signal.aborted) return;
        group.due = false;
        if (group.alerts.size > 0) this.#tick(group);
      });
    this.#running.add(work);
  }

  /** One flush at a time gets under way, and requests are served between two: many groups may come due at one moment. */
  #turn(): Promise<void> {
    this.#turns = this.#turns.then(() => new Promise<void>((resolve) => setImmediate(resolve)));
    return this.#turns;
  }

  async #flush(group: Group): Promise<void> {
    const { flush, now: clock, extraTimeout } = this.#options;
    const now = clock();
    // What is firing now stays so during the flush, however long that takes.
    const flushed: { alert: StoredAlert; stored: StoredAlert; key: string }[] = [];
    for (const [key, stored] of group.alerts)
      flushed.push({ key, stored, alert: isResolved(stored, now) ? stored : { ...stored, endsAt: 0 } });
    flushed.sort((a, b) => compareAlerts(a.alert, b.alert));
    const limit = new AbortController();
    const ms = Math.max(group.route.groupInterval, MIN_FLUSH_MS) + (extraTimeout?.() ?? 0);
    const timer = setTimeout(() => limit.abort(), Math.min(ms, MAX_TIMER_MS));
    let done = true;
    try {
      const alerts = flushed.map(({ alert }) => alert);
      if (alerts.length > 0) done = await flush(group, alerts, now, AbortSignal.any([this.#stop.signal, limit.signal]));
    } finally {
      clearTimeout(timer);
    }
    if (!done || this.#stop.signal.aborted) return;
    // What is over has been told, unless it has changed meanwhile.
    for (const { alert, stored, key } of flushed)
      if (alert.endsAt !== 0 && group.alerts.get(key) === stored) group.alerts.delete(key);
    if (group.alerts.size === 0) this.#remove(group);
  }

  #remove(group: Group): void {
    clearTimeout(group.timer);
    const groups = this.#groups.get(group.route);
    const key = group.labels.pairs.join("\xff");
    if (groups?.get(key) !== group) return;
    groups.delete(key);
    this.#size--;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#subscription[Symbol.dispose]();
    clearTimeout(this.#starting);
    this.#stop.abort();
    for (const groups of this.#groups.values()) for (const { timer } of groups.values()) clearTimeout(timer);
    await Promise.all(this.#running);
  }
}
