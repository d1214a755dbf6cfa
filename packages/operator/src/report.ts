/** What the operator did and why: for statuses, the flow page and `explain`. */
import type { UserError } from "@pharos/model";
import type { InstanceKind, ShardState } from "./drivers/driver.ts";

export interface Verdict {
  /** "Prometheus monitoring/main" */
  instance: string;
  accepted: boolean;
  /** Code of the catalogue: operator.not-selected, operator.invalid, operator.reference, … */
  code: string;
  reason: string;
  fix?: string;
  /** What was left out of an accepted object, and why. */
  notes?: string[];
}

export interface ObjectReport {
  kind: string;
  namespace: string;
  name: string;
  generation: number;
  verdicts: Verdict[];
}

export interface InstanceReport {
  kind: InstanceKind;
  namespace: string;
  name: string;
  url: string;
  ready: boolean;
  /** The last reconciliation of it failed: it runs on as it was. */
  failed: boolean;
  /** Why it is not ready or not up to date; empty when all is well. */
  message: string;
  /** Accepted objects by kind. */
  selected: Record<string, number>;
  rejected: number;
  /** What was left out of its own settings, and why. */
  notes: string[];
  paused: boolean;
  /** Its configuration is the user's own. */
  unmanaged?: boolean;
  shards?: readonly ShardState[];
  selector?: string;
  /** Unix ms of the last configuration change that took effect; 0 when none did. */
  appliedAt: number;
}

export interface OperatorReport {
  instances: InstanceReport[];
  objects: ObjectReport[];
  /** Unix ms of the last reconciliation. */
  reconciledAt: number;
  /** Seconds it took. */
  duration: number;
}

/** Collects verdicts during one reconciliation. */
export class ReportBuilder {
  readonly #objects = new Map<string, ObjectReport>();

  verdict(
    { kind, metadata }: { kind: string; metadata: { namespace?: string; name?: string; generation?: number } },
    verdict: Verdict,
  ): void {
    const id = `${kind}/${metadata.namespace}/${metadata.name}`;
    let object = this.#objects.get(id);
    if (!object) {
      object = {
        kind,
        namespace: metadata.namespace ?? "",
        name: metadata.name ?? "",
        generation: metadata.generation ?? 1,
        verdicts: [],
      };
      this.#objects.set(id, object);
    }
    object.verdicts.push(verdict);
  }

  objects(): ObjectReport[] {
    return [...this.#objects.values()];
  }
}

export function rejection(instance: string, error: UserError): Verdict {
  const field = error.where.field ? `${error.where.field}: ` : "";
  return { instance, accepted: false, code: error.code, reason: field + error.message, fix: error.fix };
}
