/** The part of Grafana's HTTP API that tools and our own UI use: search, dashboards, data sources, health. */
import { describeError, UserError } from "@pharos/model";
import type { FastifyInstance } from "fastify";
import type { Datasource } from "./proxy.ts";
import { type Dashboard, type DashboardStore, slugOf } from "./store.ts";

function urlOf({ uid, title }: Dashboard): string {
  return `/d/${uid}/${slugOf(title)}`;
}

interface SearchQuery {
  query?: string;
  tag?: string | string[];
  type?: string;
  dashboardUIDs?: string | string[];
  limit?: string;
  page?: string;
}

function positive(text: string | undefined, fallback: number): number {
  const value = Number(text);
  return Number.isInteger(value) && value > 0 ? value : fallback;
}

export function mountGrafanaApi(app: FastifyInstance, store: DashboardStore, datasources: readonly Datasource[]): void {
  app.get("/api/health", async () => ({ database: "ok", version: "pharos" }));

  app.get<{ Querystring: SearchQuery }>("/api/search", async (request) => {
    const { query = "", tag, type, dashboardUIDs, limit, page } = request.query;
    if (type !== undefined && type !== "dash-db") return [];
    const tags = [tag ?? []].flat();
    const uids = [dashboardUIDs ?? []].flat();
    const size = positive(limit, 1000);
    const start = (positive(page, 1) - 1) * size;
    return store
      .list()
      .filter(({ uid }) => uids.length === 0 || uids.includes(uid))
      .filter(({ title }) => title.toLowerCase().includes(query.toLowerCase()))
      .filter((dashboard) => tags.every((wanted) => dashboard.tags.includes(wanted)))
      .slice(start, start + size)
      .map((dashboard, i) => ({
        id: start + i + 1,
        uid: dashboard.uid,
        title: dashboard.title,
        uri: `db/${slugOf(dashboard.title)}`,
        url: urlOf(dashboard),
        type: "dash-db",
        tags: dashboard.tags,
        folderTitle: dashboard.folder,
        source: dashboard.source,
      }));
  });

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
        // Ours: deleting the saved one brings the original back.
        hasOriginal: dashboard.editable && store.hasOriginal(dashboard.uid),
        provisionedExternalId: dashboard.source,
      },
      dashboard: dashboard.json,
    };
  });

  app.delete<{ Params: { uid: string } }>("/api/dashboards/uid/:uid", async (request, reply) => {
    const { uid } = request.params;
    const title = store.get(uid)?.title;
    if (title === undefined) return reply.code(404).send({ message: "Dashboard not found" });
    if (!store.remove(uid))
      return reply.code(400).send({ message: "provisioned dashboard cannot be deleted: remove it at its source" });
    return { message: `Dashboard ${title} deleted`, title, uid };
  });

  type SaveBody = { dashboard?: Record<string, unknown>; overwrite?: boolean } | null;
  app.post<{ Body: SaveBody }>("/api/dashboards/db", async (request, reply) => {
    const json = request.body?.dashboard;
    if (typeof json !== "object" || json === null) return reply.code(400).send({ message: "dashboard is missing" });
    try {
      const saved = store.save(json, request.body?.overwrite === true);
      return {
        status: "success",
        uid: saved.uid,
        slug: slugOf(saved.title),
        url: urlOf(saved),
        version: saved.json.version,
      };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const isConflict = error.code === "dashboards.version";
      return reply
        .code(isConflict ? 412 : 400)
        .send({ message: describeError(error), status: isConflict ? "version-mismatch" : "bad-request" });
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
