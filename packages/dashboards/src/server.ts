/** The server behind the UI: pages, the flow, dashboards, and the way to the data sources. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import { createHttpServer, type Logger, mountMetrics, type Registry } from "@pharos/kit";
import { type Flow, UserError } from "@pharos/model";
import { mountGrafanaApi } from "./grafana-api.ts";
import { type Datasource, mountProxy } from "./proxy.ts";
import { secure } from "./security.ts";
import type { DashboardStore } from "./store.ts";

export interface DashboardsServerOptions {
  host: string;
  port: number;
  /** Folder of the built UI. */
  uiDir: string;
  datasources: readonly Datasource[];
  dashboards: DashboardStore;
  flow: () => Flow | Promise<Flow>;
  /** Where resources can be looked at. */
  resourcesUrl: string;
  registry: Registry;
  log: Logger;
}

export interface DashboardsServer extends AsyncDisposable {
  readonly url: string;
  close(): Promise<void>;
}

export async function createDashboardsServer(options: DashboardsServerOptions): Promise<DashboardsServer> {
  const { host, port, uiDir, datasources, dashboards, flow, resourcesUrl, registry, log } = options;
  const index = join(uiDir, "index.html");
  if (!existsSync(index)) {
    throw new UserError("dashboards.ui", "the UI is not built", {
      where: { file: index },
      fix: "Start with npm start, which builds it",
    });
  }
  const server = createHttpServer({ host, port, log, registry, metricsPrefix: "pharos" });
  const { app } = server;
  secure(app, host);
  app.get("/api/pharos/flow", async () => flow());
  app.get("/api/pharos/info", async () => ({
    resourcesUrl,
    datasources: datasources.map(({ uid, name, type, url }) => ({ uid, name, type, url })),
  }));
  app.get("/resources", async (_request, reply) => reply.redirect(resourcesUrl));
  mountMetrics(app, registry);
  mountGrafanaApi(app, dashboards, datasources);
  await mountProxy(app, datasources);
  // Built files carry a hash in their names; the page that names them must always be asked for.
  await app.register(fastifyStatic, {
    root: uiDir,
    index: false,
    wildcard: false,
    setHeaders: (reply, path) => {
      void reply.header(
        "Cache-Control",
        path.includes("/assets/") ? "public, max-age=31536000, immutable" : "no-cache",
      );
    },
  });
  const page = readFileSync(index);
  app.get("/", async (_request, reply) =>
    reply.type("text/html; charset=utf-8").header("Cache-Control", "no-cache").send(page),
  );
  app.setNotFoundHandler((request, reply) => {
    const isPage =
      request.method === "GET" && !request.url.startsWith("/api/") && !/\.[a-z0-9]+$/i.test(request.url.split("?")[0]);
    if (isPage) return reply.type("text/html; charset=utf-8").header("Cache-Control", "no-cache").send(page);
    return reply.code(404).send({ message: "Not found" });
  });
  await server.listen();
  return { url: server.url, close: () => server.close(), [Symbol.asyncDispose]: () => server.close() };
}
