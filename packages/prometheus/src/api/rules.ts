/** /rules and /alerts. */
import { createHash } from "node:crypto";
import { requestParams } from "@pharos/kit";
import { formatExponent, Labels, type Matcher, matchesAll } from "@pharos/model";
import { type ActiveAlert, AlertingRule, type RuleGroup, type RuleStatus } from "@pharos/rules";
import type { FastifyInstance } from "fastify";
import type { ApiContext } from "./context.ts";
import { ApiError, sendData, sendError } from "./envelope.ts";
import { limitParam, matchParam } from "./params.ts";

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
      query: rule.spec.query,
      duration: rule.spec.for / 1000,
      keepFiringFor: rule.spec.keepFiringFor / 1000,
      labels: rule.spec.labels,
      annotations: rule.spec.annotations,
      ...(withAlerts ? { alerts: rule.visible.map(alertJson) } : {}),
      ...status,
      type: "alerting",
    };
  }
  return { name: rule.name, query: rule.spec.query, labels: rule.spec.labels, ...status, type: "recording" };
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

export function mountRulesApi(app: FastifyInstance, context: ApiContext): void {
  app.get("/api/v1/rules", async (request, reply) => {
    try {
      const params = requestParams(request);
      const type = (params.get("type") ?? "").toLowerCase();
      if (type !== "" && type !== "alert" && type !== "record") {
        throw new ApiError("bad_data", `not supported value ${JSON.stringify(type)}`);
      }
      const exclude = params.get("exclude_alerts") ?? "";
      if (!/^(|true|false|1|0|t|f)$/i.test(exclude)) {
        throw new ApiError(
          "bad_data",
          `invalid parameter "exclude_alerts": ${JSON.stringify(exclude)} is not a boolean`,
        );
      }
      const filter: RuleFilter = {
        type,
        names: new Set(params.getAll("rule_name[]")),
        groups: new Set(params.getAll("rule_group[]")),
        files: new Set(params.getAll("file[]")),
        selectors: matchParam(params),
      };
      const groupLimit = limitParam(params, "group_limit");
      const token = params.get("group_next_token") ?? "";
      if (token && groupLimit === 0) {
        throw new ApiError("bad_data", "group_limit needs to be present in order to paginate over the groups");
      }
      let groups = context.rules.groups().filter(({ spec }) => {
        if (filter.groups.size > 0 && !filter.groups.has(spec.name)) return false;
        return filter.files.size === 0 || filter.files.has(spec.file);
      });
      if (token) {
        const from = groups.findIndex((group) => groupToken(group) === token);
        if (from < 0) throw new ApiError("bad_data", "invalid group_next_token");
        groups = groups.slice(from);
      }
      const filtering = type !== "" || filter.names.size > 0 || filter.selectors.length > 0;
      const data = [];
      let next: string | undefined;
      for (const group of groups) {
        const rules = group.entries.filter((entry) => keepRule(filter, entry));
        if (filtering && rules.length === 0) continue;
        if (groupLimit > 0 && data.length === groupLimit) {
          next = groupToken(group);
          break;
        }
        data.push({
          name: group.spec.name,
          file: group.spec.file,
          rules: rules.map((entry) => ruleJson(entry, !/^(true|1|t)$/i.test(exclude))),
          interval: group.interval / 1000,
          limit: group.spec.limit,
          evaluationTime: group.duration,
          lastEvaluation: isoTime(group.evaluatedAt),
        });
      }
      return sendData(reply, { groups: data, ...(next ? { groupNextToken: next } : {}) });
    } catch (error) {
      return sendError(reply, error);
    }
  });

  app.get("/api/v1/alerts", async (_request, reply) =>
    sendData(reply, { alerts: context.rules.alertingRules().flatMap((rule) => rule.visible.map(alertJson)) }),
  );
}
