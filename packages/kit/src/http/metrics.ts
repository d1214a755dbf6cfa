import { encode, negotiate } from "@pharos/exposition";
import type { FastifyInstance } from "fastify";
import type { Registry } from "../metrics/registry.ts";

/** Serves a registry in the format the scraper likes best. */
export function mountMetrics(app: FastifyInstance, registry: Registry, path = "/metrics"): void {
  app.get(path, async (request, reply) => {
    const { format, contentType, escaping } = negotiate(request.headers.accept);
    return reply.type(contentType).send(Buffer.from(encode(registry.families(), format, escaping)));
  });
}
