/** /api/v2/status, /api/v2/receivers, and the answer to the API that is no more. */
import type { FastifyInstance } from "fastify";
import type { ApiContext } from "./context.ts";

export function mountStatus(app: FastifyInstance, context: ApiContext): void {
  app.get("/api/v2/status", async () => ({
    cluster: { status: "disabled", peers: [] },
    config: { original: context.current().config.shownText },
    uptime: new Date(context.startedAt).toISOString(),
    versionInfo: {
      branch: "",
      buildDate: "",
      buildUser: "",
      goVersion: `node ${process.version}`,
      revision: "",
      version: context.version,
    },
  }));

  app.get("/api/v2/receivers", async () => [...context.current().config.receivers.keys()].map((name) => ({ name })));

  app.all("/api/v1/*", async (_request, reply) =>
    reply.code(410).send({
      status: "deprecated",
      error: "The Alertmanager v1 API is removed: use the same route of the v2 API",
    }),
  );
}
