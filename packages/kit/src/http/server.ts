/**
 * The HTTP server every component stands on: fastify with compression, form bodies, CORS as upstream has it, request
 * metrics, size limits, and errors that say which port is taken.
 */
import type { RequestListener, Server } from "node:http";
import compress from "@fastify/compress";
import { UserError } from "@pharos/model";
import fastify, { type FastifyInstance, type FastifyRequest } from "fastify";
import type { Logger } from "../log/logger.ts";
import type { Registry } from "../metrics/registry.ts";
import type { Web } from "../web/index.ts";

// An import of node:http makes Node load a WebSocket client as well, 9 MB of it.
const { createServer } = process.getBuiltinModule("node:http");

export interface HttpServerOptions {
  host: string;
  /** 0 takes any free port. */
  port: number;
  log: Logger;
  /** Request durations and sizes go here under `<prefix>_http_…`. */
  registry?: Registry;
  metricsPrefix?: string;
  /** Largest request body in bytes; default 32 MiB. */
  bodyLimit?: number;
  /** Words an error for the client, as the component's API has it; default: plain text. Status and logging are not its business. */
  errorBody?: (message: string) => { type: string; body: string };
  /** Sends `Access-Control-Allow-Origin: *`, as Prometheus and Alertmanager do. */
  cors?: boolean;
  /** Serves as a web configuration file says, with TLS and users; see `prepareWeb`. */
  web?: Web;
  /** Listens here as well. */
  more?: readonly { host: string; port: number }[];
  /** Connections at a time on each address; those beyond are closed at once. 0: any number. */
  maxConnections?: number;
  /** Time a request may take to arrive, and a connection may stay idle, ms; a minute and Node's default without it. */
  readTimeoutMs?: number;
}

export interface HttpServer extends AsyncDisposable {
  readonly app: FastifyInstance;
  /** Starts listening; answers the base URL without a trailing slash. A UserError when the port is taken. */
  listen(): Promise<string>;
  readonly url: string;
  close(): Promise<void>;
}

/** Query and form parameters of a request together, repeated names kept. */
export function requestParams(request: FastifyRequest): URLSearchParams {
  const mark = request.raw.url!.indexOf("?");
  const params = new URLSearchParams(mark < 0 ? "" : request.raw.url!.slice(mark + 1));
  if (request.body instanceof URLSearchParams) for (const [name, value] of request.body) params.append(name, value);
  return params;
}

function listenProblem(error: unknown, host: string, port: number): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "EADDRINUSE") {
    return new UserError("kit.port", `port ${port} on ${host} is taken by another program`, { cause: error });
  }
  if (code === "EACCES") {
    const fix = "Use a port above 1023";
    return new UserError("kit.port", `not allowed to listen on port ${port}`, { fix, cause: error });
  }
  return error;
}

const plainText = (message: string) => ({ type: "text/plain; charset=utf-8", body: `${message}\n` });

export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { errorBody = plainText } = options;
  const app = fastify({
    bodyLimit: options.bodyLimit ?? 32 * 2 ** 20,
    forceCloseConnections: true,
    exposeHeadRoutes: true,
    routerOptions: { ignoreTrailingSlash: false, maxParamLength: 1024 },
    // Slow-loris protection; streaming answers (watch) are not limited by it.
    requestTimeout: options.readTimeoutMs ?? 60_000,
    ...(options.readTimeoutMs ? { keepAliveTimeout: options.readTimeoutMs } : {}),
    ...(options.web ? { serverFactory: (handler: RequestListener) => options.web!.createServer(handler) } : {}),
  });
  void app.register(compress, { global: true, threshold: 1024, encodings: ["gzip", "deflate"] });
  app.addContentTypeParser("application/x-www-form-urlencoded", { parseAs: "string" }, (_request, body, done) => {
    done(null, new URLSearchParams(body as string));
  });
  if (options.cors) {
    app.addHook("onRequest", async (request, reply) => {
      reply.header("Access-Control-Allow-Origin", "*");
      reply.header("Access-Control-Allow-Headers", "Accept, Authorization, Content-Type, Origin");
      reply.header("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, OPTIONS");
      reply.header("Access-Control-Expose-Headers", "Date");
      if (request.method === "OPTIONS") await reply.code(204).send();
    });
  }
  const { registry, metricsPrefix } = options;
  if (registry && metricsPrefix) {
    const duration = registry.histogram(
      `${metricsPrefix}_http_request_duration_seconds`,
      "Histogram of latencies for HTTP requests.",
      ["handler"],
      [0.1, 0.2, 0.4, 1, 3, 8, 20, 60, 120],
    );
    const requests = registry.counter(`${metricsPrefix}_http_requests_total`, "Counter of HTTP requests.", [
      "handler",
      "code",
    ]);
    const sizes = registry.histogram(
      `${metricsPrefix}_http_response_size_bytes`,
      "Histogram of response size for HTTP requests.",
      ["handler"],
      [1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9],
    );
    // What is streamed has no size before it is sent, and is not counted.
    app.addHook("onSend", async (request, _reply, payload) => {
      const bytes = typeof payload === "string" || Buffer.isBuffer(payload) ? Buffer.byteLength(payload) : undefined;
      if (bytes !== undefined) sizes.labels(request.routeOptions.url ?? "unknown").observe(bytes);
    });
    app.addHook("onResponse", async (request, reply) => {
      const handler = request.routeOptions.url ?? "unknown";
      duration.labels(handler).observe(reply.elapsedTime / 1000);
      requests.labels(handler, String(reply.statusCode)).inc();
    });
  }
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const status = error.statusCode ?? (error instanceof UserError ? 400 : 500);
    if (status >= 500)
      options.log.error("request failed", { method: request.method, path: request.url.split("?")[0], err: error });
    const message = error instanceof UserError ? error.describe() : error.message;
    const { type, body } = errorBody(message);
    void reply.code(status).type(type).send(body);
  });

  let url = "";
  const more: Server[] = [];
  const restrain = (server: Server): void => {
    if (options.maxConnections) server.maxConnections = options.maxConnections;
    if (!options.readTimeoutMs) return;
    server.requestTimeout = options.readTimeoutMs;
    server.keepAliveTimeout = options.readTimeoutMs;
  };
  restrain(app.server);
  const closeAll = async (): Promise<void> => {
    const closed = more.map(
      (server) =>
        new Promise<void>((resolve) => {
          server.close(() => resolve());
          // A server of HTTP/2 closes its sessions itself.
          server.closeAllConnections?.();
        }),
    );
    await Promise.all([app.close(), ...closed]);
  };
  const server: HttpServer = {
    app,
    get url() {
      return url;
    },
    async listen() {
      try {
        await app.listen({ host: options.host, port: options.port });
      } catch (error) {
        throw listenProblem(error, options.host, options.port);
      }
      for (const { host, port } of options.more ?? []) {
        const handler: RequestListener = (request, response) => app.routing(request, response);
        const extra = options.web ? options.web.createServer(handler) : createServer(handler);
        restrain(extra);
        await new Promise<void>((resolve, reject) => {
          extra.once("error", (error) => reject(listenProblem(error, host, port)));
          extra.listen({ host, port }, resolve);
        });
        more.push(extra);
      }
      const address = app.server.address();
      const port = typeof address === "object" && address ? address.port : options.port;
      const host = options.host === "0.0.0.0" || options.host === "::" ? "127.0.0.1" : options.host;
      url = `http${options.web?.secure ? "s" : ""}://${host.includes(":") ? `[${host}]` : host}:${port}`;
      return url;
    },
    close: closeAll,
    [Symbol.asyncDispose]: closeAll,
  };
  return server;
}
