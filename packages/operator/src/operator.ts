/** The operator's loop: any change → one reconciliation of everything soon after; never two at once. */
import { createHash } from "node:crypto";
import type { Logger, Registry } from "@pharos/kit";
import type { KubeClient, KubeObject } from "@pharos/kube";
import { describeError } from "@pharos/model";
import { OperatorCache } from "./cache.ts";
import type { DesiredInstance, InstanceDriver, InstanceState } from "./drivers/driver.ts";
import { KINDS, type OperatorKind, UNSUPPORTED_KINDS } from "./kinds.ts";
import { planAlertmanager } from "./reconcile-alertmanager.ts";
import { type CheckCache, type Plan, planPrometheus } from "./reconcile-prometheus.ts";
import { type InstanceReport, type OperatorReport, ReportBuilder } from "./report.ts";
import type { Alertmanager, Prometheus } from "./resources/types.ts";
import { StatusWriter } from "./status.ts";

export interface OperatorOptions {
  client: KubeClient;
  driver: InstanceDriver;
  log: Logger;
  registry: Registry;
  /** ms to wait for more changes before reconciling; default 100. */
  debounceMs?: number;
}

/** Old checks are forgotten when so many are remembered. */
const MAX_CHECKS = 10_000;
/** A reconciliation that failed for reasons outside is tried again after this time. */
const RETRY_MS = 5_000;

export class Operator implements AsyncDisposable {
  readonly #options: OperatorOptions;
  readonly #cache: OperatorCache;
  readonly #status: StatusWriter;
  readonly #applied = new Map<string, { hash: string; state: InstanceState; at: number }>();
  #checks: CheckCache = new Map();
  #references = new Set<string>();
  #report: OperatorReport = { instances: [], objects: [], reconciledAt: 0, duration: 0 };
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #dirty = false;
  #stopped = false;
  readonly #metrics;

  constructor(options: OperatorOptions) {
    this.#options = options;
    this.#cache = new OperatorCache(options.client, options.log, () => this.#schedule());
    this.#status = new StatusWriter(options.client, options.log);
    const { registry } = options;
    this.#metrics = {
      operations: registry.counter(
        "prometheus_operator_reconcile_operations_total",
        "Total number of reconcile operations",
        ["controller"],
      ),
      errors: registry.counter(
        "prometheus_operator_reconcile_errors_total",
        "Number of errors that occurred during reconcile operations",
        ["controller"],
      ),
      managed: registry.gauge(
        "prometheus_operator_managed_resources",
        "Number of resources managed by the operator's controller",
        ["resource", "state"],
      ),
      ready: registry.gauge(
        "prometheus_operator_ready",
        "1 when the controller is ready to reconcile resources, 0 otherwise",
      ),
      duration: registry.histogram(
        "prometheus_operator_reconcile_duration_seconds",
        "Histogram of reconcile operations",
      ),
    };
  }

  /** Lists everything and reconciles once; from then on changes take effect by themselves. */
  async start(): Promise<void> {
    await this.#cache.start();
    this.#metrics.ready.set(1);
    clearTimeout(this.#timer);
    await this.#run();
  }

  get report(): OperatorReport {
    return this.#report;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#cache.stop();
    await this.#running;
  }

  #schedule(delay = this.#options.debounceMs ?? 100): void {
    if (this.#stopped) return;
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
    if (failed) this.#schedule(RETRY_MS);
    else if (this.#dirty) this.#schedule();
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
    for (const { kind, resource, plan, error } of plans) {
      instances.push(await this.#apply(kind, resource, plan, error));
    }
    const wanted = new Set(plans.map(({ kind, resource }) => id(kind, resource)));
    for (const known of this.#applied.keys()) {
      if (wanted.has(known)) continue;
      const [kind, namespace, name] = known.split("/");
      await this.#options.driver.remove(kind as "Prometheus" | "Alertmanager", namespace, name);
      this.#applied.delete(known);
    }
    this.#reportUnsupported(report);
    const objects = report.objects();
    const duration = (performance.now() - started) / 1000;
    this.#report = { instances, objects, reconciledAt: Date.now(), duration };
    this.#metrics.duration.observe(duration);
    if (this.#checks.size > MAX_CHECKS) this.#checks = new Map();
    await this.#writeStatuses();
  }

  #plan(report: ReportBuilder) {
    const references = new Set<string>();
    const plans: {
      kind: "Prometheus" | "Alertmanager";
      resource: Prometheus | Alertmanager;
      plan?: Plan<Prometheus> | Plan<Alertmanager>;
      error?: unknown;
    }[] = [];
    const attempt = <T extends Prometheus | Alertmanager>(
      kind: "Prometheus" | "Alertmanager",
      resource: T,
      work: () => Plan<T>,
    ): void => {
      this.#metrics.operations.labels(kind.toLowerCase()).inc();
      try {
        const plan = work();
        for (const reference of plan.references) references.add(reference);
        plans.push({ kind, resource, plan: plan as Plan<Prometheus> | Plan<Alertmanager> });
      } catch (error) {
        // What it referred to before stays watched, so that mending it is noticed.
        for (const reference of this.#references) references.add(reference);
        this.#metrics.errors.labels(kind.toLowerCase()).inc();
        plans.push({ kind, resource, error });
      }
    };
    for (const resource of this.#cache.list<Alertmanager>("Alertmanager")) {
      attempt("Alertmanager", resource, () => planAlertmanager(resource, this.#cache, this.#options.driver, report));
    }
    for (const resource of this.#cache.list<Prometheus>("Prometheus")) {
      attempt("Prometheus", resource, () =>
        planPrometheus(resource, this.#cache, this.#options.driver, this.#checks, report),
      );
    }
    this.#references = references;
    return plans;
  }

  async #apply(
    kind: "Prometheus" | "Alertmanager",
    resource: Prometheus | Alertmanager,
    plan: Plan<Prometheus> | Plan<Alertmanager> | undefined,
    planError: unknown,
  ): Promise<InstanceReport> {
    const { namespace = "", name = "" } = resource.metadata;
    const known = this.#applied.get(id(kind, resource));
    const report: InstanceReport = {
      kind,
      namespace,
      name,
      url: known?.state.url ?? "",
      ready: known?.state.ready ?? false,
      message: "",
      selected: plan?.selected ?? {},
      rejected: plan?.rejected ?? 0,
      appliedAt: known?.at ?? 0,
    };
    for (const [object, count] of Object.entries(report.selected)) {
      this.#metrics.managed.labels(KINDS[object as OperatorKind].plural, "selected").set(count);
    }
    if (!plan) return { ...report, message: describeError(planError) };
    if (resource.spec.paused) return report;
    const hash = hashOf(plan.desired);
    if (known?.hash === hash) return report;
    try {
      const state =
        kind === "Prometheus"
          ? await this.#options.driver.applyPrometheus(plan.desired as DesiredInstance<Prometheus>)
          : await this.#options.driver.applyAlertmanager(plan.desired as DesiredInstance<Alertmanager>);
      const at = Date.now();
      this.#applied.set(id(kind, resource), { hash, state, at });
      this.#options.log.info("instance brought up to date", {
        instance: `${kind} ${namespace}/${name}`,
        url: state.url,
      });
      return { ...report, ...state, appliedAt: at };
    } catch (error) {
      this.#metrics.errors.labels(kind.toLowerCase()).inc();
      this.#options.log.error("instance could not be brought up to date", {
        instance: `${kind} ${namespace}/${name}`,
        err: error,
      });
      return { ...report, message: describeError(error) };
    }
  }

  #reportUnsupported(report: ReportBuilder): void {
    for (const kind of UNSUPPORTED_KINDS) {
      for (const object of this.#cache.list(kind)) {
        report.verdict(
          { ...object, kind },
          {
            instance: "",
            accepted: false,
            code: "operator.unsupported",
            reason: `${kind} is served, but this version of Pharos does not act on it`,
          },
        );
      }
    }
  }

  async #writeStatuses(): Promise<void> {
    const find = (kind: OperatorKind, namespace: string, name: string): KubeObject | undefined =>
      this.#cache.list(kind).find(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
    for (const instance of this.#report.instances) {
      const object = find(instance.kind, instance.namespace, instance.name);
      if (object) await this.#status.writeInstance(instance, object);
    }
    for (const report of this.#report.objects) {
      if (UNSUPPORTED_KINDS.includes(report.kind as OperatorKind)) continue;
      const object = find(report.kind as OperatorKind, report.namespace, report.name);
      if (object) await this.#status.writeObject(report, object);
    }
  }
}

function id(kind: string, { metadata }: KubeObject): string {
  return `${kind}/${metadata.namespace}/${metadata.name}`;
}

function hashOf({ resource, config, files, certificates }: DesiredInstance<Prometheus | Alertmanager>): string {
  return createHash("sha256")
    .update(JSON.stringify([resource.spec, config, [...files], [...certificates]]))
    .digest("hex");
}
