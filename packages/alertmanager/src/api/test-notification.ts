/** POST /api/v1/pharos/receivers/NAME/test: sends a marked notification to a receiver and answers what it said. */
import { describeError, Labels } from "@pharos/model";
import type { FastifyInstance } from "fastify";
import { notificationData } from "../notify/data.ts";
import { NotifyError } from "../notify/integration.ts";
import type { ApiContext } from "./context.ts";
import { badRequest } from "./filter.ts";

const TIMEOUT_MS = 15_000;

interface TestResult {
  integration: string;
  ok: boolean;
  /** What the receiver said, or what went wrong. */
  response: string;
  /** Whether trying again may help. */
  retry?: boolean;
  durationMs: number;
}

function textMap(value: unknown, what: string): Record<string, string> {
  if (value === undefined) return {};
  if (typeof value !== "object" || value === null || Object.values(value).some((text) => typeof text !== "string"))
    throw badRequest(`${what} must be an object of strings`);
  return value as Record<string, string>;
}

export function mountTestNotification(app: FastifyInstance, context: ApiContext): void {
  app.post<{ Params: { name: string } }>("/api/v1/pharos/receivers/:name/test", async (request, reply) => {
    const { name } = request.params;
    const { channels, config } = context.current();
    const list = channels.get(name);
    if (!list)
      return reply
        .code(404)
        .type("application/json")
        .send(JSON.stringify(`there is no receiver ${JSON.stringify(name)}`));
    const { labels, annotations, status = "firing" } = (request.body ?? {}) as Record<string, unknown>;
    if (status !== "firing" && status !== "resolved") throw badRequest("status must be firing or resolved");
    const now = context.now();
    const given = Labels.from({ alertname: "TestNotification", severity: "none", ...textMap(labels, "labels") });
    const alert = {
      labels: given,
      annotations: Labels.from({
        summary: "This is a test of the receiver: nothing is wrong.",
        ...textMap(annotations, "annotations"),
      }),
      startsAt: now,
      endsAt: status === "firing" ? 0 : now,
      updatedAt: now,
      generatorURL: "",
      timeout: false,
    };
    const data = notificationData({
      receiver: name,
      alerts: [alert],
      groupLabels: given.filter((label) => label === "alertname"),
      routeLabels: {},
      externalUrl: context.externalUrl(),
      // Apart from every group there is, so that the test closes no incident.
      groupKey: `{}/test:{receiver=${JSON.stringify(name)}}`,
      reason: "first notification",
    });
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const results = await Promise.all(
      list.map(async ({ notifier, id }): Promise<TestResult> => {
        const integration = `${id.integration}[${id.index}]`;
        const begun = performance.now();
        const durationMs = (): number => Math.round(performance.now() - begun);
        try {
          const response = await notifier.send({
            data,
            text: (template) => config.templates.text(template, data),
            html: (template) => config.templates.html(template, data),
            store: new Map(),
            signal,
            log: context.log,
          });
          return { integration, ok: true, response, durationMs: durationMs() };
        } catch (error) {
          const retry = error instanceof NotifyError && error.retry;
          return { integration, ok: false, response: describeError(error), retry, durationMs: durationMs() };
        }
      }),
    );
    return { receiver: name, results };
  });
}
