/** /api/v2/alerts and /api/v2/alerts/groups. */
import { requestParams } from "@pharos/kit";
import { describeError, Labels } from "@pharos/model";
import type { FastifyInstance } from "fastify";
import { fingerprint, isResolved, type StoredAlert } from "../alerts.ts";
import { matchRoutes } from "../config/routes.ts";
import { notificationData } from "../notify/data.ts";
import { SchemaError } from "./body.ts";
import type { ApiContext } from "./context.ts";
import { badRequest, booleanParam, parseFilter, passesFilter, receiverFilter } from "./filter.ts";

interface Status {
  inhibitedBy: string[];
  silencedBy: string[];
  mutedBy: string[];
  state: "active" | "suppressed";
}

export function alertStatus(context: ApiContext, { labels }: StoredAlert, now: number): Status {
  const inhibition = context.current().inhibitor.inhibition(labels, now);
  const silencedBy = context.silences.matching(labels, now);
  const suppressed = inhibition !== undefined || silencedBy.length > 0;
  return {
    inhibitedBy: inhibition ? [inhibition.by] : [],
    silencedBy,
    mutedBy: [],
    state: suppressed ? "suppressed" : "active",
  };
}

/** Go's zero time. */
const NEVER = "0001-01-01T00:00:00.000Z";

function shownTime(ms: number): string {
  return ms === 0 ? NEVER : new Date(ms).toISOString();
}

function shown(alert: StoredAlert, status: Status, receivers: readonly string[]) {
  return {
    annotations: alert.annotations,
    endsAt: shownTime(alert.endsAt),
    fingerprint: fingerprint(alert.labels),
    receivers: receivers.map((name) => ({ name })),
    startsAt: shownTime(alert.startsAt),
    status,
    updatedAt: shownTime(alert.updatedAt),
    ...(alert.generatorURL === "" ? {} : { generatorURL: alert.generatorURL }),
    labels: alert.labels,
  };
}

/** Which alerts a request asks for; answers the status of those. */
function selection(context: ApiContext, params: URLSearchParams) {
  const filter = parseFilter(params, "filter", context.syntax);
  const active = booleanParam(params, "active");
  const silenced = booleanParam(params, "silenced");
  const inhibited = booleanParam(params, "inhibited");
  booleanParam(params, "unprocessed");
  return (alert: StoredAlert, now: number): Status | undefined => {
    if (alert.endsAt !== 0 && alert.endsAt < now) return undefined;
    // Labels first: they are cheap to compare.
    if (!passesFilter(filter, alert.labels)) return undefined;
    const status = alertStatus(context, alert, now);
    if (!active && status.state === "active") return undefined;
    if (!silenced && status.silencedBy.length > 0) return undefined;
    return !inhibited && status.inhibitedBy.length > 0 ? undefined : status;
  };
}

function record(value: unknown, what: string): Record<string, string> {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) throw badRequest(`${what} must be an object`);
  for (const [name, text] of Object.entries(value)) {
    if (typeof text !== "string") throw badRequest(`${what}.${name} must be a string`);
  }
  return value as Record<string, string>;
}

function moment(value: unknown, what: string): number {
  if (value === undefined || value === null || value === "") return 0;
  const ms = typeof value === "string" ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(ms)) throw badRequest(`${what} must be a date-time: ${JSON.stringify(value)}`);
  // Go's zero time means "not given".
  return Math.max(ms, 0);
}

/** Annotations keep their empty values. */
function annotationsOf(given: Record<string, string>): Labels {
  const names = Object.keys(given).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return Labels.fromSortedPairs(names.flatMap((name) => [name, given[name]]));
}

/** An address as Go's url.ParseRequestURI takes it: absolute, or a path. */
const ADDRESS = /^(\/|[a-z][a-z0-9+.-]*:(\/\/[^\s/?#<>"]*([/?#]|$)|(?!\/\/)))[^\p{Cc}]*$/iu;

/** What makes the whole request bad. Throws a SchemaError or a UserError. */
function checkShape(input: unknown, i: number): void {
  const { labels, annotations, startsAt, endsAt, generatorURL } = (input ?? {}) as Record<string, unknown>;
  record(labels, `${i}.labels`);
  record(annotations, `${i}.annotations`);
  moment(startsAt, `${i}.startsAt`);
  moment(endsAt, `${i}.endsAt`);
  if (labels === undefined || labels === null) throw new SchemaError(602, `${i}.labels in body is required`);
  if (typeof generatorURL === "string" && generatorURL !== "" && !ADDRESS.test(generatorURL))
    throw new SchemaError(601, `${i}.generatorURL in body must be of type uri: ${JSON.stringify(generatorURL)}`);
}

/** Throws a UserError when it is no alert. */
function readAlert(input: unknown, context: ApiContext, now: number): StoredAlert {
  const { labels, annotations, startsAt, endsAt, generatorURL } = (input ?? {}) as Record<string, unknown>;
  const given = Object.entries(record(labels, "labels")).filter(([, value]) => value !== "");
  const notes = record(annotations, "annotations");
  const alert: StoredAlert = {
    labels: Labels.fromEntries(given),
    annotations: annotationsOf(notes),
    startsAt: moment(startsAt, "startsAt"),
    endsAt: moment(endsAt, "endsAt"),
    updatedAt: now,
    generatorURL: typeof generatorURL === "string" ? generatorURL : "",
    timeout: false,
  };
  if (alert.startsAt === 0) alert.startsAt = alert.endsAt === 0 ? now : alert.endsAt;
  if (alert.endsAt === 0) {
    alert.timeout = true;
    alert.endsAt = now + context.current().config.global.resolve_timeout;
  }
  if (alert.endsAt < alert.startsAt) throw badRequest("start time must be before end time");
  if (given.length === 0) throw badRequest("at least one label pair required");
  for (const [what, names] of [
    ["label set", given.map(([name]) => name)],
    ["annotations", Object.keys(notes)],
  ] as const) {
    const invalid = names.find((name) => !context.syntax.isLabelName(name));
    if (invalid !== undefined) throw badRequest(`invalid ${what}: invalid name ${JSON.stringify(invalid)}`);
  }
  return alert;
}

export function mountAlerts(app: FastifyInstance, context: ApiContext): void {
  const receiversOf = ({ labels }: StoredAlert): string[] =>
    matchRoutes(context.current().config.route, labels).map(({ receiver }) => receiver);

  app.get("/api/v2/alerts", async (request) => {
    const params = requestParams(request);
    const select = selection(context, params);
    const wanted = receiverFilter(params, context.syntax, context.current().config.receivers);
    const now = context.now();
    const answer = [];
    for (const alert of context.alerts.values()) {
      const status = select(alert, now);
      if (!status) continue;
      const receivers = receiversOf(alert);
      if (!wanted || receivers.some(wanted)) answer.push(shown(alert, status, receivers));
    }
    return answer.sort((a, b) => (a.fingerprint < b.fingerprint ? -1 : 1));
  });

  app.get("/api/v2/alerts/groups", async (request) => {
    const params = requestParams(request);
    const select = selection(context, params);
    const wantsMuted = booleanParam(params, "muted");
    const { config, dispatcher } = context.current();
    const wanted = receiverFilter(params, context.syntax, config.receivers);
    const now = context.now();
    const answer = [];
    for (const { route, labels, mutedBy, alerts: members, key } of dispatcher.groups()) {
      if (wanted && !wanted(route.receiver)) continue;
      if (!wantsMuted && mutedBy.length > 0) continue;
      const alerts = [];
      for (const alert of members.values()) {
        const status = select(alert, now);
        if (!status) continue;
        const own: Status = mutedBy.length > 0 ? { ...status, mutedBy, state: "suppressed" } : status;
        const receivers = receiversOf(alert);
        alerts.push(shown(alert, own, wanted ? receivers.filter(wanted) : receivers));
      }
      if (alerts.length === 0) continue;
      let routeLabels: Record<string, string> = {};
      if (Object.keys(route.labels).length > 0) {
        const data = notificationData({
          receiver: route.receiver,
          alerts: [...members.values()].map((alert) => (isResolved(alert, now) ? alert : { ...alert, endsAt: 0 })),
          groupLabels: labels,
          routeLabels: route.labels,
          externalUrl: context.externalUrl(),
          groupKey: key,
          reason: "unknown",
        });
        routeLabels = config.templates.routeLabels(route.labels, data, () => {});
      }
      answer.push({ alerts, labels, receiver: { name: route.receiver }, routeLabels });
    }
    return answer;
  });

  app.post("/api/v2/alerts", async (request, reply) => {
    const inputs = request.body ?? [];
    if (!Array.isArray(inputs)) throw badRequest("the body must be a list of alerts");
    for (const [i, input] of inputs.entries()) checkShape(input, i);
    const now = context.now();
    const good: StoredAlert[] = [];
    const problems: string[] = [];
    for (const input of inputs) {
      try {
        const alert = readAlert(input, context, now);
        context.metrics.received.labels(isResolved(alert, now) ? "resolved" : "firing", "v2").inc();
        good.push(alert);
      } catch (error) {
        context.metrics.invalid.labels("v2").inc();
        problems.push(describeError(error));
      }
    }
    // One bad alert does not cost the others.
    context.alerts.put(good);
    if (problems.length > 0) throw badRequest(problems.join("\n"));
    return reply.code(200).send();
  });
}
