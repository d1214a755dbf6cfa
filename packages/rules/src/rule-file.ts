/**
 * Rule files (upstream's model/rulefmt): groups of recording and alerting rules, read strictly. Every mistake of a file
 * is reported, not only the first, because a rule file is usually mended in one go.
 */

import { checkPrometheusTemplate } from "@pharos/gotemplate";
import { parseYaml, type YamlMap, type YamlNode } from "@pharos/kit";
import { UserError, type Where } from "@pharos/model";
import { type Expr, type ParserOptions, parseExpr } from "@pharos/promql";

/** How rule files are read. */
export interface RuleLanguage extends ParserOptions {
  /** Fields that are not known are passed over instead of refused. */
  ignoreUnknownFields?: boolean;
}

interface RuleBase {
  expr: Expr;
  /** The expression as written. */
  query: string;
  labels: Record<string, string>;
  where: Where;
}

export interface RecordingRuleSpec extends RuleBase {
  kind: "recording";
  record: string;
}

export interface AlertingRuleSpec extends RuleBase {
  kind: "alerting";
  alert: string;
  annotations: Record<string, string>;
  /** ms */
  for: number;
  /** ms */
  keepFiringFor: number;
}

export type RuleSpec = RecordingRuleSpec | AlertingRuleSpec;

export interface RuleGroupSpec {
  name: string;
  file: string;
  /** ms; undefined takes the global evaluation interval. */
  interval: number | undefined;
  /** Largest number of series or alerts a rule may produce; 0: any. */
  limit: number;
  /** ms; undefined takes the global rule query offset. */
  queryOffset: number | undefined;
  labels: Record<string, string>;
  rules: RuleSpec[];
}

export interface RuleFile {
  groups: RuleGroupSpec[];
  errors: UserError[];
}

const NEVER_IN_RULES = new Set(["__name__"]);

function hasControl(text: string): boolean {
  return /[\u0000]/.test(text) || !text.isWellFormed();
}

function checkLabels(
  node: YamlNode | undefined,
  group: string,
  rule: string,
  errors: UserError[],
): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [name, value] of node?.entries() ?? []) {
    if (name === "" || hasControl(name) || NEVER_IN_RULES.has(name)) {
      errors.push(
        value.error(`group ${JSON.stringify(group)}, ${rule}: invalid label name: ${name}`, { code: "rules.label" }),
      );
    }
    const text = value.string();
    if (hasControl(text)) {
      errors.push(
        value.error(`group ${JSON.stringify(group)}, ${rule}: invalid label value: ${JSON.stringify(text)}`, {
          code: "rules.label",
        }),
      );
    }
    labels[name] = text;
  }
  return labels;
}

function checkTemplates(texts: Record<string, string>, node: YamlNode, errors: UserError[]): void {
  for (const [name, text] of Object.entries(texts)) {
    try {
      checkPrometheusTemplate(text, name);
    } catch (error) {
      errors.push(
        node.error(error instanceof Error ? error.message : String(error), { code: "rules.template", cause: error }),
      );
    }
  }
}

function readRule(
  map: YamlMap,
  group: string,
  index: number,
  language: RuleLanguage,
  errors: UserError[],
): RuleSpec | undefined {
  const record = map.get("record")?.string() ?? "";
  const alert = map.get("alert")?.string() ?? "";
  const exprNode = map.get("expr");
  const forNode = map.get("for");
  const keepNode = map.get("keep_firing_for");
  const labelsNode = map.get("labels");
  const annotationsNode = map.get("annotations");
  if (!language.ignoreUnknownFields) map.done("rulefmt.Rule");

  const name = record || alert;
  const rule = `rule ${index + 1}, ${JSON.stringify(name)}`;
  const fail = (node: YamlNode, message: string, fix?: string): void => {
    errors.push(node.error(`group ${JSON.stringify(group)}, ${rule}: ${message}`, { code: "rules.invalid", fix }));
  };
  const before = errors.length;
  if (record && alert) fail(map.node, "only one of 'record' and 'alert' must be set");
  if (!record && !alert) fail(map.node, "one of 'record' or 'alert' must be set");
  const labels = checkLabels(labelsNode, group, rule, errors);
  const query = exprNode?.string() ?? "";
  let expr: Expr | undefined;
  if (query.trim() === "") fail(map.node, "field 'expr' must be set in rule");
  else {
    try {
      expr = parseExpr(query, language);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      fail(exprNode!, `could not parse expression: ${error.message}`);
    }
  }
  let annotations: Record<string, string> = {};
  if (record) {
    if (annotationsNode && !annotationsNode.isNull)
      fail(annotationsNode, "invalid field 'annotations' in recording rule");
    if (forNode && forNode.duration() !== 0) fail(forNode, "invalid field 'for' in recording rule");
    if (keepNode && keepNode.duration() !== 0) fail(keepNode, "invalid field 'keep_firing_for' in recording rule");
    if (hasControl(record)) fail(map.node, `invalid recording rule name: ${record}`);
    // Almost always the other field is meant.
    else if (/[{}"\s]/.test(record)) {
      fail(map.node, "braces present in the recording rule name; should it be in expr?", "Put the selector into expr");
    }
  } else {
    annotations = checkLabels(annotationsNode, group, rule, errors);
    checkTemplates(labels, labelsNode ?? map.node, errors);
    checkTemplates(annotations, annotationsNode ?? map.node, errors);
  }
  const hold = forNode?.duration() ?? 0;
  const keepFiringFor = keepNode?.duration() ?? 0;
  if (errors.length > before || !expr) return undefined;
  const base = { expr, query, labels, where: map.node.where };
  return record
    ? { kind: "recording", record, ...base }
    : { kind: "alerting", alert, annotations, for: hold, keepFiringFor, ...base };
}

function readGroup(node: YamlNode, file: string, language: RuleLanguage, errors: UserError[]): RuleGroupSpec {
  const map = node.map();
  const name = map.get("name")?.string() ?? "";
  if (name === "") errors.push(node.error("Groupname must not be empty", { code: "rules.invalid" }));
  const group: RuleGroupSpec = {
    name,
    file,
    interval: map.get("interval")?.duration(),
    queryOffset: map.get("query_offset")?.duration(),
    limit: map.get("limit")?.integer() ?? 0,
    labels: {},
    rules: [],
  };
  group.labels = checkLabels(map.get("labels"), name, "group labels", errors);
  const rules = map.get("rules")?.items() ?? [];
  if (!language.ignoreUnknownFields) map.done("rulefmt.RuleGroup");
  rules.forEach((rule, i) => {
    collect(errors, () => {
      const spec = readRule(rule.map(), name, i, language, errors);
      if (spec) {
        spec.labels = { ...group.labels, ...spec.labels };
        group.rules.push(spec);
      }
    });
  });
  return group;
}

function collect(errors: UserError[], work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    errors.push(error);
  }
}

/** Reads a rule file. With errors, `groups` holds what could be read; upstream refuses the whole file then. */
export function parseRuleFile(text: string, file: string, language: RuleLanguage = {}): RuleFile {
  const errors: UserError[] = [];
  const groups: RuleGroupSpec[] = [];
  collect(errors, () => {
    const root = parseYaml(text, file).map();
    const nodes = root.get("groups")?.items() ?? [];
    if (!language.ignoreUnknownFields) root.done("rulefmt.RuleGroups");
    const seen = new Set<string>();
    for (const node of nodes) {
      collect(errors, () => {
        const group = readGroup(node, file, language, errors);
        if (seen.has(group.name)) {
          errors.push(
            node.error(`groupname: ${JSON.stringify(group.name)} is repeated in the same file`, {
              code: "rules.invalid",
            }),
          );
        }
        seen.add(group.name);
        groups.push(group);
      });
    }
  });
  return { groups, errors };
}
