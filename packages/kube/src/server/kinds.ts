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

/** What a CustomResourceDefinition itself may hold: not more than is needed to serve it. */
const CRD_KIND: ResourceKind = {
  group: "apiextensions.k8s.io",
  version: "v1",
  kind: "CustomResourceDefinition",
  plural: "customresourcedefinitions",
  singular: "customresourcedefinition",
  namespaced: false,
  shortNames: ["crd", "crds"],
  categories: ["api-extensions"],
  subresources: ["status"],
  schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
  custom: false,
};

export class KindRegistry {
  readonly #kinds: ResourceKind[] = [];

  constructor() {
    for (const resource of kubernetes.resources) {
      this.#kinds.push({
        shortNames: [],
        categories: [],
        ...resource,
        schema: { $ref: `#/components/schemas/${resource.definition}` },
        custom: false,
      });
    }
    this.#kinds.push(CRD_KIND);
    for (const crd of monitoring as unknown as CrdSpec[]) this.#kinds.push(...kindsOfCrd(crd));
  }

  all(): readonly ResourceKind[] {
    return this.#kinds;
  }

  byPath(group: string, version: string, plural: string): ResourceKind | undefined {
    return this.#kinds.find((kind) => kind.group === group && kind.version === version && kind.plural === plural);
  }

  byObject({ apiVersion, kind }: { apiVersion: string; kind: string }): ResourceKind | undefined {
    const [group, version] = apiVersion.includes("/") ? apiVersion.split("/", 2) : ["", apiVersion];
    return this.#kinds.find((entry) => entry.kind === kind && entry.group === group && entry.version === version);
  }

  /** Serves the kinds of a CRD object from now on; built-in definitions of the same kind stay. */
  addCrd(object: KubeObject): void {
    for (const kind of kindsOfCrd(crdSpec(object))) {
      if (!this.byPath(kind.group, kind.version, kind.plural)) this.#kinds.push(kind);
    }
  }

  removeCrd(object: KubeObject): void {
    const { group, names } = crdSpec(object);
    for (let i = this.#kinds.length - 1; i >= 0; i--) {
      const kind = this.#kinds[i];
      if (kind.custom && kind.group === group && kind.plural === names.plural && !isMonitoring(kind))
        this.#kinds.splice(i, 1);
    }
  }
}

function isMonitoring(kind: ResourceKind): boolean {
  return kind.group === "monitoring.coreos.com";
}

function crdSpec(object: KubeObject): CrdSpec {
  const spec = object.spec as CrdSpec & { versions: (CrdVersion & { schema?: { openAPIV3Schema?: unknown } })[] };
  return {
    ...spec,
    versions: spec.versions.map((version) => ({
      ...version,
      schema: (version.schema as { openAPIV3Schema?: unknown } | undefined)?.openAPIV3Schema ?? {
        type: "object",
        "x-kubernetes-preserve-unknown-fields": true,
      },
    })),
  };
}
