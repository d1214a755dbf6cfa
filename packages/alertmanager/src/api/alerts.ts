/** /api/v2/alerts and /api/v2/alerts/groups. */
import { requestParams } from "@pharos/kit";
import { describeError, Labels, UserError } from "@pharos/model";
import type { FastifyInstance } from "fastify";
import { fingerprint, isResolved, type StoredAlert } from "../alerts.ts";
import { matchRoutes } from "../config/routes.ts";
import type { ApiContext } from "./context.ts";
import { booleanParam, parseFilter, passesFilter, receiverParam } from "./filter.ts";

interface Status {
  inhibitedBy: string[];
  silencedBy: string[];
  mutedBy: string[];
  state: "active" | "suppressed";
}

export function alertStatus(context: ApiContext, { labels }: StoredAlert, mutedBy: string[] = []): Status {
  const now = context.now();
  const inhibitedBy = context.current().inhibitor.inhibitors(labels, now);
  const silencedBy = context.silences.matching(labels, now);
  const suppressed = inhibitedBy.length + silencedBy.length + mutedBy.length > 0;
  return { inhibitedBy, silencedBy, mutedBy, state: suppressed ? "suppressed" : "active" };
}

function shown(alert: StoredAlert, status: Status, receivers: readonly string[]) {
  return {
    annotations: alert.annotations,
    endsAt: new Date(alert.endsAt).toISOString(),
    fingerprint: fingerprint(alert.labels),
    receivers: receivers.map((name) => ({ name })),
    startsAt: new Date(alert.startsAt).toISOString(),
    status,
    updatedAt: new Date(alert.updatedAt).toISOString(),
    generatorURL: alert.generatorURL,
    labels: alert.labels,
  };
}

/** Which alerts a request asks for. */
function selection(params: URLSearchParams) {
  const filter = parseFilter(params);
  const wants = {
    active: booleanParam(params, "active"),
    silenced: booleanParam(params, "silenced"),
    inhibited: booleanParam(params, "inhibited"),
    muted: booleanParam(params, "muted"),
  };
  return {
    receiver: receiverParam(params),
    takes({ labels }: StoredAlert, { inhibitedBy, silencedBy, mutedBy, state }: Status): boolean {
      if (!wants.active && state === "active") return false;
      if (!wants.silenced && silencedBy.length > 0) return false;
      if (!wants.inhibited && inhibitedBy.length > 0) return false;
      if (!wants.muted && mutedBy.length > 0) return false;
      return passesFilter(filter, (name) => labels.get(name) || undefined);
    },
  };
}

function record(value: unknown, what: string): Record<string, string> {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value))
    throw new UserError("alertmanager.api", `${what} must be an object`);
  for (const [name, text] of Object.entries(value)) {
    if (typeof text !== "string") throw new UserError("alertmanager.api", `${what}.${name} must be a string`);
  }
  return value as Record<string, string>;
}

function moment(value: unknown, what: string): number {
  if (value === undefined || value === null) return 0;
  const ms = typeof value === "string" ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(ms))
    throw new UserError("alertmanager.api", `${what} must be a date-time: ${JSON.stringify(value)}`);
  // Go's zero time means "not given".
  return Math.max(ms, 0);
}

/** Throws a UserError when it is no alert. */
function readAlert(input: unknown, now: number, resolveTimeout: number): StoredAlert {
  const { labels, annotations, startsAt, endsAt, generatorURL } = (input ?? {}) as Record<string, unknown>;
  const given = Object.entries(record(labels, "labels")).filter(([, value]) => value !== "");
  const alert: StoredAlert = {
    labels: Labels.fromEntries(given),
    annotations: Labels.fromEntries(Object.entries(record(annotations, "annotations"))),
    startsAt: moment(startsAt, "startsAt"),
    endsAt: moment(endsAt, "endsAt"),
    updatedAt: now,
    generatorURL: typeof generatorURL === "string" ? generatorURL : "",
    timeout: false,
  };
  if (alert.startsAt === 0) alert.startsAt = alert.endsAt === 0 ? now : alert.endsAt;
  if (alert.endsAt === 0) {
    alert.timeout = true;
    alert.endsAt = now + resolveTimeout;
  }
  if (given.length === 0) throw new UserError("alertmanager.api", "at least one label pair required");
  if (given.some(([name]) => name === ""))
    throw new UserError("alertmanager.api", 'invalid label set: invalid name ""');
  if (alert.endsAt < alert.startsAt) throw new UserError("alertmanager.api", "start time must be before end time");
  return alert;
}

export function mountAlerts(app: FastifyInstance, context: ApiContext): void {
  const receiversOf = ({ labels }: StoredAlert): string[] => [
    ...new Set(matchRoutes(context.current().config.route, labels).map(({ receiver }) => receiver)),
  ];

  app.get("/api/v2/alerts", async (request) => {
    const { receiver, takes } = selection(requestParams(request));
    const now = context.now();
    const answer = [];
    for (const alert of context.alerts.all()) {
      if (isResolved(alert, now)) continue;
      const receivers = receiversOf(alert);
      if (receiver && !receivers.some((name) => receiver.test(name))) continue;
      const status = alertStatus(context, alert);
      if (takes(alert, status)) answer.push(shown(alert, status, receivers));
    }
    return answer;
  });

  app.get("/api/v2/alerts/groups", async (request) => {
    const { receiver, takes } = selection(requestParams(request));
    const now = context.now();
    const answer = [];
    for (const group of context.current().dispatcher.groups()) {
      const { route, labels, mutedBy } = group;
      if (receiver && !receiver.test(route.receiver)) continue;
      const alerts = [];
      for (const alert of group.alerts.values()) {
        if (isResolved(alert, now)) continue;
        const status = alertStatus(context, alert, mutedBy);
        if (takes(alert, status)) alerts.push(shown(alert, status, receiversOf(alert)));
      }
      if (alerts.length > 0) answer.push({ alerts, labels, receiver: { name: route.receiver } });
    }
    return answer;
  });

  app.post("/api/v2/alerts", async (request, reply) => {
    if (!Array.isArray(request.body)) throw new UserError("alertmanager.api", "the body must be a list of alerts");
    const now = context.now();
    const { resolveTimeout } = context.current().config.global;
    const good: StoredAlert[] = [];
    const problems: string[] = [];
    for (const input of request.body) {
      try {
        const alert = readAlert(input, now, resolveTimeout);
        context.metrics.received.labels(isResolved(alert, now) ? "resolved" : "firing", "v2").inc();
        good.push(alert);
      } catch (error) {
        context.metrics.invalid.labels("v2").inc();
        problems.push(describeError(error));
      }
    }
    // One bad alert does not cost the others.
    context.alerts.put(good);
    if (problems.length > 0) throw new UserError("alertmanager.api", problems.join("; "));
    return reply.code(200).send();
  });
}
