/**
 * Some time before a silence ends, those are told whom its alerts will reach then: a notification of its own, which is over when the
 * silence is. It goes the way of every notification, so that of several replicas one speaks, and a restart tells nothing twice.
 */
import { Labels } from "@pharos/model";
import { type AlertStore, isResolved, type StoredAlert } from "./alerts.ts";
import { matchRoutes, type Route } from "./config/routes.ts";
import { Group } from "./dispatch.ts";
import type { Pipeline } from "./pipeline.ts";
import { type Silence, type Silences, silenceState } from "./silences.ts";

export interface ReminderOptions {
  /** ms before the end of a silence. */
  ahead: number;
  silences: Silences;
  alerts: AlertStore;
  /** What runs now; it changes with the configuration. */
  current: () => { route: Route; pipeline: Pipeline };
  now: () => number;
}

interface Reminder {
  endsAt: number;
  /** By receiver. */
  groups: Map<string, { group: Group; alert: StoredAlert }>;
}

const MAX_CHECK_MS = 30_000;
const MIN_CHECK_MS = 100;
const TELL_MS = 60_000;
const MINUTE_MS = 60_000;

export class SilenceReminders implements AsyncDisposable {
  readonly #options: ReminderOptions;
  /** By id of the silence. */
  readonly #told = new Map<string, Reminder>();
  readonly #timer: NodeJS.Timeout;
  readonly #stop = new AbortController();
  #work: Promise<void> = Promise.resolve();

  constructor(options: ReminderOptions) {
    this.#options = options;
    const every = Math.min(MAX_CHECK_MS, Math.max(MIN_CHECK_MS, options.ahead / 10));
    this.#timer = setInterval(() => (this.#work = this.#work.then(() => this.#check())), every).unref();
  }

  async #check(): Promise<void> {
    const { silences, ahead, now: clock } = this.#options;
    const now = clock();
    for (const [id, { endsAt, groups }] of this.#told) {
      const silence = silences.get(id);
      if (silence && silence.endsAt === endsAt && endsAt > now) continue;
      this.#told.delete(id);
      // It is over, or was prolonged: there is nothing to remind of any more.
      await Promise.all(groups.values().map(({ group, alert }) => this.#run(group, { ...alert, endsAt: now })));
    }
    for (const silence of silences.all()) {
      const isDue = silenceState(silence, now) === "active" && silence.endsAt - now <= ahead;
      if (isDue && !this.#told.has(silence.id)) await this.#remind(silence, now);
    }
  }

  async #remind(silence: Silence, now: number): Promise<void> {
    const { silences, alerts, current } = this.#options;
    const counts = new Map<Route, number>();
    for (const alert of alerts.values()) {
      if (isResolved(alert, now) || !silences.matching(alert.labels, now).includes(silence.id)) continue;
      for (const route of matchRoutes(current().route, alert.labels)) counts.set(route, (counts.get(route) ?? 0) + 1);
    }
    // Without firing alerts nobody will hear of its end.
    if (counts.size === 0) return;
    const groups: Reminder["groups"] = new Map();
    for (const [route, count] of counts) {
      const known = groups.get(route.receiver);
      if (known) continue;
      const labels = Labels.from({ alertname: "SilenceExpires", silence: silence.id, receiver: route.receiver });
      const minutes = Math.max(1, Math.round((silence.endsAt - now) / MINUTE_MS));
      const group = new Group(
        { ...route, key: "{}/silence-reminder", labels: {}, muteTimeIntervals: [], activeTimeIntervals: [] },
        labels,
      );
      const annotations = Labels.from({
        summary: `A silence ends in ${minutes} min while ${count} of its alerts still ${count === 1 ? "fires" : "fire"}.`,
        comment: silence.comment,
        created_by: silence.createdBy,
      });
      const alert: StoredAlert = {
        labels, annotations, startsAt: now, endsAt: 0, updatedAt: now, generatorURL: "", timeout: false,
      }; // biome-ignore format: a table
      groups.set(route.receiver, { group, alert });
    }
    this.#told.set(silence.id, { endsAt: silence.endsAt, groups });
    await Promise.all(groups.values().map(({ group, alert }) => this.#run(group, alert)));
  }

  async #run(group: Group, alert: StoredAlert): Promise<void> {
    const { current, now } = this.#options;
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(TELL_MS)]);
    await current().pipeline.run(group, [alert], now(), signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#stop.abort();
    await this.#work;
  }
}
