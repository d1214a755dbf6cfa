/** alertmanager.yml: strict reading with upstream's rules and words, file and line in each complaint. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { parseYaml, type YamlNode } from "@pharos/kit";
import { describeError, UserError } from "@pharos/model";
import { MatcherSyntax } from "../matcher/compat.ts";
import type { AlertMatcher } from "../matcher/matcher.ts";
import { createTemplates, readTemplateFiles, type Templates } from "../notify/templates.ts";
import { configError } from "./fields.ts";
import { checkGlobal, type GlobalSettings, readGlobal } from "./global.ts";
import { type Receiver, readReceiver } from "./receivers.ts";
import { redactConfig } from "./redact.ts";
import { checkRoutes, type Route, readMatchers, readRoute } from "./routes.ts";
import { readTimeInterval, type TimeInterval } from "./time-intervals.ts";

export interface InhibitRule {
  name: string;
  source: AlertMatcher[];
  target: AlertMatcher[];
  equal: string[];
}

export interface AlertmanagerConfig {
  global: GlobalSettings;
  route: Route;
  receivers: Map<string, Receiver>;
  inhibitRules: InhibitRule[];
  timeIntervals: Map<string, TimeInterval>;
  templates: Templates;
  /** Patterns of template files, absolute where the configuration has a file. */
  templateGlobs: string[];
  /** With secrets replaced. */
  shownText: string;
  /** Of the text, as upstream's metric has it. */
  hash: number;
}

export interface LoadOptions {
  /** Path of the file; "" when there is none. */
  file: string;
  syntax?: MatcherSyntax;
  now?: () => number;
  /** Templates are not read: what is checked may stand on another machine. */
  withoutTemplates?: boolean;
}

function readInhibitRule(node: YamlNode, syntax: MatcherSyntax): InhibitRule {
  const map = node.map();
  const rule = {
    name: map.get("name")?.string() ?? "",
    source: readMatchers(map, "source_", syntax),
    target: readMatchers(map, "target_", syntax),
    equal: map.get("equal")?.strings() ?? [],
  };
  map.done("common.plain");
  const invalid = rule.equal.find((name) => !syntax.isLabelName(name));
  if (invalid !== undefined) throw configError(node, `invalid label name ${JSON.stringify(invalid)} in equal list`);
  return rule;
}

function unsupported(node: YamlNode | undefined, name: string): void {
  if (!node || node.isNull) return;
  throw node.error(`${name} is not supported by Pharos`, { code: "alertmanager.unsupported", fix: `Remove ${name}` });
}

/** Reads a configuration; a UserError says what is wrong where. */
export function loadAlertmanagerConfig(text: string, options: LoadOptions): AlertmanagerConfig {
  const { file, syntax = new MatcherSyntax(), now, withoutTemplates = false } = options;
  const document = parseYaml(text, file || undefined);
  if (document.isNull) throw configError(document, "no route provided in config");
  const root = document.map();
  const globalNode = root.get("global");
  const global = readGlobal(globalNode);
  const routeNode = root.get("route");
  const route = routeNode && !routeNode.isNull ? readRoute(routeNode, syntax) : undefined;
  const inhibitRules = (root.get("inhibit_rules")?.items() ?? []).map((node) => readInhibitRule(node, syntax));
  const receiverNodes = root.get("receivers")?.items() ?? [];
  const receiverList = receiverNodes.map(readReceiver);
  const templateGlobs = (root.get("templates")?.strings() ?? []).map((path) =>
    isAbsolute(path) || file === "" ? path : join(dirname(file), path),
  );
  const mute = (root.get("mute_time_intervals")?.items() ?? []).map((node) =>
    readTimeInterval(node, "mute time interval"),
  );
  const plain = (root.get("time_intervals")?.items() ?? []).map((node) => readTimeInterval(node, "time interval"));
  unsupported(root.get("tracing"), "tracing");
  unsupported(root.get("event_recorder"), "event_recorder");
  root.done("config.plain");

  checkGlobal(global, globalNode ?? document);
  const receivers = new Map<string, Receiver>();
  for (const [i, receiver] of receiverList.entries()) {
    const name = JSON.stringify(receiver.name);
    if (receivers.has(receiver.name))
      throw configError(receiverNodes[i], `notification config name ${name} is not unique`);
    for (const integration of receiver.integrations) integration.complete(global);
    receivers.set(receiver.name, receiver);
  }
  if (!route || !routeNode) throw configError(document, "no routes provided");
  const timeIntervals = new Map<string, TimeInterval>();
  for (const [kind, list] of [
    ["mute time interval", mute],
    ["time interval", plain],
  ] as const) {
    for (const interval of list) {
      if (timeIntervals.has(interval.name))
        throw configError(document, `${kind} ${JSON.stringify(interval.name)} is not unique`);
      timeIntervals.set(interval.name, interval);
    }
  }
  checkRoutes(route, routeNode, new Set(receivers.keys()), new Set(timeIntervals.keys()));
  return {
    global,
    route,
    receivers,
    inhibitRules,
    timeIntervals,
    templates: createTemplates(withoutTemplates ? [] : readTemplateFiles(templateGlobs), now),
    templateGlobs,
    shownText: redactConfig(text),
    // Six bytes fit into a float.
    hash: createHash("md5").update(text).digest().readUIntLE(0, 6),
  };
}

export function loadAlertmanagerConfigFile(file: string, options: Omit<LoadOptions, "file"> = {}): AlertmanagerConfig {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new UserError("alertmanager.config", `cannot read the configuration: ${describeError(error)}`, {
      where: { file },
      cause: error,
    });
  }
  return loadAlertmanagerConfig(text, { ...options, file });
}
