/** `CustomResourceStateMetrics`: which series are made of which fields of custom resources. */
import type { Logger } from "@pharos/kit";
import { parseYaml, type YamlMap, type YamlNode } from "@pharos/kit";
import { compareStrings, UserError } from "@pharos/model";
import type { Family, Wire } from "../family.ts";
import { type LabelMap, PathLabels, ValuePath } from "./path.ts";
import { compareLabels, type Each, gauge, info, stateSet } from "./values.ts";

export interface GroupVersionKind {
  group: string;
  version: string;
  kind: string;
}

/** One entry of `spec.resources`; version and kind may be `*`. */
export interface CustomResource {
  wanted: GroupVersionKind;
  /** Families for a kind that matches. */
  families(found: GroupVersionKind): Family<Wire>[];
}

interface Labels {
  common: LabelMap;
  paths: Record<string, ValuePath>;
}

const PREFIX = "customresource";
const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** Fields nobody knows are passed over as upstream does, but not in silence. */
class Reader {
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  done(map: YamlMap, type: string): void {
    try {
      map.done(type);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.#log.warn("ignoring a field of the custom resource configuration", { err: error.describe() });
    }
  }
}

function path(node: YamlNode | undefined): ValuePath {
  try {
    return new ValuePath(node?.strings() ?? []);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw node!.error((error as Error).message, { code: "ksm.custom" });
  }
}

function labelName(node: YamlNode | undefined): string {
  const name = node?.string() ?? "";
  if (name !== "" && !LABEL_NAME.test(name)) {
    throw node!.error(`${JSON.stringify(name)} is not a label name`, { code: "ksm.custom" });
  }
  return name;
}

function pathMap(node: YamlNode | undefined): Record<string, ValuePath> {
  const paths: Record<string, ValuePath> = {};
  for (const [name, value] of node?.entries() ?? []) paths[name] = path(value);
  return paths;
}

function readLabels(map: YamlMap): Labels {
  const common: LabelMap = {};
  for (const [name, value] of map.get("commonLabels")?.entries() ?? []) {
    if (!LABEL_NAME.test(name)) {
      throw value.error(`${JSON.stringify(name)} is not a label name`, { code: "ksm.custom" });
    }
    common[name] = value.string();
  }
  return { common, paths: pathMap(map.get("labelsFromPath")) };
}

function readEach(node: YamlNode, reader: Reader): Each {
  const map = node.map();
  const typeNode = map.required("type");
  const type = typeNode.string().toLowerCase();
  const nodes = { gauge: map.get("gauge"), stateset: map.get("stateSet"), info: map.get("info") };
  reader.done(map, "Metric");
  if (type !== "gauge" && type !== "stateset" && type !== "info") {
    throw typeNode.error(`unknown metric type ${JSON.stringify(typeNode.string())}`, {
      code: "ksm.custom",
      fix: "Use Gauge, StateSet or Info",
    });
  }
  const details = nodes[type];
  if (!details || details.isNull) {
    throw node.error(`a metric of type ${typeNode.string()} needs its own settings`, { code: "ksm.custom" });
  }
  const own = details.map();
  const common = { path: path(own.get("path")), labelsFromPath: new PathLabels(pathMap(own.get("labelsFromPath"))) };
  let each: Each;
  if (type === "gauge") {
    const nilIsZero = own.get("nilIsZero")?.boolean() ?? false;
    const labelFromKey = labelName(own.get("labelFromKey"));
    each = gauge({ ...common, valueFrom: path(own.get("valueFrom")), labelFromKey, nilIsZero });
  } else if (type === "info") {
    each = info({ ...common, labelFromKey: labelName(own.get("labelFromKey")) });
  } else {
    const list = own.get("list")?.strings() ?? [];
    const name = own.required("labelName");
    each = stateSet({ ...common, valueFrom: path(own.get("valueFrom")), labelName: labelName(name), list });
  }
  reader.done(own, type);
  return each;
}

interface Metric {
  name: string;
  help: string;
  labels: Labels;
  each: Each;
  errorVerbosity: number;
}

/** Logs at which verbosity what an object lacks; 0 is always. */
export type OnValueError = (verbosity: number, metric: string, message: string) => void;

function family(metric: Metric, common: LabelMap, paths: Labels["paths"], onError: OnValueError): Family<Wire> {
  const { name, help, each, errorVerbosity } = metric;
  const base = new PathLabels(paths);
  return {
    name,
    help,
    type: each.type,
    stable: false,
    write(object, emit) {
      const defaults = { ...common };
      base.addTo(defaults, object);
      const values = each.values(each.path.get(object), (message) => onError(errorVerbosity, name, message));
      for (const { labels, value } of values.sort(compareLabels)) {
        const all = { ...defaults, ...labels };
        emit(
          value,
          Object.keys(all)
            .sort(compareStrings)
            .flatMap((key) => [key, all[key]]),
        );
      }
    },
  };
}

function readMetric(node: YamlNode, prefix: string, verbosity: number, reader: Reader): Metric {
  const map = node.map();
  const nameNode = map.required("name");
  const name = prefix === "" ? nameNode.string() : `${prefix}_${nameNode.string()}`;
  if (!METRIC_NAME.test(name)) {
    throw nameNode.error(`${JSON.stringify(name)} is not a metric name`, { code: "ksm.custom" });
  }
  const metric = {
    name,
    help: map.get("help")?.string() ?? "",
    labels: readLabels(map),
    each: readEach(map.required("each"), reader),
    errorVerbosity: map.get("errorLogV")?.integer() || verbosity,
  };
  reader.done(map, "Generator");
  return metric;
}

function readResource(node: YamlNode, reader: Reader, onError: OnValueError): CustomResource {
  const map = node.map();
  const kindNode = map.required("groupVersionKind");
  const kind = kindNode.map();
  const wanted: GroupVersionKind = {
    group: kind.get("group")?.string() ?? "",
    version: kind.get("version")?.string() || "*",
    kind: kind.get("kind")?.string() || "*",
  };
  if (wanted.group === "" || wanted.group === "*") {
    throw kindNode.error("a group is required", {
      code: "ksm.custom",
      fix: "Name the group of the custom resources; versions and kinds may be *",
    });
  }
  reader.done(kind, "GroupVersionKind");
  const prefixNode = map.get("metricNamePrefix");
  const prefix = !prefixNode || prefixNode.isNull ? `kube_${PREFIX}` : prefixNode.string();
  // The plural that counts is the one of the definition.
  map.get("resourcePlural");
  const labels = readLabels(map);
  const verbosity = map.get("errorLogV")?.integer() ?? 0;
  const metrics = (map.get("metrics")?.items() ?? []).map((item) => readMetric(item, prefix, verbosity, reader));
  reader.done(map, "Resource");
  return {
    wanted,
    families: ({ group, version, kind: name }) =>
      metrics.map((metric) => {
        const identity = { [`${PREFIX}_group`]: group, [`${PREFIX}_version`]: version, [`${PREFIX}_kind`]: name };
        const common = { ...labels.common, ...identity, ...metric.labels.common };
        return family(metric, common, { ...labels.paths, ...metric.labels.paths }, onError);
      }),
  };
}

/** Reads a configuration; a UserError names the place of what cannot be. */
export function parseCustomResourceState(
  text: string,
  file: string | undefined,
  log: Logger,
  onError: OnValueError,
): CustomResource[] {
  const root = parseYaml(text, file);
  if (root.isNull) return [];
  const reader = new Reader(log);
  const map = root.map();
  const kind = map.get("kind");
  if (kind && kind.string() !== "CustomResourceStateMetrics") {
    throw kind.error(`kind must be CustomResourceStateMetrics, not ${JSON.stringify(kind.string())}`, {
      code: "ksm.custom",
    });
  }
  map.get("apiVersion");
  map.get("metadata");
  const spec = map.get("spec")?.map();
  reader.done(map, "Metrics");
  const resources = (spec?.get("resources")?.items() ?? []).map((item) => readResource(item, reader, onError));
  if (spec) reader.done(spec, "MetricsSpec");
  return resources;
}
