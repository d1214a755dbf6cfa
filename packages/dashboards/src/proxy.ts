/** Grafana's datasource proxy: requests go on to the configured servers and nowhere else. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { Agent, request as send } from "undici";

export interface Datasource {
  uid: string;
  name: string;
  type: "prometheus" | "alertmanager";
  /** Base URL without a trailing slash. */
  url: string;
}

/** Of a request: what belongs to one connection, or is meant for us and nobody behind us. */
const KEPT_FROM_SOURCE = new Set([
  "authorization",
  "connection",
  "cookie",
  "expect",
  "host",
  "keep-alive",
  "origin",
  "proxy-authenticate",
  "proxy-authorization",
  "referer",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
/** Of an answer: the same, and what another origin has no business to set on ours. */
const KEPT_FROM_BROWSER = new Set([
  "connection",
  "content-security-policy",
  "keep-alive",
  "proxy-authenticate",
  "set-cookie",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
const TIMEOUT_MS = 120_000;
const METHODS = ["GET", "POST", "PUT", "DELETE"] as const;

/**
 * Path and query below a datasource, percent-encoding as it came; undefined when it leads out of the datasource.
 * `url` is the request's, `prefix` the number of path segments in front.
 */
export function targetPath(url: string, prefix: number): string | undefined {
  const mark = url.indexOf("?");
  const segments = (mark < 0 ? url : url.slice(0, mark)).split("/").slice(prefix + 1);
  for (const segment of segments) {
    let decoded: string;
    try {
      decoded = decodeURIComponent(segment);
    } catch {
      return undefined;
    }
    // Some servers decode before they resolve dots: an encoded slash or backslash must not bring dots with it.
    if (decoded.split(/[\\/]/).some((part) => part === "..") || decoded.includes("\0")) return undefined;
  }
  return `/${segments.join("/")}${mark < 0 ? "" : url.slice(mark)}`;
}

function passOn(headers: NodeJS.Dict<string | string[]>, kept: ReadonlySet<string>): Record<string, string | string[]> {
  // A sender may name further headers of its connection.
  const named = String(headers.connection ?? "")
    .toLowerCase()
    .split(/\s*,\s*/);
  const result: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined && !kept.has(name) && !named.includes(name)) result[name] = value;
  return result;
}

function hasBody({ headers }: FastifyRequest): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

export async function mountProxy(app: FastifyInstance, datasources: readonly Datasource[]): Promise<void> {
  const agent = new Agent({ connect: { timeout: 5_000 }, headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS });
  app.addHook("onClose", () => agent.destroy());

  async function forward(
    datasource: Datasource | undefined,
    prefix: number,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    if (!datasource) return reply.code(404).send({ message: "data source not found" });
    const path = targetPath(request.raw.url!, prefix);
    if (path === undefined) return reply.code(400).send({ message: "invalid path" });
    const abort = new AbortController();
    reply.raw.on("close", () => {
      if (!reply.raw.writableFinished) abort.abort();
    });
    try {
      const answer = await send(datasource.url + path, {
        method: request.method as (typeof METHODS)[number],
        headers: passOn(request.headers, KEPT_FROM_SOURCE),
        body: hasBody(request) ? request.raw : undefined,
        dispatcher: agent,
        signal: abort.signal,
      });
      reply.code(answer.statusCode);
      for (const [name, value] of Object.entries(passOn(answer.headers, KEPT_FROM_BROWSER)))
        if (!name.startsWith("access-control-")) reply.header(name, value);
      // Pages of the source are data here: they may run nothing in the name of this origin.
      reply.header("Content-Security-Policy", "sandbox; default-src 'none'");
      return reply.send(answer.body);
    } catch (error) {
      if (abort.signal.aborted) return reply;
      const { code, message } = error as NodeJS.ErrnoException;
      return reply.code(502).send({ message: `${datasource.name} does not answer: ${code ?? message}` });
    }
  }

  // Bodies go through as they are, whatever they hold: nothing is parsed here.
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, _payload, done) => done(null));
    for (const method of METHODS) {
      scope.route<{ Params: { uid: string } }>({
        method,
        url: "/api/datasources/proxy/uid/:uid/*",
        exposeHeadRoute: false,
        handler: (request, reply) =>
          forward(
            datasources.find(({ uid }) => uid === request.params.uid),
            5,
            request,
            reply,
          ),
      });
      scope.route<{ Params: { id: string } }>({
        method,
        url: "/api/datasources/proxy/:id/*",
        exposeHeadRoute: false,
        handler: (request, reply) => forward(datasources[Number(request.params.id) - 1], 4, request, reply),
      });
    }
  });
}
