/** Options from flags and from the file of options, checked. */
import { type ParsedFlags, parseYaml, type YamlNode } from "@pharos/kit";
import { UserError } from "@pharos/model";
import type { kubeStateMetricsFlags } from "./flags.ts";
import { DEFAULT_RESOURCES, RESOURCE_NAMES } from "./resources.ts";
import type { Shard } from "./shard.ts";
import { type AllowList, checkWildcards, parseAllowList } from "./values/allow-list.ts";

export interface Settings {
  apiserver: string;
  kubeconfig: string;
  host: string;
  port: number;
  telemetryHost: string;
  telemetryPort: number;
  /** Milliseconds. */
  timeouts: { idle: number; read: number; readHeader: number; write: number };
  /** Web configuration file; "": plain HTTP. */
  tlsConfig: string;
  authFilter: boolean;
  gzip: boolean;
  resources: readonly string[];
  /** Empty: all. */
  namespaces: readonly string[];
  namespacesDenylist: readonly string[];
  metricAllowlist: readonly string[];
  metricDenylist: readonly string[];
  metricOptInList: readonly string[];
  labelsAllowlist: AllowList;
  annotationsAllowlist: AllowList;
  node: string;
  trackUnscheduledPods: boolean;
  shard: Shard;
  pod: string;
  podNamespace: string;
  customResourceState: string;
  customResourceStateFile: string;
  continueWithoutCustomResourceStateFile: boolean;
  useApiServerCache: boolean;
  objectLimit: number;
  verbosity: number;
}

type FlagValues = ParsedFlags<typeof kubeStateMetricsFlags>["values"];

const items = (texts: readonly string[]): string[] => [
  ...new Set(
    texts
      .flatMap((text) => text.split(","))
      .map((item) => item.trim())
      .filter((item) => item !== ""),
  ),
];

/** Items of a list, or keys of a map: upstream's sets are maps in YAML. */
function setOf(node: YamlNode): string[] {
  if (node.kind === "map") return node.entries().map(([key]) => key);
  return items(node.kind === "seq" ? node.strings() : [node.string()]);
}

function allowListOf(node: YamlNode, flag: string): AllowList {
  const list = new Map(node.entries().map(([resource, keys]) => [resource, keys.strings()]));
  checkWildcards(list, node.path, flag);
  return list;
}

/** Raw values: what flags gave, and what the file replaces. */
type Raw = Omit<Settings, "resources"> & { resources: readonly string[]; customResourceOnly: boolean };

/** What each key of the file of options sets, as upstream spells them. */
const FILE_KEYS: Readonly<Record<string, (raw: Raw, node: YamlNode) => void>> = {
  annotations_allow_list: (raw, node) => {
    raw.annotationsAllowlist = allowListOf(node, "metric-annotations-allowlist");
  },
  labels_allow_list: (raw, node) => {
    raw.labelsAllowlist = allowListOf(node, "metric-labels-allowlist");
  },
  metric_allowlist: (raw, node) => {
    raw.metricAllowlist = setOf(node);
  },
  metric_denylist: (raw, node) => {
    raw.metricDenylist = setOf(node);
  },
  metric_opt_in_list: (raw, node) => {
    raw.metricOptInList = setOf(node);
  },
  resources: (raw, node) => {
    raw.resources = setOf(node);
  },
  apiserver: (raw, node) => {
    raw.apiserver = node.string();
  },
  kubeconfig: (raw, node) => {
    raw.kubeconfig = node.string();
  },
  custom_resource_config: (raw, node) => {
    raw.customResourceState = node.string();
  },
  custom_resource_state_config_file: (raw, node) => {
    raw.customResourceStateFile = node.string();
  },
  // The name before 2.17; it gives way to the new one.
  custom_resource_config_file: (raw, node) => {
    raw.customResourceStateFile ||= node.string();
  },
  continue_without_custom_resource_state_config_file: (raw, node) => {
    raw.continueWithoutCustomResourceStateFile = node.boolean();
  },
  custom_resources_only: (raw, node) => {
    raw.customResourceOnly = node.boolean();
  },
  host: (raw, node) => {
    raw.host = node.string();
  },
  port: (raw, node) => {
    raw.port = node.integer();
  },
  telemetry_host: (raw, node) => {
    raw.telemetryHost = node.string();
  },
  telemetry_port: (raw, node) => {
    raw.telemetryPort = node.integer();
  },
  namespace: (raw, node) => {
    raw.podNamespace = node.string();
  },
  pod: (raw, node) => {
    raw.pod = node.string();
  },
  node: (raw, node) => {
    raw.node = node.string();
  },
  namespaces: (raw, node) => {
    raw.namespaces = setOf(node);
  },
  namespaces_denylist: (raw, node) => {
    raw.namespacesDenylist = setOf(node);
  },
  shard: (raw, node) => {
    raw.shard = { ...raw.shard, ordinal: node.integer() };
  },
  total_shards: (raw, node) => {
    raw.shard = { ...raw.shard, total: node.integer() };
  },
  enable_gzip_encoding: (raw, node) => {
    raw.gzip = node.boolean();
  },
  track_unscheduled_pods: (raw, node) => {
    raw.trackUnscheduledPods = node.boolean();
  },
  use_api_server_cache: (raw, node) => {
    raw.useApiServerCache = node.boolean();
  },
  object_limit: (raw, node) => {
    raw.objectLimit = node.integer();
  },
  tls_config: (raw, node) => {
    raw.tlsConfig = node.string();
  },
  auth_filter: (raw, node) => {
    raw.authFilter = node.boolean();
  },
  server_idle_timeout: (raw, node) => {
    raw.timeouts = { ...raw.timeouts, idle: node.duration() };
  },
  server_read_timeout: (raw, node) => {
    raw.timeouts = { ...raw.timeouts, read: node.duration() };
  },
  server_read_header_timeout: (raw, node) => {
    raw.timeouts = { ...raw.timeouts, readHeader: node.duration() };
  },
  server_write_timeout: (raw, node) => {
    raw.timeouts = { ...raw.timeouts, write: node.duration() };
  },
  continue_without_config: () => {},
  "auto-gomemlimit": () => {},
  "auto-gomemlimit-ratio": () => {},
};

function fromFlags(flags: FlagValues): Raw {
  return {
    apiserver: flags.apiserver,
    kubeconfig: flags.kubeconfig,
    host: flags.host,
    port: flags.port,
    telemetryHost: flags["telemetry-host"],
    telemetryPort: flags["telemetry-port"],
    timeouts: {
      idle: flags["server-idle-timeout"],
      read: flags["server-read-timeout"],
      readHeader: flags["server-read-header-timeout"],
      write: flags["server-write-timeout"],
    },
    tlsConfig: flags["tls-config"],
    authFilter: flags["auth-filter"],
    gzip: flags["enable-gzip-encoding"],
    resources: items(flags.resources),
    namespaces: items(flags.namespaces),
    namespacesDenylist: items(flags["namespaces-denylist"]),
    metricAllowlist: items(flags["metric-allowlist"]),
    metricDenylist: items(flags["metric-denylist"]),
    metricOptInList: items(flags["metric-opt-in-list"]),
    labelsAllowlist: parseAllowList(flags["metric-labels-allowlist"], "metric-labels-allowlist"),
    annotationsAllowlist: parseAllowList(flags["metric-annotations-allowlist"], "metric-annotations-allowlist"),
    node: flags.node,
    trackUnscheduledPods: flags["track-unscheduled-pods"],
    shard: { ordinal: flags.shard, total: flags["total-shards"] },
    pod: flags.pod,
    podNamespace: flags["pod-namespace"],
    customResourceState: flags["custom-resource-state-config"],
    customResourceStateFile: flags["custom-resource-state-config-file"],
    continueWithoutCustomResourceStateFile: flags["continue-without-custom-resource-state-config-file"],
    customResourceOnly: flags["custom-resource-state-only"],
    useApiServerCache: flags["use-apiserver-cache"],
    objectLimit: flags["object-limit"],
    verbosity: flags.v,
  };
}

function refuse(flag: string, message: string, fix?: string): UserError {
  return new UserError("ksm.flag", message, { where: { flag: `--${flag}` }, fix });
}

function checkNames(names: Iterable<string>, flag: string, others: readonly string[] = []): void {
  for (const name of names) {
    if (RESOURCE_NAMES.includes(name) || others.includes(name)) continue;
    throw refuse(flag, `resource ${name} does not exist`, `Available resources: ${RESOURCE_NAMES.join(",")}`);
  }
}

function chosenResources({ resources, customResourceOnly, node, trackUnscheduledPods }: Raw): readonly string[] {
  if (customResourceOnly) return [];
  const byNode = node !== "" || trackUnscheduledPods;
  if (resources.length === 0) return byNode ? ["pods"] : DEFAULT_RESOURCES;
  const other = node === "" ? undefined : resources.find((name) => name !== "pods");
  if (other !== undefined) {
    throw refuse("node", `resource ${other} can't be sharded by field selector spec.nodeName`, "Give --resources=pods");
  }
  return resources;
}

/** From flags, and the text of the file of options when there is one. A UserError says what cannot be. */
export function settingsFrom(flags: FlagValues, file?: { path: string; text: string }): Settings {
  const raw = fromFlags(flags);
  if (file) {
    const map = parseYaml(file.text, file.path).map();
    // The deprecated key must not be read before the one that precedes it.
    for (const [key, apply] of Object.entries(FILE_KEYS)) {
      const node = map.get(key);
      if (node && !node.isNull) apply(raw, node);
    }
    map.done("Options");
  }
  checkNames(raw.resources, "resources");
  checkNames(raw.labelsAllowlist.keys(), "metric-labels-allowlist", ["*"]);
  checkNames(raw.annotationsAllowlist.keys(), "metric-annotations-allowlist", ["*"]);
  const { ordinal, total } = raw.shard;
  if (!Number.isInteger(total) || total < 1) throw refuse("total-shards", `not a number of shards: ${total}`);
  if (!Number.isInteger(ordinal) || ordinal < 0) throw refuse("shard", `not a shard: ${ordinal}`);
  if (!Number.isInteger(raw.objectLimit) || raw.objectLimit < 0) {
    throw refuse("object-limit", `value for --object-limit=${raw.objectLimit} must be equal or greater than 0`);
  }
  if ((raw.pod === "") !== (raw.podNamespace === "")) {
    throw refuse("pod", "--pod and --pod-namespace belong together", "Give both or neither");
  }
  const { customResourceOnly: _only, ...settings } = raw;
  return { ...settings, resources: chosenResources(raw) };
}
