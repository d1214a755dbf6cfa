/** The operator's loop: any change → one reconciliation of everything soon after; never two at once. */
import { createHash } from "node:crypto";
import type { Logger, Registry } from "@pharos/kit";
import type { KubeClient, KubeObject } from "@pharos/kube";
import { describeError } from "@pharos/model";
import { OperatorCache } from "./cache.ts";
import {
  type DesiredInstance,
  INSTANCE_KINDS,
  type InstanceDriver,
  type InstanceKind,
  type InstanceState,
} from "./drivers/driver.ts";
import { EventWriter } from "./events.ts";
import type { OperatorKind } from "./kinds.ts";
import { controllerOf, countReport, createOperatorMetrics } from "./metrics.ts";
import { MonitorCache } from "./monitor-cache.ts";
import { inScope, type OperatorScope } from "./operator-scope.ts";
import type { Plan, PlanContext } from "./plan.ts";
import { planAlertmanager } from "./reconcile-alertmanager.ts";
import { planPrometheus } from "./reconcile-prometheus.ts";
import { planThanosRuler } from "./reconcile-thanos.ts";
import { type InstanceReport, type OperatorReport, ReportBuilder } from "./report.ts";
import type { Alertmanager, Prometheus, ThanosRuler } from "./resources/types.ts";
import { StatusWriter } from "./status.ts";

export interface OperatorOptions {
  client: KubeClient;
  driver: InstanceDriver;
  log: Logger;
  registry: Registry;
  /** ms to wait for more changes before reconciling; default 100. */
  debounceMs?: number;
  /** Which namespaces and instances are this operator's; default all. */
  scope?: OperatorScope;
  /** Also the configuration of a Prometheus that selects nothing is written over what people wrote. */
  alwaysManaged?: boolean;
}

/** One instance and what is wanted of it, or why that is not known. */
interface Planned {
  kind: InstanceKind;
  resource: DesiredInstance["resource"];
  plan?: Plan;
  error?: unknown;
}

interface Applied {
  hash: string;
  state: InstanceState;
  at: number;
}

/** A reconciliation that failed for reasons outside is tried again after this time. */
const RETRY_MS = 5_000;
/** Timers do not reach further than some weeks; looking in between costs nothing. */
const MAX_WAIT_MS = 3_600_000;

export class Operator implements AsyncDisposable {
  readonly #options: OperatorOptions;
  readonly #cache: OperatorCache;
  readonly #status: StatusWriter;
  readonly #events: EventWriter;
  readonly #applied = new Map<string, Applied>();
  readonly #monitors = new Map<string, MonitorCache>();
  #references = new Set<string>();
  #report: OperatorReport = { instances: [], objects: [], reconciledAt: 0, duration: 0 };
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #dirty = false;
  /** Something outside stood in the way of an instance. */
  #retry = false;
  #stopped = false;
  /** Every kind was listed: before, what is not there yet would look deleted. */
  #synced = false;
  readonly #abort = new AbortController();
  readonly #metrics;

  constructor(options: OperatorOptions) {
    this.#options = options;
    this.#cache = new OperatorCache(
      options.client,
      options.log,
      (kind, action) => {
        this.#metrics.triggered.labels(controllerOf(kind), kind, action).inc();
        this.#schedule();
      },
      (kind, object) => inScope(kind, object, options.scope ?? {}),
      (kind, operation, failed) => this.#observe(kind, operation, failed),
    );
    this.#status = new StatusWriter(
      options.client,
      options.log,
      (kind, namespace, name) => {
        const object = this.#cache.find(kind, namespace, name);
        return object !== undefined && !inScope(kind, object, options.scope ?? {});
      },
      (kind, failed) => this.#observe(kind, "status", failed),
    );
    this.#events = new EventWriter(options.client, options.log);
    this.#metrics = createOperatorMetrics(options.registry);
  }

  /** Lists everything and reconciles once; from then on changes take effect by themselves. */
  async start(): Promise<void> {
    await this.#cache.start();
    this.#synced = true;
    this.#options.driver.watch?.((kind, action) => {
      this.#metrics.triggered.labels(controllerOf(kind), kind, action).inc();
      this.#schedule();
    }, this.#abort.signal);
    await this.#run();
  }

  get report(): OperatorReport {
    return this.#report;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#abort.abort();
    clearTimeout(this.#timer);
    this.#cache.stop();
    await this.#running;
  }

  #schedule(delay = this.#options.debounceMs ?? 100): void {
    if (this.#stopped || !this.#synced) return;
    if (this.#running) {
      this.#dirty = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#run(), delay);
  }

  async #run(): Promise<void> {
    if (this.#running) {
      this.#dirty = true;
      return this.#running;
    }
    this.#dirty = false;
    this.#retry = false;
    this.#running = this.#reconcile();
    let failed = false;
    try {
      await this.#running;
    } catch (error) {
      failed = true;
      this.#options.log.error("reconciliation failed", { err: error });
    } finally {
      this.#running = undefined;
    }
    if (this.#dirty) this.#schedule();
    else if (failed || this.#retry) this.#schedule(RETRY_MS);
    else this.#lookAgain();
  }

  #lookAgain(): void {
    const times = [...this.#applied.values()].map(({ state }) => state.lookAgainAt ?? Number.POSITIVE_INFINITY);
    const next = Math.min(...times);
    // A second later, so that clocks agree that it is time.
    if (Number.isFinite(next)) this.#schedule(Math.min(Math.max(next - Date.now(), 0) + 1_000, MAX_WAIT_MS));
  }

  async #reconcile(): Promise<void> {
    const started = performance.now();
    let report = new ReportBuilder();
    let plans = this.#plan(report);
    // References show only while generating: what was missing is fetched and generated again, once.
    if (await this.#cache.follow(this.#references)) {
      report = new ReportBuilder();
      plans = this.#plan(report);
    }
    const instances: InstanceReport[] = [];
    // Alertmanagers first, so that a Prometheus finds them at its start.
    for (const planned of plans) instances.push(await this.#apply(planned));
    await this.#removeGone(new Set(plans.map(({ kind, resource }) => id(kind, resource))));
    const objects = report.objects();
    const duration = (performance.now() - started) / 1000;
    this.#report = { instances, objects, reconciledAt: Date.now(), duration };
    this.#metrics.duration.observe(duration);
    countReport(
      this.#metrics,
      this.#report,
      (kind, namespace, name) => (this.#find(kind, namespace, name)?.spec ?? {}) as object,
    );
    await this.#writeStatuses();
  }

  async #removeGone(wanted: ReadonlySet<string>): Promise<void> {
    for (const known of [...this.#applied.keys()]) {
      if (wanted.has(known)) continue;
      const [kind, namespace, name] = known.split("/");
      await this.#options.driver.remove(kind as InstanceKind, namespace, name);
      this.#applied.delete(known);
      this.#monitors.delete(known);
    }
  }

  #plan(report: ReportBuilder): Planned[] {
    const { driver } = this.#options;
    const { alwaysManaged = false } = this.#options;
    const context: PlanContext = { cache: this.#cache, driver, report, references: new Set(), alwaysManaged };
    const planned: Planned[] = [];
    let failed = false;
    for (const kind of INSTANCE_KINDS) {
      for (const resource of this.#cache.list<DesiredInstance["resource"]>(kind)) {
        this.#metrics.operations.labels(controllerOf(kind)).inc();
        try {
          const reason = driver.unsupported(kind);
          if (reason) throw new Error(reason);
          planned.push({ kind, resource, plan: this.#planOne(kind, resource, context) });
        } catch (error) {
          failed = true;
          this.#metrics.errors.labels(controllerOf(kind)).inc();
          planned.push({ kind, resource, error });
        }
      }
    }
    // What a failed instance referred to before stays watched, so that mending it is noticed.
    if (failed) for (const reference of this.#references) context.references.add(reference);
    this.#references = context.references;
    return planned;
  }

  #planOne(kind: InstanceKind, resource: DesiredInstance["resource"], context: PlanContext): Plan {
    switch (kind) {
      case "Alertmanager":
        return planAlertmanager(resource as Alertmanager, context);
      case "ThanosRuler":
        return planThanosRuler(resource as ThanosRuler, context);
      default: {
        const key = id(kind, resource);
        let monitors = this.#monitors.get(key);
        if (!monitors) {
          monitors = new MonitorCache();
          this.#monitors.set(key, monitors);
        }
        return planPrometheus(resource as Prometheus, monitors, context);
      }
    }
  }

  async #apply({ kind, resource, plan, error }: Planned): Promise<InstanceReport> {
    const { namespace = "", name = "" } = resource.metadata;
    const known = this.#applied.get(id(kind, resource));
    const report: InstanceReport = {
      kind,
      namespace,
      name,
      url: "",
      ready: false,
      ...known?.state,
      failed: plan === undefined,
      message: plan ? (known?.state.message ?? "") : describeError(error),
      selected: plan?.selected ?? {},
      rejected: plan?.rejected ?? 0,
      notes: plan?.notes ?? [],
      unmanaged: plan?.desired.unmanaged ?? false,
      paused: (resource.spec as { paused?: boolean }).paused ?? false,
      appliedAt: known?.at ?? 0,
    };
    if (!plan || report.paused) return report;
    const hash = hashOf(plan.desired);
    const { driver, log } = this.#options;
    const instance = `${kind} ${namespace}/${name}`;
    try {
      const changed = known?.hash !== hash;
      if (!changed && !driver.observe) return report;
      const state = changed ? await driver.apply(plan.desired) : await driver.observe!(plan.desired);
      const at = changed ? Date.now() : known.at;
      this.#applied.set(id(kind, resource), { hash, state, at });
      if (changed) log.info("instance brought up to date", { instance, url: state.url });
      return { ...report, ...state, appliedAt: at };
    } catch (failure) {
      this.#metrics.errors.labels(controllerOf(kind)).inc();
      log.error("instance could not be brought up to date", { instance, err: failure });
      // Whatever stands in the way outside may be gone soon.
      this.#retry = true;
      return { ...report, failed: true, message: describeError(failure) };
    }
  }

  #observe(kind: string, operation: "list" | "watch" | "status", failed: boolean): void {
    const { lists, failedLists, watches, failedWatches, statusUpdates, statusErrors } = this.#metrics;
    const [all, bad] = {
      list: [lists, failedLists],
      watch: [watches, failedWatches],
      status: [statusUpdates, statusErrors],
    }[operation];
    all.labels(controllerOf(kind)).inc();
    if (failed) bad.labels(controllerOf(kind)).inc();
  }

  #find(kind: OperatorKind, namespace: string, name: string): KubeObject | undefined {
    return this.#cache.find(kind, namespace, name);
  }

  async #writeStatuses(): Promise<void> {
    for (const instance of this.#report.instances) {
      const object = this.#find(instance.kind, instance.namespace, instance.name);
      if (object) await this.#status.writeInstance(instance, object);
    }
    const uids = new Set<string>();
    const reported = new Set<string>();
    await inTurns(this.#report.objects, async (report) => {
      reported.add(`${report.kind}/${report.namespace}/${report.name}`);
      const object = this.#find(report.kind as OperatorKind, report.namespace, report.name);
      if (!object) return;
      uids.add(object.metadata.uid ?? "");
      await this.#status.writeObject(report, object);
      await this.#events.write(report, object);
    });
    this.#events.keep(uids);
    await this.#clearOthers(reported);
  }

  /** Objects no instance looked at any more must not go on saying that one took them. */
  async #clearOthers(reported: ReadonlySet<string>): Promise<void> {
    for (const kind of CONFIGURATION_KINDS) {
      for (const object of this.#cache.list(kind)) {
        const { namespace = "", name = "", generation = 1 } = object.metadata;
        if (reported.has(`${kind}/${namespace}/${name}`)) continue;
        await this.#status.writeObject({ kind, namespace, name, generation, verdicts: [] }, object);
      }
    }
  }
}

/** The kinds whose objects are selected by instances. */
const CONFIGURATION_KINDS: readonly OperatorKind[] = [
  "ServiceMonitor",
  "PodMonitor",
  "Probe",
  "ScrapeConfig",
  "PrometheusRule",
  "AlertmanagerConfig",
];

function id(kind: string, { metadata }: KubeObject): string {
  return `${kind}/${metadata.namespace}/${metadata.name}`;
}

const WRITERS = 8;

/** All of them, a few at a time. */
async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  const writer = async (): Promise<void> => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
}

function hashOf({ resource, config, files, certificates }: DesiredInstance): string {
  return createHash("sha256")
    .update(
      JSON.stringify([
        resource.spec,
        resource.metadata.labels,
        resource.metadata.annotations,
        config,
        [...files],
        [...certificates],
      ]),
    )
    .digest("hex");
}
