/** What Go's router says of paths and methods that are not there. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

const TEXT = "text/plain; charset=utf-8";

/** Remembers which methods the routes have that are added after this; answers a handler for all others. */
export function watchRoutes(app: FastifyInstance): (request: FastifyRequest, reply: FastifyReply) => FastifyReply {
  const routes: { pattern: RegExp; methods: string[] }[] = [];
  app.addHook("onRoute", ({ url, method }) => {
    const path = url
      .replace(/[.+?^$()|[\]{}\\]/g, "\\$&")
      .replace(/:[^/]+/g, "[^/]+")
      .replace(/\*/g, ".*");
    const methods = [method].flat().filter((name) => name !== "OPTIONS");
    if (methods.length > 0) routes.push({ pattern: new RegExp(`^${path}$`), methods });
  });
  return (request, reply) => {
    const path = request.url.split("?")[0];
    const allowed = new Set(routes.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods));
    reply.header("X-Content-Type-Options", "nosniff").type(TEXT);
    if (allowed.size === 0) return reply.code(404).send("404 page not found\n");
    reply.header("Allow", [...allowed, "OPTIONS"].sort().join(", "));
    return reply.code(405).send("Method Not Allowed\n");
  };
}
