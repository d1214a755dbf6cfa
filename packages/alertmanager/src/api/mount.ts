/** All that the HTTP server answers, below the route prefix. */
import { availableParallelism } from "node:os";
import { mountMetrics, type Registry } from "@pharos/kit";
import { describeError } from "@pharos/model";
import type { FastifyInstance } from "fastify";
import { mountAlerts } from "./alerts.ts";
import { checkBodies } from "./body.ts";
import type { ApiContext } from "./context.ts";
import { mountHistory } from "./history.ts";
import { mountRecurring } from "./recurring.ts";
import { mountRoutes } from "./routes.ts";
import { mountSilences } from "./silences.ts";
import { mountStatus } from "./status.ts";
import { mountTestNotification } from "./test-notification.ts";

const MIN_CONCURRENCY = 8;

export interface ApiOptions {
  context: ApiContext;
  registry: Registry;
  /** Without a slash at the end; "" for none. */
  prefix: string;
  /** 0: the default. */
  getConcurrency: number;
  /** ms; 0: none. */
  timeout: number;
  reload(): Promise<void>;
}

/** Many GETs at once are refused rather than made to wait for each other. */
function limitGets(app: FastifyInstance, { context, getConcurrency }: ApiOptions): void {
  const limit = getConcurrency > 0 ? getConcurrency : Math.max(MIN_CONCURRENCY, availableParallelism());
  const inFlight = context.metrics.inFlight.labels("get");
  const counted = new WeakSet<object>();
  app.addHook("onRequest", async (request, reply) => {
    if (request.method !== "GET") return;
    if (inFlight.value >= limit) {
      context.metrics.limitExceeded.labels("get").inc();
      await reply
        .code(503)
        .type("text/plain; charset=utf-8")
        .send(`Limit of concurrent GET requests reached (${limit}), try again later.\n\n`);
      return;
    }
    inFlight.inc();
    counted.add(request.raw);
  });
  const done = (raw: object): void => {
    if (counted.delete(raw)) inFlight.dec();
  };
  app.addHook("onResponse", async (request) => done(request.raw));
  app.addHook("onRequestAbort", async (request) => done(request.raw));
}

/** Who waits too long is told so, as upstream's timeout handler does. */
function limitTime(app: FastifyInstance, timeout: number): void {
  const timers = new WeakMap<object, NodeJS.Timeout>();
  app.addHook("onRequest", async (request, reply) => {
    const timer = setTimeout(() => {
      if (!reply.sent)
        void reply.code(503).type("text/plain; charset=utf-8").send(`Exceeded configured timeout of ${timeout} ms.\n`);
    }, timeout);
    timers.set(request.raw, timer);
  });
  app.addHook("onResponse", async (request) => clearTimeout(timers.get(request.raw)));
}

export function mountApi(app: FastifyInstance, options: ApiOptions): void {
  const { context, registry, prefix, reload } = options;
  limitGets(app, options);
  if (options.timeout > 0) limitTime(app, options.timeout);
  app.addHook("onRequest", async (request, reply) => {
    if (request.url.startsWith(`${prefix}/api/`)) reply.header("Cache-Control", "no-store");
  });
  if (prefix !== "") app.get("/", async (_request, reply) => reply.redirect(prefix));
  void app.register(
    async (scoped) => {
      checkBodies(scoped);
      mountAlerts(scoped, context);
      mountSilences(scoped, context);
      mountRecurring(scoped, context);
      mountRoutes(scoped, context);
      mountStatus(scoped, context);
      mountHistory(scoped, context);
      mountTestNotification(scoped, context);
      mountMetrics(scoped, registry);
      for (const path of ["/-/healthy", "/-/ready"])
        scoped.get(path, async (_request, reply) => reply.type("text/plain; charset=utf-8").send("OK"));
      scoped.post("/-/reload", async (_request, reply) => {
        try {
          await reload();
          return reply.code(200).send();
        } catch (error) {
          return reply
            .code(500)
            .type("text/plain; charset=utf-8")
            .send(`failed to reload config: ${describeError(error)}\n`);
        }
      });
      scoped.get("/", async (_request, reply) =>
        reply
          .type("text/plain; charset=utf-8")
          .send(
            "Pharos Alertmanager\n\nAPI: /api/v2/alerts  /api/v2/silences  /api/v2/status  /api/v1/pharos/history\nMetrics: /metrics\n",
          ),
      );
    },
    { prefix },
  );
}
