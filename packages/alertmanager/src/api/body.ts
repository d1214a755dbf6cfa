/** What upstream's server checks before a handler sees a request: method, content type, and the body against the API's schema. */
import type { FastifyInstance, HTTPMethods } from "fastify";

/** A body that is JSON of the right types and yet not what the schema asks for: 422. */
export class SchemaError extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

const METHODS: readonly HTTPMethods[] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/** Paths below /api/v2, the methods they know, and what their bodies are called. */
const PATHS: Readonly<Record<string, { methods: readonly HTTPMethods[]; body?: string }>> = {
  "/api/v2/alerts": { methods: ["POST", "GET"], body: "alerts" },
  "/api/v2/alerts/groups": { methods: ["GET"] },
  "/api/v2/receivers": { methods: ["GET"] },
  "/api/v2/silence/:id": { methods: ["GET", "DELETE"] },
  "/api/v2/silences": { methods: ["POST", "GET"], body: "silence" },
  "/api/v2/status": { methods: ["GET"] },
};

/** To be called in the scope of the API's routes. */
export function checkBodies(app: FastifyInstance): void {
  for (const [url, { methods }] of Object.entries(PATHS))
    app.route({
      method: METHODS.filter((method) => !methods.includes(method)),
      url,
      handler: async (request, reply) => {
        const message = `method ${request.method} is not allowed, but [${methods.join(",")}] are`;
        return reply.code(405).header("Allow", methods.join(",")).send({ code: 405, message });
      },
    });
  app.addHook("onRequest", async (request, reply) => {
    if (request.method !== "POST") return;
    const body = Object.entries(PATHS).find(([path]) => request.routeOptions.url?.endsWith(path))?.[1].body;
    if (!body) return;
    const {
      "content-length": length,
      "content-type": type = "application/octet-stream",
      "transfer-encoding": coding,
    } = request.headers;
    if (coding === undefined && (length === undefined || length === "0"))
      await reply.code(422).send({ code: 602, message: `${body} in body is required` });
    else if (type.split(";")[0].trim().toLowerCase() !== "application/json")
      await reply.code(415).send({
        code: 415,
        message: `unsupported media type ${JSON.stringify(type)}, only [application/json] are allowed`,
      });
  });
  const previous = app.errorHandler;
  app.setErrorHandler(function (error, request, reply) {
    if (error instanceof SchemaError) return reply.code(422).send({ code: error.code, message: error.message });
    return previous.call(this, error as never, request, reply);
  });
}
