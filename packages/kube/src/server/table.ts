/** Lists as tables, which is how `kubectl get` asks for them. */
import type { KubeObject } from "../types.ts";
import type { PrinterColumn, ResourceKind } from "./kinds.ts";

interface Column {
  name: string;
  type: string;
  format: string;
  description: string;
  priority: number;
  cell: (object: KubeObject) => unknown;
}

function path(object: KubeObject, jsonPath: string): unknown {
  let value: unknown = object;
  // `.status.conditions[?(@.type == 'Available')].status`, `.spec.x`, `.metadata.labels.a\.b`
  const steps = jsonPath.match(/\.(?:\\.|[^.[\\])+|\[\?\(@\.[^)]*\)\]|\[[^\]]*\]/g) ?? [];
  for (const step of steps) {
    if (value === null || value === undefined) return undefined;
    const filter = /^\[\?\(@\.(\w+)\s*==\s*['"]([^'"]*)['"]\)\]$/.exec(step);
    if (filter) value = (value as Record<string, unknown>[]).find?.((item) => item[filter[1]] === filter[2]);
    else if (step.startsWith("["))
      value = (value as Record<string, unknown>)[step.slice(1, -1).replaceAll(/['"]/g, "")];
    else value = (value as Record<string, unknown>)[step.slice(1).replaceAll("\\", "")];
  }
  return value;
}

/** As kubectl shows ages: the two largest units that matter. */
function age(timestamp: unknown): string {
  if (typeof timestamp !== "string") return "<unknown>";
  const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(timestamp)) / 1000));
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return `${minutes}m${seconds % 60 ? `${seconds % 60}s` : ""}`;
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return `${hours}h${minutes % 60 ? `${minutes % 60}m` : ""}`;
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  return days < 8 ? `${days}d${hours % 24 ? `${hours % 24}h` : ""}` : `${days}d`;
}

const simple = (name: string, cell: (object: KubeObject) => unknown, priority = 0): Column => ({
  name,
  type: "string",
  format: "",
  description: "",
  priority,
  cell,
});

const count = (value: unknown): number => (value && typeof value === "object" ? Object.keys(value).length : 0);
const at = (object: KubeObject, jsonPath: string): unknown => path(object, jsonPath) ?? "<none>";

/** Further columns of built-in kinds, as upstream's printers show them. */
const BUILT_IN: Record<string, Column[]> = {
  Namespace: [simple("Status", (object) => at(object, ".status.phase"))],
  ConfigMap: [simple("Data", (object) => count((object as { data?: unknown }).data))],
  Secret: [
    simple("Type", (object) => at(object, ".type")),
    simple("Data", (object) => count((object as { data?: unknown }).data)),
  ],
  Service: [
    simple("Type", (object) => at(object, ".spec.type")),
    simple("Cluster-IP", (object) => at(object, ".spec.clusterIP")),
    simple("External-IP", (object) => at(object, ".spec.externalName")),
    simple("Port(s)", (object) =>
      ((path(object, ".spec.ports") as { port: number; protocol?: string }[] | undefined) ?? [])
        .map(({ port, protocol }) => `${port}/${protocol ?? "TCP"}`)
        .join(","),
    ),
  ],
  EndpointSlice: [
    simple("AddressType", (object) => at(object, ".addressType")),
    simple("Ports", (object) =>
      ((path(object, ".ports") as { port?: number }[] | undefined) ?? []).map(({ port }) => port ?? "*").join(","),
    ),
    simple("Endpoints", (object) =>
      ((path(object, ".endpoints") as { addresses: string[] }[] | undefined) ?? [])
        .flatMap(({ addresses }) => addresses)
        .join(","),
    ),
  ],
  Pod: [
    simple("Status", (object) => at(object, ".status.phase")),
    simple("Node", (object) => at(object, ".spec.nodeName"), 1),
  ],
};

function custom({ name, type, jsonPath, description, format, priority }: PrinterColumn): Column {
  return {
    name,
    type,
    format: format ?? "",
    description: description ?? "",
    priority: priority ?? 0,
    cell: (object) => {
      const value = path(object, jsonPath);
      return type === "date" ? (value === undefined ? "<unknown>" : age(value)) : (value ?? "");
    },
  };
}

function columnsOf(kind: ResourceKind): Column[] {
  const own = kind.columns?.map(custom) ?? BUILT_IN[kind.kind] ?? [];
  const name: Column = { ...simple("Name", ({ metadata }) => metadata.name), format: "name" };
  const hasAge = own.some((column) => column.name === "Age");
  return [name, ...own, ...(hasAge ? [] : [simple("Age", ({ metadata }) => age(metadata.creationTimestamp))])];
}

export type IncludeObject = "None" | "Metadata" | "Object";

export function tableOf(
  kind: ResourceKind,
  objects: readonly KubeObject[],
  metadata: object,
  include: IncludeObject,
  withColumns = true,
) {
  const columns = columnsOf(kind);
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata,
    columnDefinitions: withColumns ? columns.map(({ cell: _cell, ...definition }) => definition) : null,
    rows: objects.map((object) => ({
      cells: columns.map(({ cell }) => cell(object)),
      ...(include === "None" ? {} : { object: include === "Object" ? object : partialMetadata(object) }),
    })),
  };
}

export function partialMetadata({ metadata }: KubeObject) {
  return { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata };
}
