/** /api/v2/status, /api/v2/receivers, and the answer to the API that is no more. */
import { requestParams } from "@pharos/kit";
import type { FastifyInstance } from "fastify";
import type { ApiContext } from "./context.ts";
import { receiverFilter } from "./filter.ts";

export function mountStatus(app: FastifyInstance, context: ApiContext): void {
  app.get("/api/v2/status", async () => ({
    cluster: context.cluster(),
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

  app.get("/api/v2/receivers", async (request) => {
    const params = requestParams(request);
    params.delete("receiver");
    const { receivers } = context.current().config;
    const wanted = receiverFilter(params, context.syntax, receivers);
    return [...receivers.values()]
      .filter(({ name }) => !wanted || wanted(name))
      .map(({ name, labels }) => ({ name, labels }));
  });

  app.all("/api/v1/*", async (_request, reply) =>
    reply.code(410).send({
      status: "deprecated",
      error: "The Alertmanager v1 API is removed: use the same route of the v2 API",
    }),
  );
}
