/** Which pages may read the API's answers (upstream's httputil.SetCORS). */
import { AnchoredRegexp } from "@pharos/model";
import type { FastifyInstance } from "fastify";

/** For all routes of `app`; `origin` is an anchored regular expression, `.*` for everybody. */
export function allowOrigins(app: FastifyInstance, origin: string): void {
  const pattern = new AnchoredRegexp(origin);
  app.addHook("onRequest", async (request, reply) => {
    const from = request.headers.origin;
    if (from !== undefined && from !== "") {
      reply.header("Access-Control-Allow-Headers", "Accept, Authorization, Content-Type, Origin");
      reply.header("Access-Control-Allow-Methods", "GET, POST, OPTIONS");
      reply.header("Access-Control-Expose-Headers", "Date");
      reply.header("Vary", "Origin");
      if (pattern.test(from)) reply.header("Access-Control-Allow-Origin", from);
    }
  });
  app.options("/api/v1/*", async (_request, reply) => reply.code(204).send());
}
