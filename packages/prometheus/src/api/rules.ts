/** /rules and /alerts. */
import { createHash } from "node:crypto";
import { requestParams } from "@pharos/kit";
import { formatExponent, Labels, type Matcher, matchesAll } from "@pharos/model";
import { formatExpr } from "@pharos/promql";
import { type ActiveAlert, AlertingRule, type RuleGroup, type RuleStatus } from "@pharos/rules";
import type { FastifyInstance } from "fastify";
import { unmatchedRules } from "../facts.ts";
import type { ApiContext } from "./context.ts";
import { sendData, sendError } from "./envelope.ts";
import { booleanParam, invalid, matchParam, parseInteger } from "./params.ts";

/** Go's zero time, for what has not happened yet. */
const NEVER = "0001-01-01T00:00:00Z";

export function isoTime(ms: number): string {
  return ms === 0 ? NEVER : new Date(ms).toISOString();
}

function alertJson(alert: ActiveAlert) {
  return {
    labels: alert.labels,
    annotations: alert.annotations,
    state: alert.state,
    activeAt: isoTime(alert.activeAt),
    ...(alert.keepFiringSince ? { keepFiringSince: isoTime(alert.keepFiringSince) } : {}),
    value: formatExponent(alert.value),
  };
}

function ruleJson({ rule, health, lastError, evaluatedAt, duration }: RuleStatus, withAlerts: boolean) {
  const status = {
    health,
    ...(lastError ? { lastError } : {}),
    evaluationTime: duration,
    lastEvaluation: isoTime(evaluatedAt),
  };
  if (rule instanceof AlertingRule) {
    return {
      state: rule.state,
      name: rule.name,
      query: formatExpr(rule.spec.expr),
      duration: rule.spec.for / 1000,
      keepFiringFor: rule.spec.keepFiringFor / 1000,
      labels: rule.spec.labels,
      annotations: rule.spec.annotations,
      alerts: withAlerts ? rule.visible.map(alertJson) : null,
      ...status,
      type: "alerting",
    };
  }
  return { name: rule.name, query: formatExpr(rule.spec.expr), labels: rule.spec.labels, ...status, type: "recording" };
}

interface RuleFilter {
  type: string;
  names: Set<string>;
  groups: Set<string>;
  files: Set<string>;
  selectors: Matcher[][];
}

function keepRule(filter: RuleFilter, { rule }: RuleStatus): boolean {
  const alerting = rule instanceof AlertingRule;
  if (filter.type && (filter.type === "alert") !== alerting) return false;
  if (filter.names.size > 0 && !filter.names.has(rule.name)) return false;
  if (filter.selectors.length === 0) return true;
  const labels = Labels.from(rule.spec.labels);
  return filter.selectors.some((matchers) => matchesAll(matchers, labels));
}

/** Pagination token of a group, as upstream's: SHA-256 of file and name. */
function groupToken(group: RuleGroup): string {
  return createHash("sha256").update(`${group.spec.file};${group.spec.name}`).digest("hex");
}

function readFilter(params: URLSearchParams): RuleFilter {
  const selectors = matchParam(params);
  const type = (params.get("type") ?? "").toLowerCase();
  if (type !== "" && type !== "alert" && type !== "record") {
    throw invalid("type", `not supported value ${JSON.stringify(type)}`);
  }
  return {
    type,
    names: new Set(params.getAll("rule_name[]")),
    groups: new Set(params.getAll("rule_group[]")),
    files: new Set(params.getAll("file[]")),
    selectors,
  };
}

/** How many groups to tell, 0 for all, and the token of the first; "" for the first there is. */
function readPage(params: URLSearchParams): { limit: number; token: string } {
  const text = params.get("group_limit") ?? "";
  const token = params.get("group_next_token") ?? "";
  if (token !== "" && text === "") {
    throw invalid("group_next_token", "group_limit needs to be present in order to paginate over the groups");
  }
  if (text === "") return { limit: 0, token: "" };
  const limit = parseInteger(text);
  if (limit === undefined) {
    const reason = `strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`;
    throw invalid("group_limit", `group_limit needs to be a valid number: ${reason}`);
  }
  if (limit <= 0) throw invalid("group_limit", "group_limit needs to be greater than 0");
  return { limit, token };
}

function groupJson(group: RuleGroup, rules: readonly RuleStatus[], withAlerts: boolean) {
  return {
    name: group.spec.name,
    file: group.spec.file,
    rules: rules.map((entry) => ruleJson(entry, withAlerts)),
    interval: group.interval / 1000,
    limit: group.spec.limit,
    evaluationTime: group.duration,
    lastEvaluation: isoTime(group.evaluatedAt),
  };
}

function rulesAnswer(groups: readonly RuleGroup[], params: URLSearchParams) {
  const filter = readFilter(params);
  const withAlerts = !booleanParam(params, "exclude_alerts", "error converting exclude_alerts");
  const { limit, token } = readPage(params);
  const first = token === "" ? 0 : groups.findIndex((group) => groupToken(group) === token);
  if (first < 0) {
    throw invalid("group_next_token", `invalid group_next_token '${token}'. were rule groups changed?`);
  }
  const data = [];
  for (const group of groups.slice(first)) {
    const { name, file } = group.spec;
    if (filter.groups.size > 0 && !filter.groups.has(name)) continue;
    if (filter.files.size > 0 && !filter.files.has(file)) continue;
    const rules = group.entries.filter((entry) => keepRule(filter, entry));
    // A group of which nothing is left is left out, as is an empty one.
    if (rules.length === 0) continue;
    if (limit > 0 && data.length === limit) return { groups: data, groupNextToken: groupToken(group) };
    data.push(groupJson(group, rules, withAlerts));
  }
  return { groups: data };
}

export function mountRulesApi(app: FastifyInstance, context: ApiContext): void {
  app.get("/api/v1/rules", async (request, reply) => {
    try {
      return sendData(reply, rulesAnswer(context.rules.groups(), requestParams(request)));
    } catch (error) {
      return sendError(reply, error);
    }
  });

  // Pharos' own: rules that may be about nothing.
  app.get("/api/v1/pharos/rules/unmatched", async (_request, reply) =>
    sendData(reply, { rules: unmatchedRules(context.rules) }),
  );

  app.get("/api/v1/alerts", async (_request, reply) =>
    sendData(reply, { alerts: context.rules.alertingRules().flatMap((rule) => rule.visible.map(alertJson)) }),
  );
}
