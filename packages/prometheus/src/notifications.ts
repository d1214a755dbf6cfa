/** What people should know of the state of the server, and a stream of it (upstream's util/notifications). */
import type { Registry } from "@pharos/kit";

export const RELOAD_FAILED = "Configuration reload has failed.";
export const STARTING = "Prometheus is starting and replaying the write-ahead log (WAL).";
export const STOPPING = "Prometheus is shutting down and gracefully stopping all operations.";

export interface Notification {
  text: string;
  /** RFC 3339 */
  date: string;
  /** False in the stream when it does not hold any more. */
  active: boolean;
}

type Subscriber = (notification: Notification) => void;

export class Notifications {
  readonly #maxSubscribers: number;
  readonly #current: Notification[] = [];
  readonly #subscribers = new Set<Subscriber>();
  readonly #metrics;

  constructor(maxSubscribers: number, registry: Registry) {
    this.#maxSubscribers = maxSubscribers;
    const name = (rest: string): string => `prometheus_api_notification_${rest}`;
    this.#metrics = {
      sent: registry.counter(name("updates_sent_total"), "Total number of notification updates sent."),
      dropped: registry.counter(name("updates_dropped_total"), "Total number of notification updates dropped."),
    };
    registry.gaugeFunction(
      name("active_subscribers"),
      "The current number of active notification subscribers.",
      () => this.#subscribers.size,
    );
  }

  get current(): readonly Notification[] {
    return this.#current;
  }

  add(text: string): void {
    const date = new Date().toISOString();
    let notification = this.#current.find((known) => known.text === text);
    if (notification) notification.date = date;
    else this.#current.push((notification = { text, date, active: true }));
    this.#tell(notification);
  }

  remove(text: string): void {
    const index = this.#current.findIndex((known) => known.text === text);
    if (index < 0) return;
    const [notification] = this.#current.splice(index, 1);
    this.#tell({ ...notification, active: false });
  }

  /** Tells `subscriber` what holds now and whatever changes; undefined when there are too many already. */
  subscribe(subscriber: Subscriber): (() => void) | undefined {
    if (this.#subscribers.size >= this.#maxSubscribers) return undefined;
    this.#subscribers.add(subscriber);
    for (const notification of this.#current) subscriber(notification);
    return () => this.#subscribers.delete(subscriber);
  }

  #tell(notification: Notification): void {
    for (const subscriber of this.#subscribers) {
      this.#metrics.sent.inc();
      subscriber(notification);
    }
  }
}
