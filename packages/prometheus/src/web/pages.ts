/** What is not the API: health, reload, quit, and the way to the UI. */

import { describeError } from "@pharos/model";
import type { FastifyInstance } from "fastify";

export interface PageContext {
  /** As probes are answered; "Prometheus Server" when absent. */
  appName?: string;
  isReady(): boolean;
  isStopping(): boolean;
  reload(): Promise<void>;
  quit(): void;
  enableLifecycle: boolean;
  /** What /version answers. */
  buildInfo: Readonly<Record<string, string>>;
  /** Base URL of the UI; without one, people get a list of what the API offers. */
  uiUrl: string | undefined;
}

/** Pages of Prometheus' own UI and what shows the same here. */
const PAGES: Record<string, string> = {
  "/": "/",
  "/graph": "/explore",
  "/query": "/explore",
  "/alerts": "/alerts",
  "/rules": "/rules",
  "/targets": "/targets",
  "/service-discovery": "/targets",
};

const INDEX = `Pharos: Prometheus API

  /api/v1/query?query=up          instant query
  /api/v1/query_range             range query
  /api/v1/targets                 scrape targets
  /api/v1/rules /api/v1/alerts    rules and alerts
  /api/v1/status/tsdb             cardinality
  /metrics                        metrics of this server
  /-/healthy /-/ready             probes
`;

export function mountPages(app: FastifyInstance, context: PageContext): void {
  const text = "text/plain; charset=utf-8";
  const { appName = "Prometheus Server" } = context;
  app.head("/-/healthy", async (_request, reply) => reply.code(200).send());
  app.get("/-/healthy", { exposeHeadRoute: false }, async (_request, reply) =>
    reply.type(text).send(`${appName} is Healthy.\n`),
  );
  app.get("/-/ready", async (_request, reply) => {
    if (context.isReady()) return reply.type(text).send(`${appName} is Ready.\n`);
    reply.header("X-Prometheus-Stopping", String(context.isStopping()));
    return reply.code(503).type(text).send("Service Unavailable");
  });
  app.get("/version", async (_request, reply) => reply.send(context.buildInfo));

  const lifecycle = (path: string, work: () => Promise<string>): void => {
    app.route({
      method: ["POST", "PUT"],
      url: path,
      handler: async (_request, reply) => {
        if (!context.enableLifecycle) return reply.code(403).type(text).send("Lifecycle API is not enabled.");
        try {
          const said = await work();
          return await (said === "" ? reply.code(200).send() : reply.type(text).send(said));
        } catch (error) {
          return reply
            .code(500)
            .type(text)
            .send(`failed to reload config: ${describeError(error)}\n`);
        }
      },
    });
    app.get(path, async (_request, reply) => reply.code(405).type(text).send("Only POST or PUT requests allowed"));
  };
  lifecycle("/-/reload", async () => {
    await context.reload();
    return "";
  });
  let quitting = false;
  lifecycle("/-/quit", async () => {
    if (quitting) return "Termination already in progress.";
    quitting = true;
    setImmediate(() => context.quit());
    return "Requesting termination... Goodbye!";
  });

  for (const [path, page] of Object.entries(PAGES)) {
    app.get(path, async (request, reply) => {
      if (!context.uiUrl) return path === "/" ? reply.type(text).send(INDEX) : reply.code(404).type(text).send(INDEX);
      const mark = request.url.indexOf("?");
      return reply.redirect(`${context.uiUrl}${page}${mark < 0 ? "" : request.url.slice(mark)}`, 302);
    });
  }
}
