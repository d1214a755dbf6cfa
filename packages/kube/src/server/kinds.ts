/** The kinds the server knows: Kubernetes' own, the monitoring CRDs, and CRDs users apply. */
import kubernetes from "../schemas/generated/kubernetes.json" with { type: "json" };
import monitoring from "../schemas/generated/monitoring.json" with { type: "json" };
import type { KubeObject } from "../types.ts";
import type { Schema } from "./schema.ts";

export interface PrinterColumn {
  name: string;
  type: string;
  jsonPath: string;
  description?: string;
  format?: string;
  priority?: number;
}

export interface ResourceKind {
  group: string;
  version: string;
  kind: string;
  plural: string;
  singular: string;
  namespaced: boolean;
  shortNames: readonly string[];
  categories: readonly string[];
  /** "status" and "scale" where the kind has them. */
  subresources: readonly string[];
  withoutDeleteCollection?: boolean;
  scale?: { specReplicasPath: string; statusReplicasPath: string; labelSelectorPath?: string };
  schema: Schema;
  /** A custom resource: defaulted, pruned and fully validated by its schema. */
  custom: boolean;
  columns?: readonly PrinterColumn[];
}

interface CrdVersion {
  name: string;
  served: boolean;
  storage: boolean;
  schema: unknown;
  subresources?: { status?: unknown; scale?: ResourceKind["scale"] };
  additionalPrinterColumns?: PrinterColumn[];
}

interface CrdSpec {
  group: string;
  scope: string;
  names: { kind: string; plural: string; singular?: string; shortNames?: string[]; categories?: string[] };
  versions: CrdVersion[];
}

function kindsOfCrd({ group, scope, names, versions }: CrdSpec): ResourceKind[] {
  return versions
    .filter(({ served }) => served)
    .map(({ name, schema, subresources, additionalPrinterColumns }) => ({
      group,
      version: name,
      kind: names.kind,
      plural: names.plural,
      singular: names.singular ?? names.kind.toLowerCase(),
      namespaced: scope === "Namespaced",
      shortNames: names.shortNames ?? [],
      categories: names.categories ?? [],
      subresources: [...(subresources?.status ? ["status"] : []), ...(subresources?.scale ? ["scale"] : [])],
      scale: subresources?.scale,
      schema: schema as Schema,
      custom: true,
      columns: additionalPrinterColumns,
    }));
}

/** Kinds without a definition: stored as they are given. */
const OPEN: Schema = { type: "object", "x-kubernetes-preserve-unknown-fields": true };

interface BuiltInResource extends Omit<ResourceKind, "schema" | "custom" | "shortNames" | "categories"> {
  shortNames?: string[];
  categories?: string[];
  /** Name of its schema among the definitions. */
  definition?: string;
}

interface BundledCrd extends CrdSpec {
  annotations?: Record<string, string>;
}
const BUNDLED = monitoring as unknown as BundledCrd[];

/** The monitoring CRDs as objects, for `kubectl get crd` and for clients that wait until they are established. */
export function bundledCrds(): KubeObject[] {
  return BUNDLED.map(({ annotations, ...spec }) => ({
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${spec.names.plural}.${spec.group}`, annotations },
    spec: {
      ...spec,
      conversion: { strategy: "None" },
      versions: spec.versions.map((version) => ({ ...version, schema: { openAPIV3Schema: version.schema } })),
    },
  }));
}

/** What the server says about a CRD once it serves it. */
export function establishedStatus(object: KubeObject, now: string): unknown {
  const { names, versions } = object.spec as CrdSpec;
  const condition = (type: string, reason: string, message: string) => ({
    type,
    status: "True",
    lastTransitionTime: now,
    reason,
    message,
  });
  return {
    acceptedNames: { singular: names.kind.toLowerCase(), listKind: `${names.kind}List`, ...names },
    conditions: [
      condition("NamesAccepted", "NoConflicts", "no conflicts found"),
      condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
    ],
    storedVersions: versions.filter(({ storage }) => storage).map(({ name }) => name),
  };
}

function pathKey(group: string, version: string, plural: string): string {
  return `${group}/${version}/${plural}`;
}

export class KindRegistry {
  /** By group, version and plural, in the order of registration. */
  readonly #kinds = new Map<string, ResourceKind>();
  readonly #byKind = new Map<string, ResourceKind>();
  #revision = 0;

  constructor() {
    for (const { definition, ...resource } of kubernetes.resources as BuiltInResource[]) {
      const schema = definition ? { $ref: `#/components/schemas/${definition}` } : OPEN;
      this.#add({ shortNames: [], categories: [], ...resource, schema, custom: false });
    }
    for (const crd of BUNDLED) for (const kind of kindsOfCrd(crd)) this.#add(kind);
  }

  all(): readonly ResourceKind[] {
    return [...this.#kinds.values()];
  }

  /** Changes whenever the set of kinds or a schema does. */
  get revision(): number {
    return this.#revision;
  }

  byPath(group: string, version: string, plural: string): ResourceKind | undefined {
    return this.#kinds.get(pathKey(group, version, plural));
  }

  /** Any served version of a resource. */
  byResource(group: string, plural: string): ResourceKind | undefined {
    return this.all().find((kind) => kind.group === group && kind.plural === plural);
  }

  byObject({ apiVersion, kind }: { apiVersion: string; kind: string }): ResourceKind | undefined {
    return this.#byKind.get(`${apiVersion}/${kind}`);
  }

  /** Serves the kinds of a CRD object from now on, in place of what an earlier state of it defined. */
  addCrd(object: KubeObject): void {
    const spec = crdSpec(object);
    const clash = this.byResource(spec.group, spec.names.plural);
    // A CRD cannot take over a built-in kind.
    if (clash && !clash.custom) return;
    this.#drop(spec);
    for (const kind of kindsOfCrd(spec)) this.#add(kind);
  }

  removeCrd(object: KubeObject): void {
    this.#drop(crdSpec(object));
  }

  #add(kind: ResourceKind): void {
    this.#kinds.set(pathKey(kind.group, kind.version, kind.plural), kind);
    this.#byKind.set(`${kind.group === "" ? "" : `${kind.group}/`}${kind.version}/${kind.kind}`, kind);
    this.#revision++;
  }

  #drop({ group, names }: CrdSpec): void {
    for (const [key, kind] of this.#kinds) {
      if (!kind.custom || kind.group !== group || kind.plural !== names.plural) continue;
      this.#kinds.delete(key);
      this.#byKind.delete(`${kind.group}/${kind.version}/${kind.kind}`);
      this.#revision++;
    }
  }
}

function crdSpec(object: KubeObject): CrdSpec {
  const spec = object.spec as CrdSpec & { versions: (CrdVersion & { schema?: { openAPIV3Schema?: unknown } })[] };
  return {
    ...spec,
    versions: (spec.versions ?? []).map((version) => ({
      ...version,
      schema: (version.schema as { openAPIV3Schema?: unknown } | undefined)?.openAPIV3Schema ?? {
        type: "object",
        "x-kubernetes-preserve-unknown-fields": true,
      },
    })),
  };
}
