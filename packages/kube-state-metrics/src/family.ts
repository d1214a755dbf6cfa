/**
 * What a metric family of a resource is: a name, words about it, and a function that says which series an object has.
 * The families of a kind are data in `resources/<kind>.ts`; names, help, types, stability and label order are upstream's
 * (kube-state-metrics 2.20).
 */
import type { KubeObject, ObjectMeta, OwnerReference, ResourceType } from "@pharos/kube/client";
import type { KeyFilter } from "./values/allow-list.ts";
import { unixSeconds } from "./values/time.ts";

export type FamilyType = "gauge" | "counter" | "info" | "stateset";

/** Labels as a flat run of names and values; an absent value is the empty string, as Go's zero value is. */
export type Labels = readonly (string | undefined)[];

/** One series of the object at hand; its identifying labels come from the resource. */
export type Emit = (value: number, labels?: Labels) => void;

/** Which Kubernetes labels and annotations may become labels of series; absent: none. */
export interface AllowedKeys {
  labels?: KeyFilter;
  annotations?: KeyFilter;
}

export interface Family<O = KubeObject> {
  name: string;
  help: string;
  type: FamilyType;
  /** Upstream promises not to change it; said in the help text. */
  stable: boolean;
  /** Version since which it should not be used any more. */
  deprecated?: string;
  /** Only there when asked for by name. */
  optIn?: true;
  write(object: O, emit: Emit, allowed: AllowedKeys): void;
}

/** An object as it comes over the wire; every resource says which further fields it reads. */
export interface Wire {
  metadata: ObjectMeta;
}

export interface Resource<O extends Wire = Wire> {
  /** Name for flags and queries: the plural. */
  name: string;
  type: ResourceType;
  /** Upstream's name for the kind in its own metrics: `*v1.Pod`. */
  goType: string;
  /** Not among the default resources. */
  defaultOff?: true;
  /**
   * How much of an object is asked for: `metadata` nothing else at all, `table` what `kubectl get` shows. Absent: whole
   * objects. Chosen from the families that are to be written.
   */
  form?(families: readonly Family<O>[]): "metadata" | "table" | undefined;
  /** The column of a table that becomes a field of the object. */
  column?: { name: string; field: string };
  /** Labels every series of an object has. */
  identity(object: O): Labels;
  families: readonly Family<O>[];
}

/** Which stability upstream gives a family. */
export type Stability = "STABLE" | "ALPHA";

type Write<O> = Family<O>["write"];

/** The pieces families are made of, for objects of one type. */
export class FamilyMaker<O extends Wire> {
  readonly prefix: string;

  /** `prefix` is what all names of the resource begin with: `kube_pod_`. */
  constructor(prefix: string) {
    this.prefix = prefix;
  }

  gauge(name: string, stability: Stability, help: string, write: Write<O>): Family<O> {
    return { name: this.prefix + name, help, type: "gauge", stable: stability === "STABLE", write };
  }

  counter(name: string, stability: Stability, help: string, write: Write<O>): Family<O> {
    return { ...this.gauge(name, stability, help, write), type: "counter" };
  }

  optIn(name: string, help: string, write: Write<O>): Family<O> {
    return { ...this.gauge(name, "ALPHA", help, write), optIn: true };
  }

  /** One series with a number; an absent one counts as 0, as for Go's fields that are no pointers. */
  number(name: string, stability: Stability, help: string, value: (object: O) => number | undefined): Family<O> {
    return this.gauge(name, stability, help, (object, emit) => emit(value(object) ?? 0));
  }

  /** One series with a number; none when it is absent, as for Go's pointers. */
  optional(
    name: string,
    stability: Stability,
    help: string,
    value: (object: O) => number | null | undefined,
  ): Family<O> {
    return this.gauge(name, stability, help, (object, emit) => {
      const found = value(object);
      if (found !== undefined && found !== null) emit(found);
    });
  }

  /** A time as Unix seconds; no series when it is absent. */
  time(name: string, stability: Stability, help: string, value: (object: O) => string | null | undefined): Family<O> {
    return this.gauge(name, stability, help, (object, emit) => {
      const text = value(object);
      if (text) emit(unixSeconds(text));
    });
  }

  /** Constant 1; the facts are in the labels. */
  info(name: string, stability: Stability, help: string, labels?: (object: O) => Labels): Family<O> {
    return this.gauge(name, stability, help, (object, emit) => emit(1, labels?.(object)));
  }

  created(stability: Stability, help = "Unix creation timestamp"): Family<O> {
    return this.time("created", stability, help, ({ metadata }) => metadata.creationTimestamp);
  }

  deletionTimestamp(stability: Stability = "ALPHA", name = "deletion_timestamp"): Family<O> {
    return this.time(name, stability, "Unix deletion timestamp", ({ metadata }) => metadata.deletionTimestamp);
  }

  labels(stability: Stability): Family<O> {
    const help = "Kubernetes labels converted to Prometheus labels.";
    return this.gauge("labels", stability, help, ({ metadata }, emit, allowed) => {
      if (allowed.labels) emit(1, allowed.labels.labels("label", metadata.labels));
    });
  }

  annotations(stability: Stability = "ALPHA"): Family<O> {
    const help = "Kubernetes annotations converted to Prometheus labels.";
    return this.gauge("annotations", stability, help, ({ metadata }, emit, allowed) => {
      if (allowed.annotations) emit(1, allowed.annotations.labels("annotation", metadata.annotations));
    });
  }

  /** The resource version as a number; no series when it is none. */
  resourceVersion(stability: Stability, what: string): Family<O> {
    const help = `Resource version representing a specific version of ${what}.`;
    return this.gauge("metadata_resource_version", stability, help, ({ metadata }, emit) => {
      const version = Number(metadata.resourceVersion || Number.NaN);
      if (!Number.isNaN(version)) emit(version);
    });
  }

  generation(help: string): Family<O> {
    return this.number("metadata_generation", "STABLE", help, ({ metadata }) => metadata.generation);
  }

  /** One series an owner; one with empty values when there is none. */
  owner(stability: Stability, help: string): Family<O> {
    return this.gauge("owner", stability, help, ({ metadata }, emit) => {
      for (const { kind, name, controller } of ownersOf(metadata)) {
        const isController = kind === undefined ? "" : String(controller ?? false);
        emit(1, ["owner_kind", kind, "owner_name", name, "owner_is_controller", isController]);
      }
    });
  }

  /** One series a condition and possible status; 1 for the status it has. */
  conditions(
    name: string,
    stability: Stability,
    help: string,
    conditions: (object: O) => readonly Condition[] | null | undefined,
  ): Family<O> {
    return this.gauge(name, stability, help, (object, emit) => {
      for (const { type, status } of conditions(object) ?? []) {
        emitStatuses(status, (value, text) => emit(value, ["condition", type, "status", text]));
      }
    });
  }

  /** One series for each value a field can have, 1 for the one it has; none while it is empty. */
  oneOf(
    name: string,
    stability: Stability,
    help: string,
    label: string,
    values: readonly string[],
    current: (object: O) => string | undefined,
  ): Family<O> {
    return this.gauge(name, stability, help, (object, emit) => {
      const now = current(object);
      if (!now) return;
      for (const value of values) emit(Number(value === now), [label, value]);
    });
  }
}

/** A condition of the usual form. */
export interface Condition {
  type: string;
  status?: string;
  reason?: string;
  lastTransitionTime?: string | null;
}

const STATUSES = ["True", "False", "Unknown"] as const;

/** The three statuses a condition can have, in lower case, with 1 for the one it has. */
export function emitStatuses(status: string | undefined, emit: (value: number, status: string) => void): void {
  for (const possible of STATUSES) emit(Number(possible === status), possible.toLowerCase());
}

const NO_OWNER: readonly Partial<OwnerReference>[] = [{}];

/** The owners, or one that is nobody. */
export function ownersOf({ ownerReferences }: ObjectMeta): readonly Partial<OwnerReference>[] {
  return ownerReferences && ownerReferences.length > 0 ? ownerReferences : NO_OWNER;
}

/** Labels of objects in namespaces. */
export function namespacedName(label: string): (object: Wire) => Labels {
  return ({ metadata: { namespace, name } }) => ["namespace", namespace, label, name];
}

export function clusterName(label: string): (object: Wire) => Labels {
  return ({ metadata: { name } }) => [label, name];
}
