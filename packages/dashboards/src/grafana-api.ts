/** The part of Grafana's HTTP API that tools and our own UI use: search, dashboards, data sources, health. */
import { describeError, UserError } from "@pharos/model";
import type { FastifyInstance } from "fastify";
import type { Datasource } from "./proxy.ts";
import { type Dashboard, type DashboardStore, slugOf } from "./store.ts";

function urlOf({ uid, title }: Dashboard): string {
  return `/d/${uid}/${slugOf(title)}`;
}

export function mountGrafanaApi(app: FastifyInstance, store: DashboardStore, datasources: readonly Datasource[]): void {
  app.get("/api/health", async () => ({ database: "ok", version: "pharos" }));

  app.get<{ Querystring: { query?: string; tag?: string | string[]; type?: string } }>(
    "/api/search",
    async (request) => {
      const { query = "", tag, type } = request.query;
      if (type !== undefined && type !== "dash-db") return [];
      const tags = [tag ?? []].flat();
      return store
        .list()
        .filter(({ title }) => title.toLowerCase().includes(query.toLowerCase()))
        .filter((dashboard) => tags.every((wanted) => dashboard.tags.includes(wanted)))
        .map((dashboard, i) => ({
          id: i + 1,
          uid: dashboard.uid,
          title: dashboard.title,
          uri: `db/${slugOf(dashboard.title)}`,
          url: urlOf(dashboard),
          type: "dash-db",
          tags: dashboard.tags,
          folderTitle: dashboard.folder,
          source: dashboard.source,
        }));
    },
  );

  app.get<{ Params: { uid: string } }>("/api/dashboards/uid/:uid", async (request, reply) => {
    const dashboard = store.get(request.params.uid);
    if (!dashboard) return reply.code(404).send({ message: "Dashboard not found" });
    return {
      meta: {
        type: "db",
        canSave: true,
        canEdit: true,
        slug: slugOf(dashboard.title),
        url: urlOf(dashboard),
        version: dashboard.json.version ?? 1,
        folderTitle: dashboard.folder,
        provisioned: !dashboard.editable,
        provisionedExternalId: dashboard.source,
      },
      dashboard: dashboard.json,
    };
  });

  app.post<{ Body: { dashboard?: Record<string, unknown> } | null }>("/api/dashboards/db", async (request, reply) => {
    const json = request.body?.dashboard;
    if (typeof json !== "object" || json === null) return reply.code(400).send({ message: "dashboard is missing" });
    try {
      const saved = store.save(json);
      return {
        status: "success",
        uid: saved.uid,
        slug: slugOf(saved.title),
        url: urlOf(saved),
        version: saved.json.version,
      };
    } catch (error) {
      return reply.code(error instanceof UserError ? 400 : 500).send({ message: describeError(error) });
    }
  });

  const describe = (datasource: Datasource) => ({
    id: datasources.indexOf(datasource) + 1,
    uid: datasource.uid,
    orgId: 1,
    name: datasource.name,
    type: datasource.type,
    access: "proxy",
    url: datasource.url,
    isDefault: datasource === datasources[0],
    readOnly: true,
    jsonData: {},
  });
  app.get("/api/datasources", async () => datasources.map(describe));
  app.get<{ Params: { uid: string } }>("/api/datasources/uid/:uid", async (request, reply) => {
    const found = datasources.find(({ uid }) => uid === request.params.uid);
    return found ? describe(found) : reply.code(404).send({ message: "Data source not found" });
  });
  app.get<{ Params: { name: string } }>("/api/datasources/name/:name", async (request, reply) => {
    const found = datasources.find(({ name }) => name === request.params.name);
    return found ? describe(found) : reply.code(404).send({ message: "Data source not found" });
  });
  app.get<{ Params: { name: string } }>("/api/datasources/id/:name", async (request, reply) => {
    const found = datasources.find(({ name }) => name === request.params.name);
    return found ? { id: datasources.indexOf(found) + 1 } : reply.code(404).send({ message: "Data source not found" });
  });
}
