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
const number = (name: string, cell: (object: KubeObject) => unknown): Column => ({
  ...simple(name, cell),
  type: "integer",
});

const count = (value: unknown): number => (value && typeof value === "object" ? Object.keys(value).length : 0);
const at = (object: KubeObject, jsonPath: string): unknown => path(object, jsonPath) ?? "<none>";
const total = (object: KubeObject, jsonPath: string): number => (path(object, jsonPath) as number | undefined) ?? 0;
const listAt = <T>(object: KubeObject, jsonPath: string): T[] => (path(object, jsonPath) as T[] | undefined) ?? [];
const orNone = (text: string): string => (text === "" ? "<none>" : text);

function labelsText(labels: unknown): string {
  return orNone(
    Object.entries((labels ?? {}) as Record<string, string>)
      .map(([key, value]) => `${key}=${value}`)
      .join(","),
  );
}

/** Long lists are cut, as upstream does: the first three and how many more. */
function firstThree(values: readonly unknown[]): string {
  const shown = values.slice(0, 3).join(",");
  return orNone(values.length > 3 ? `${shown} + ${values.length - 3} more...` : shown);
}

interface ContainerStatus {
  ready?: boolean;
  restartCount?: number;
  state?: { waiting?: { reason?: string }; terminated?: { reason?: string; exitCode?: number } };
}

function podStatus(object: KubeObject): unknown {
  if (object.metadata.deletionTimestamp) return "Terminating";
  for (const { state } of listAt<ContainerStatus>(object, ".status.containerStatuses")) {
    const reason = state?.waiting?.reason ?? state?.terminated?.reason;
    if (reason && reason !== "Completed") return reason;
  }
  return path(object, ".status.reason") ?? path(object, ".status.phase") ?? "Unknown";
}

interface Condition {
  type: string;
  status: string;
}

function nodeStatus(object: KubeObject): string {
  const ready = listAt<Condition>(object, ".status.conditions").find(({ type }) => type === "Ready");
  const words = [ready ? (ready.status === "True" ? "Ready" : "NotReady") : "Unknown"];
  if (path(object, ".spec.unschedulable")) words.push("SchedulingDisabled");
  return words.join(",");
}

function nodeRoles({ metadata }: KubeObject): string {
  const prefix = "node-role.kubernetes.io/";
  const roles = Object.keys(metadata.labels ?? {}).filter((label) => label.startsWith(prefix));
  return orNone(
    roles
      .map((label) => label.slice(prefix.length))
      .sort()
      .join(","),
  );
}

function eventObject(object: KubeObject): string {
  const about = (path(object, ".involvedObject") ?? path(object, ".regarding") ?? {}) as {
    kind?: string;
    name?: string;
  };
  return `${(about.kind ?? "").toLowerCase()}/${about.name ?? ""}`;
}

function lastSeen(object: KubeObject): string {
  const times = [
    ".series.lastObservedTime",
    ".lastTimestamp",
    ".deprecatedLastTimestamp",
    ".eventTime",
    ".firstTimestamp",
  ];
  return age(times.map((time) => path(object, time)).find((time) => typeof time === "string"));
}

interface Container {
  name: string;
  image: string;
}
const containers = (jsonPath: string): Column[] => [
  simple(
    "Containers",
    (object) =>
      listAt<Container>(object, jsonPath)
        .map(({ name }) => name)
        .join(","),
    1,
  ),
  simple(
    "Images",
    (object) =>
      listAt<Container>(object, jsonPath)
        .map(({ image }) => image)
        .join(","),
    1,
  ),
];
const template = containers(".spec.template.spec.containers");
const selector = simple("Selector", (object) => labelsText(path(object, ".spec.selector.matchLabels")), 1);
const AGE = simple("Age", ({ metadata }) => age(metadata.creationTimestamp));

/** Further columns of built-in kinds, as upstream's printers show them. Those with an own Age say where it stands. */
const BUILT_IN: Record<string, Column[]> = {
  Namespace: [simple("Status", (object) => at(object, ".status.phase"))],
  ConfigMap: [number("Data", (object) => count(path(object, ".data")) + count(path(object, ".binaryData")))],
  Secret: [simple("Type", (object) => at(object, ".type")), number("Data", (object) => count(path(object, ".data")))],
  ServiceAccount: [number("Secrets", (object) => count(path(object, ".secrets")))],
  Service: [
    simple("Type", (object) => at(object, ".spec.type")),
    simple("Cluster-IP", (object) => at(object, ".spec.clusterIP")),
    simple("External-IP", (object) =>
      orNone([path(object, ".spec.externalName") ?? listAt<string>(object, ".spec.externalIPs")].flat().join(",")),
    ),
    simple("Port(s)", (object) =>
      orNone(
        listAt<{ port: number; protocol?: string; nodePort?: number }>(object, ".spec.ports")
          .map(({ port, protocol, nodePort }) => `${port}${nodePort ? `:${nodePort}` : ""}/${protocol ?? "TCP"}`)
          .join(","),
      ),
    ),
    AGE,
    simple("Selector", (object) => labelsText(path(object, ".spec.selector")), 1),
  ],
  Endpoints: [
    simple("Endpoints", (object) =>
      firstThree(
        listAt<{ addresses?: { ip: string }[]; ports?: { port: number }[] }>(object, ".subsets").flatMap(
          ({ addresses = [], ports = [] }) =>
            addresses.flatMap(({ ip }) => (ports.length > 0 ? ports.map(({ port }) => `${ip}:${port}`) : [ip])),
        ),
      ),
    ),
  ],
  EndpointSlice: [
    simple("AddressType", (object) => at(object, ".addressType")),
    simple("Ports", (object) => firstThree(listAt<{ port?: number }>(object, ".ports").map(({ port }) => port ?? "*"))),
    simple("Endpoints", (object) =>
      firstThree(listAt<{ addresses: string[] }>(object, ".endpoints").flatMap(({ addresses }) => addresses)),
    ),
  ],
  Pod: [
    simple("Ready", (object) => {
      const ready = listAt<ContainerStatus>(object, ".status.containerStatuses").filter(
        (status) => status.ready,
      ).length;
      return `${ready}/${listAt(object, ".spec.containers").length}`;
    }),
    simple("Status", podStatus),
    number("Restarts", (object) =>
      listAt<ContainerStatus>(object, ".status.containerStatuses").reduce(
        (sum, item) => sum + (item.restartCount ?? 0),
        0,
      ),
    ),
    AGE,
    simple("IP", (object) => at(object, ".status.podIP"), 1),
    simple("Node", (object) => at(object, ".spec.nodeName"), 1),
  ],
  Node: [
    simple("Status", nodeStatus),
    simple("Roles", nodeRoles),
    AGE,
    simple("Version", (object) => path(object, ".status.nodeInfo.kubeletVersion") ?? ""),
  ],
  Deployment: [
    simple("Ready", (object) => `${total(object, ".status.readyReplicas")}/${path(object, ".spec.replicas") ?? 1}`),
    number("Up-to-date", (object) => total(object, ".status.updatedReplicas")),
    number("Available", (object) => total(object, ".status.availableReplicas")),
    AGE,
    ...template,
    selector,
  ],
  StatefulSet: [
    simple("Ready", (object) => `${total(object, ".status.readyReplicas")}/${path(object, ".spec.replicas") ?? 1}`),
    AGE,
    ...template,
  ],
  DaemonSet: [
    number("Desired", (object) => total(object, ".status.desiredNumberScheduled")),
    number("Current", (object) => total(object, ".status.currentNumberScheduled")),
    number("Ready", (object) => total(object, ".status.numberReady")),
    number("Up-to-date", (object) => total(object, ".status.updatedNumberScheduled")),
    number("Available", (object) => total(object, ".status.numberAvailable")),
    simple("Node Selector", (object) => labelsText(path(object, ".spec.template.spec.nodeSelector"))),
    AGE,
    ...template,
    selector,
  ],
  ReplicaSet: [
    number("Desired", (object) => total(object, ".spec.replicas")),
    number("Current", (object) => total(object, ".status.replicas")),
    number("Ready", (object) => total(object, ".status.readyReplicas")),
    AGE,
    ...template,
    selector,
  ],
  Job: [
    simple("Status", (object) => {
      const conditions = listAt<Condition>(object, ".status.conditions").filter(({ status }) => status === "True");
      return conditions.find(({ type }) => type === "Complete" || type === "Failed")?.type ?? "Running";
    }),
    simple(
      "Completions",
      (object) => `${total(object, ".status.succeeded")}/${path(object, ".spec.completions") ?? 1}`,
    ),
  ],
  CronJob: [
    simple("Schedule", (object) => at(object, ".spec.schedule")),
    simple("Suspend", (object) => (path(object, ".spec.suspend") ? "True" : "False")),
    number("Active", (object) => count(path(object, ".status.active"))),
    simple("Last Schedule", (object) => {
      const time = path(object, ".status.lastScheduleTime");
      return time === undefined ? "<none>" : age(time);
    }),
  ],
  Ingress: [
    simple("Class", (object) => at(object, ".spec.ingressClassName")),
    simple("Hosts", (object) => {
      const hosts = listAt<{ host?: string }>(object, ".spec.rules").flatMap(({ host }) => host ?? []);
      return hosts.length === 0 ? "*" : hosts.join(",");
    }),
    simple("Address", (object) =>
      listAt<{ ip?: string; hostname?: string }>(object, ".status.loadBalancer.ingress")
        .map(({ ip, hostname }) => ip ?? hostname)
        .join(","),
    ),
    simple("Ports", (object) => (count(path(object, ".spec.tls")) > 0 ? "80, 443" : "80")),
  ],
  Lease: [simple("Holder", (object) => path(object, ".spec.holderIdentity") ?? "")],
  PodDisruptionBudget: [
    simple("Min Available", (object) => path(object, ".spec.minAvailable") ?? "N/A"),
    simple("Max Unavailable", (object) => path(object, ".spec.maxUnavailable") ?? "N/A"),
    number("Allowed Disruptions", (object) => total(object, ".status.disruptionsAllowed")),
  ],
  PersistentVolumeClaim: [
    simple("Status", (object) => path(object, ".status.phase") ?? ""),
    simple("Volume", (object) => path(object, ".spec.volumeName") ?? ""),
    simple("Capacity", (object) => path(object, ".status.capacity.storage") ?? ""),
    simple("Access Modes", (object) => listAt<string>(object, ".spec.accessModes").join(",")),
    simple("StorageClass", (object) => path(object, ".spec.storageClassName") ?? ""),
  ],
  NetworkPolicy: [simple("Pod-Selector", (object) => labelsText(path(object, ".spec.podSelector.matchLabels")))],
  RoleBinding: [simple("Role", (object) => `${path(object, ".roleRef.kind")}/${path(object, ".roleRef.name")}`)],
  ClusterRoleBinding: [simple("Role", (object) => `${path(object, ".roleRef.kind")}/${path(object, ".roleRef.name")}`)],
  CustomResourceDefinition: [simple("Created At", ({ metadata }) => metadata.creationTimestamp ?? "")],
  Event: [
    simple("Last Seen", lastSeen),
    simple("Type", (object) => path(object, ".type") ?? ""),
    simple("Reason", (object) => path(object, ".reason") ?? ""),
    simple("Object", eventObject),
    simple("Message", (object) => String(path(object, ".message") ?? path(object, ".note") ?? "").trim()),
  ],
};
/** Kinds whose table upstream leaves without an age. */
const AGELESS = new Set(["Event", "CustomResourceDefinition"]);

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
  const own = kind.columns?.map(custom) ?? (kind.custom ? [] : BUILT_IN[kind.kind]) ?? [];
  const name: Column = { ...simple("Name", ({ metadata }) => metadata.name), format: "name" };
  // An event is told by what it says; its name is noise.
  if (kind.kind === "Event" && !kind.custom) return [...own, { ...name, priority: 1 }];
  const hasAge =
    own.some((column) => column.name === "Age") || (!kind.custom && AGELESS.has(kind.kind)) || kind.columns;
  return hasAge ? [name, ...own] : [name, ...own, AGE];
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
