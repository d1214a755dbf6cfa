/** Statuses written to the resources: bindings of monitors and rules, conditions of instances. As upstream's types. */
import type { Logger } from "@pharos/kit";
import type { KubeClient, KubeObject } from "@pharos/kube";
import { describeError } from "@pharos/model";
import type { ShardState } from "./drivers/driver.ts";
import { KINDS, type OperatorKind } from "./kinds.ts";
import type { InstanceReport, ObjectReport } from "./report.ts";

interface Condition {
  type: string;
  status: "True" | "False" | "Degraded";
  reason: string;
  message: string;
  observedGeneration: number;
  lastTransitionTime: string;
}

type Status = { conditions?: Condition[] };

/** Keeps lastTransitionTime of a condition whose status did not change. */
function condition(old: Condition | undefined, next: Omit<Condition, "lastTransitionTime">): Condition {
  const unchanged = old && old.status === next.status;
  return {
    ...next,
    lastTransitionTime: unchanged ? old.lastTransitionTime : new Date().toISOString().replace(/\.\d+Z/, "Z"),
  };
}

type Observed = (kind: OperatorKind, failed: boolean) => void;
type Foreign = (kind: OperatorKind, namespace: string, name: string) => boolean;

interface Binding {
  group: string;
  resource: string;
  name: string;
  namespace: string;
  conditions: Condition[];
}

const keyOf = ({ resource, namespace, name }: Binding): string => `${resource}/${namespace}/${name}`;

const KIND_OF = new Map(Object.entries(KINDS).map(([kind, { plural }]) => [plural, kind as OperatorKind]));

export class StatusWriter {
  readonly #client: KubeClient;
  readonly #log: Logger;

  readonly #foreign: Foreign;
  readonly #observed: Observed;

  /**
   * `foreign`: whether an instance is another operator's, whose bindings are left as they are. `observed` is told of every
   * update.
   */
  constructor(client: KubeClient, log: Logger, foreign: Foreign, observed: Observed) {
    this.#client = client;
    this.#log = log;
    this.#foreign = foreign;
    this.#observed = observed;
  }

  /** Bindings say which instances took the object, or why one refused it; an unselected object has none. */
  async writeObject(report: ObjectReport, object: KubeObject): Promise<void> {
    const old = (object.status ?? {}) as { bindings?: Binding[] };
    const others = (old.bindings ?? []).filter(({ resource, namespace, name }) => {
      const kind = KIND_OF.get(resource);
      return kind !== undefined && this.#foreign(kind, namespace, name);
    });
    const own = report.verdicts
      .filter(({ code }) => code !== "operator.not-selected")
      .map((verdict) => {
        const [kind, key] = verdict.instance.split(" ");
        const [namespace, name] = key.split("/");
        const resource = KINDS[kind as OperatorKind].plural;
        const before = old.bindings?.find(
          (entry) => entry.name === name && entry.namespace === namespace && entry.resource === resource,
        );
        const accepted = condition(before?.conditions[0], {
          type: "Accepted",
          status: verdict.accepted ? "True" : "False",
          reason: verdict.accepted ? "" : "InvalidConfiguration",
          message: verdict.accepted
            ? (verdict.notes ?? []).join("; ")
            : [verdict.reason, verdict.fix].filter(Boolean).join(". "),
          observedGeneration: report.generation,
        });
        return { group: "monitoring.coreos.com", resource, name, namespace, conditions: [accepted] };
      });
    const bindings = [...others, ...own].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    if (JSON.stringify(old.bindings ?? []) === JSON.stringify(bindings)) return;
    await this.#patch(report.kind as OperatorKind, object, { bindings });
  }

  async writeInstance(report: InstanceReport, object: KubeObject): Promise<void> {
    const old = (object.status ?? {}) as Status;
    const before = (type: string) => old.conditions?.find((entry) => entry.type === type);
    const observedGeneration = object.metadata.generation ?? 1;
    const conditions = [
      condition(before("Available"), { type: "Available", ...availability(report), observedGeneration }),
      condition(before("Reconciled"), { type: "Reconciled", ...reconciled(report), observedGeneration }),
    ];
    const status = { paused: report.paused, ...counts(report), conditions };
    const same = (Object.keys(status) as (keyof typeof status)[]).every(
      (key) => JSON.stringify((old as typeof status)[key]) === JSON.stringify(status[key]),
    );
    if (!same) await this.#patch(report.kind, object, status);
  }

  async #patch(kind: OperatorKind, { metadata }: KubeObject, status: unknown): Promise<void> {
    try {
      await this.#client.patchStatus(KINDS[kind], { namespace: metadata.namespace, name: metadata.name! }, { status });
      this.#observed(kind, false);
    } catch (error) {
      this.#observed(kind, true);
      // Gone or changed meanwhile: the next reconciliation writes again.
      this.#log.debug("status not written", {
        object: `${kind} ${metadata.namespace}/${metadata.name}`,
        err: describeError(error),
      });
    }
  }
}

const ready = ({ ready: one }: InstanceReport): number => (one ? 1 : 0);

/** Replicas over all shards; one where the instance is one process. */
function counts(report: InstanceReport) {
  const { shards, selector } = report;
  const sum = (field: Exclude<keyof ShardState, "shardID">, one: number): number =>
    shards ? shards.reduce((total, shard) => total + shard[field], 0) : one;
  const out: Record<string, unknown> = {
    replicas: sum("replicas", ready(report)),
    updatedReplicas: sum("updatedReplicas", ready(report)),
    availableReplicas: sum("availableReplicas", ready(report)),
    unavailableReplicas: sum("unavailableReplicas", 1 - ready(report)),
  };
  if (shards && report.kind === "Prometheus") Object.assign(out, { shards: shards.length, shardStatuses: shards });
  if (selector !== undefined) out.selector = selector;
  return out;
}

function availability(report: InstanceReport): Pick<Condition, "status" | "reason" | "message"> {
  if (report.ready) return { status: "True", reason: "", message: "" };
  const some = report.shards?.some(({ availableReplicas }) => availableReplicas > 0);
  return {
    status: some ? "Degraded" : "False",
    reason: some ? "SomePodsNotReady" : "NoPodReady",
    message: report.message,
  };
}

/** What was selected and what was not is said even when all went well: the commonest question of all. */
function reconciled(report: InstanceReport): Pick<Condition, "status" | "reason" | "message"> {
  if (report.failed) return { status: "False", reason: "ReconciliationFailed", message: report.message };
  const total = Object.values(report.selected).reduce((sum, count) => sum + count, 0);
  const kinds = Object.entries(report.selected).map(([kind, count]) => `${count} ${kind}`);
  const message = [
    `selected: ${kinds.join(", ") || "nothing"}`,
    ...(report.rejected > 0 ? [`${report.rejected} left out, each named in its own status`] : []),
    ...report.notes,
  ].join("; ");
  const reason = report.unmanaged ? "ConfigurationUnmanaged" : total === 0 ? "NoSelectedResources" : "";
  return { status: "True", reason, message };
}
