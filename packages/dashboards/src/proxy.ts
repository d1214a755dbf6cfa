/** Grafana's datasource proxy: requests go on to the configured servers and nowhere else. */
import { posix } from "node:path";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { Agent, request as send } from "undici";

export interface Datasource {
  uid: string;
  name: string;
  type: "prometheus" | "alertmanager";
  /** Base URL without a trailing slash. */
  url: string;
}

/** Meant for one connection only, or about the bytes on it. */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "host",
  "content-length",
  "origin",
  "cookie",
]);
const TIMEOUT_MS = 120_000;

/** The path below the datasource; undefined when it leads out of it. */
function safePath(raw: string): string | undefined {
  let decoded: string;
  try {
    decoded = decodeURIComponent(raw);
  } catch {
    return undefined;
  }
  const normal = posix.normalize(`/${decoded}`);
  if (normal.includes("\0") || decoded.split("/").includes("..")) return undefined;
  return `/${raw.replace(/^\/+/, "")}`;
}

export function mountProxy(app: FastifyInstance, datasources: readonly Datasource[]): void {
  const agent = new Agent({ connect: { timeout: 5_000 }, headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS });
  app.addHook("onClose", () => agent.destroy());
  const forward = async (
    datasource: Datasource | undefined,
    rest: string,
    request: FastifyRequest,
    reply: FastifyReply,
  ) => {
    if (!datasource) return reply.code(404).send({ message: "data source not found" });
    const path = safePath(rest);
    if (path === undefined) return reply.code(400).send({ message: "invalid path" });
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(request.headers)) {
      if (!HOP_BY_HOP.has(name) && value !== undefined) headers[name] = Array.isArray(value) ? value.join(", ") : value;
    }
    const mark = request.url.indexOf("?");
    const body =
      request.body instanceof URLSearchParams
        ? request.body.toString()
        : request.body === undefined || request.body === null
          ? undefined
          : JSON.stringify(request.body);
    const abort = new AbortController();
    reply.raw.on("close", () => {
      if (!reply.raw.writableFinished) abort.abort();
    });
    try {
      const answer = await send(datasource.url + path + (mark < 0 ? "" : request.url.slice(mark)), {
        method: request.method as "GET",
        headers,
        body,
        dispatcher: agent,
        signal: abort.signal,
      });
      reply.code(answer.statusCode);
      for (const [name, value] of Object.entries(answer.headers)) {
        if (!HOP_BY_HOP.has(name) && !name.startsWith("access-control-") && value !== undefined)
          reply.header(name, value);
      }
      return await reply.send(answer.body);
    } catch (error) {
      if (abort.signal.aborted) return reply;
      const { code, message } = error as NodeJS.ErrnoException;
      return reply.code(502).send({ message: `${datasource.name} does not answer: ${code ?? message}` });
    }
  };
  const methods = ["GET", "POST", "PUT", "DELETE"] as const;
  for (const method of methods) {
    app.route<{ Params: { uid: string; "*": string } }>({
      method,
      url: "/api/datasources/proxy/uid/:uid/*",
      exposeHeadRoute: false,
      handler: (request, reply) =>
        forward(
          datasources.find(({ uid }) => uid === request.params.uid),
          request.params["*"],
          request,
          reply,
        ),
    });
    app.route<{ Params: { id: string; "*": string } }>({
      method,
      url: "/api/datasources/proxy/:id/*",
      exposeHeadRoute: false,
      handler: (request, reply) =>
        forward(datasources[Number(request.params.id) - 1], request.params["*"], request, reply),
    });
  }
}
