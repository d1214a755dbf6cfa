/** Statuses written to the resources: bindings of monitors and rules, conditions of instances. As upstream's types. */
import type { Logger } from "@pharos/kit";
import type { KubeClient, KubeObject } from "@pharos/kube";
import { describeError } from "@pharos/model";
import { KINDS, type OperatorKind } from "./kinds.ts";
import type { InstanceReport, ObjectReport } from "./report.ts";

interface Condition {
  type: string;
  status: "True" | "False";
  reason: string;
  message: string;
  observedGeneration: number;
  lastTransitionTime: string;
}

type Status = { bindings?: { conditions?: Condition[] }[]; conditions?: Condition[] };

/** Keeps lastTransitionTime of a condition whose status did not change. */
function condition(old: Condition | undefined, next: Omit<Condition, "lastTransitionTime">): Condition {
  const unchanged = old && old.status === next.status;
  return {
    ...next,
    lastTransitionTime: unchanged ? old.lastTransitionTime : new Date().toISOString().replace(/\.\d+Z/, "Z"),
  };
}

export class StatusWriter {
  readonly #client: KubeClient;
  readonly #log: Logger;

  constructor(client: KubeClient, log: Logger) {
    this.#client = client;
    this.#log = log;
  }

  /** Bindings say which instances took the object, or why one refused it; an unselected object has none. */
  async writeObject(report: ObjectReport, object: KubeObject): Promise<void> {
    const old = (object.status ?? {}) as Omit<Status, "bindings"> & {
      bindings?: { name: string; namespace: string; resource: string; conditions: Condition[] }[];
    };
    const bindings = report.verdicts
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
          message: verdict.accepted ? "" : [verdict.reason, verdict.fix].filter(Boolean).join(". "),
          observedGeneration: report.generation,
        });
        return { group: "monitoring.coreos.com", resource, name, namespace, conditions: [accepted] };
      });
    if (JSON.stringify(old.bindings ?? []) === JSON.stringify(bindings)) return;
    await this.#patch(report.kind as OperatorKind, object, { bindings });
  }

  async writeInstance(report: InstanceReport, object: KubeObject): Promise<void> {
    const old = (object.status ?? {}) as Status;
    const before = (type: string) => old.conditions?.find((entry) => entry.type === type);
    const observedGeneration = object.metadata.generation ?? 1;
    const conditions = [
      condition(before("Available"), {
        type: "Available",
        status: report.ready ? "True" : "False",
        reason: report.ready ? "" : "NoPodReady",
        message: report.ready ? "" : report.message,
        observedGeneration,
      }),
      condition(before("Reconciled"), {
        type: "Reconciled",
        status: report.message ? "False" : "True",
        reason: report.message ? "ReconciliationFailed" : "",
        message: report.message,
        observedGeneration,
      }),
    ];
    const ready = report.ready ? 1 : 0;
    const status = {
      paused: false,
      replicas: ready,
      updatedReplicas: ready,
      availableReplicas: ready,
      unavailableReplicas: 1 - ready,
      conditions,
    };
    if (JSON.stringify({ ...old, conditions: old.conditions }) === JSON.stringify(status)) return;
    await this.#patch(report.kind, object, status);
  }

  async #patch(kind: OperatorKind, { metadata }: KubeObject, status: unknown): Promise<void> {
    try {
      await this.#client.patchStatus(KINDS[kind], { namespace: metadata.namespace, name: metadata.name! }, { status });
    } catch (error) {
      // Gone or changed meanwhile: the next reconciliation writes again.
      this.#log.debug("status not written", {
        object: `${kind} ${metadata.namespace}/${metadata.name}`,
        err: describeError(error),
      });
    }
  }
}
