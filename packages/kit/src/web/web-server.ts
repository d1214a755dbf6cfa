/**
 * An HTTP server that follows a web configuration file: HTTPS and HTTP/2, client certificates, users, headers, a rate limit.
 * The file and the certificates may change while it runs: they are looked at for every connection and request, as upstream
 * does. A file that became wrong closes the door instead of leaving it as it was.
 */
import type { RequestListener, Server } from "node:http";
import type { Server as SecureServer } from "node:tls";
import { describeError } from "@pharos/model/error";
import type { Logger } from "../log/logger.ts";
import type { PasswordChecker } from "./basic-auth.ts";
import type { RateLimiter } from "./rate-limiter.ts";
import type { WebConfig } from "./web-config.ts";

// An import of node:http makes Node load a WebSocket client as well, 9 MB of it.
const { createServer } = process.getBuiltinModule("node:http");

export interface WebServerOptions {
  /** undefined or "": plain HTTP without users. */
  configFile?: string;
  log: Logger;
}

/** What a web configuration file makes of servers. */
export interface Web {
  /** HTTPS. */
  readonly secure: boolean;
  /** A server that answers with `handler`, not yet listening; several may be made. */
  createServer(handler: RequestListener): Server;
}

/** Between two requests a connection stays open, longer than scrapers wait from one scrape to the next. */
const KEEP_ALIVE_MS = 5 * 60_000;

type Request = Parameters<RequestListener>[0];
type Response = Parameters<RequestListener>[1];

/** Go's http.Error. */
function refuse(response: Response, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" });
  response.end(`${text}\n`);
}

/** The modules a web configuration needs; without one, none of them is loaded. */
async function loadModules() {
  const [config, certificates, auth, limiter, https, http2] = await Promise.all([
    import("./web-config.ts"),
    import("./certificates.ts"),
    import("./basic-auth.ts"),
    import("./rate-limiter.ts"),
    import("node:https"),
    import("node:http2"),
  ]);
  return { ...config, ...certificates, ...auth, ...limiter, https, http2 };
}
type Modules = Awaited<ReturnType<typeof loadModules>>;

/** The configuration as it is now: read again when the file or a certificate changed, a failure kept until then. */
class LiveConfig {
  readonly #file: string;
  readonly #modules: Modules;
  #stamp = "";
  /** Counts how often it was read. */
  generation = 0;
  #current: { config: WebConfig } | { error: unknown };

  /** A UserError when the file is wrong at the start. */
  constructor(file: string, modules: Modules) {
    this.#file = file;
    this.#modules = modules;
    this.#current = { config: this.#read() };
    this.#stamp = this.#stampNow();
  }

  #read(): WebConfig {
    const config = this.#modules.readWebConfig(this.#file);
    if (config.tls) this.#modules.tlsOptions(config.tls);
    return config;
  }

  #stampNow(): string {
    const tls = "config" in this.#current ? this.#current.config.tls : undefined;
    return this.#modules.stampOf([this.#file, ...(tls ? this.#modules.watchedFiles(tls) : [])]);
  }

  /** Reads it again when it changed. */
  refresh(): void {
    // After a failure the certificates' names are not known: it is read again until it is good.
    if ("config" in this.#current && this.#stampNow() === this.#stamp) return;
    this.generation++;
    try {
      this.#current = { config: this.#read() };
    } catch (error) {
      this.#current = { error };
    }
    this.#stamp = this.#stampNow();
  }

  /** Throws what is wrong with the file. */
  get config(): WebConfig {
    if ("error" in this.#current) throw this.#current.error;
    return this.#current.config;
  }
}

/** Headers, rate limit and users before a handler. */
function guard(live: LiveConfig, modules: Modules, log: Logger): (handler: RequestListener) => RequestListener {
  const passwords: PasswordChecker = new modules.PasswordChecker();
  const { rateLimit } = live.config;
  const limiter: RateLimiter | undefined = rateLimit && new modules.RateLimiter(rateLimit);
  const serve = async (handler: RequestListener, request: Request, response: Response): Promise<void> => {
    live.refresh();
    let config: WebConfig;
    try {
      config = live.config;
    } catch (error) {
      log.error("Unable to parse configuration", { err: describeError(error) });
      return refuse(response, 500, "Internal Server Error");
    }
    if (limiter && !limiter.allow()) return refuse(response, 429, "Too Many Requests");
    for (const [name, value] of Object.entries(config.headers)) response.setHeader(name, value);
    if (config.users.size > 0) {
      const given = modules.parseBasicAuth(request.headers.authorization);
      if (!given || !(await passwords.check(config.users, given.user, given.password))) {
        response.setHeader("WWW-Authenticate", "Basic");
        return refuse(response, 401, "Unauthorized");
      }
    }
    handler(request, response);
  };
  return (handler) => (request, response) => {
    serve(handler, request, response).catch((error: unknown) => {
      log.error("request failed", { err: describeError(error) });
      if (!response.headersSent) refuse(response, 500, "Internal Server Error");
      else response.destroy();
    });
  };
}

const plainServer = (handler: RequestListener): Server => createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, handler);

const PLAIN: Web = { secure: false, createServer: plainServer };

/** Reads a web configuration file and follows it from then on. A UserError says what is wrong with it. */
export async function prepareWeb({ configFile = "", log }: WebServerOptions): Promise<Web> {
  if (configFile === "") return PLAIN;
  const modules = await loadModules();
  const live = new LiveConfig(configFile, modules);
  const guarded = guard(live, modules, log);
  const { tls, http2 } = live.config;
  if (!tls) return { secure: false, createServer: (handler) => plainServer(guarded(handler)) };
  return {
    secure: true,
    createServer: (handler) => {
      const options = { ...modules.tlsOptions(tls), keepAliveTimeout: KEEP_ALIVE_MS };
      const server = http2
        ? modules.http2.createSecureServer({ ...options, allowHTTP1: true }, guarded(handler) as never)
        : modules.https.createServer(options, guarded(handler));
      follow(server, live, modules, log, configFile);
      return server as unknown as Server;
    },
  };
}

/** Gives new connections of a TLS server what the files say now. */
function follow(
  server: SecureServer,
  live: LiveConfig,
  { tlsOptions, clientProblem }: Modules,
  log: Logger,
  file: string,
): void {
  let loaded = live.generation;
  // Before the handshake: new certificates are for this connection already.
  server.prependListener("connection", (socket) => {
    try {
      live.refresh();
      if (live.generation === loaded) return;
      const now = live.config.tls;
      if (!now) throw new Error("TLS cannot be switched off while the server runs");
      server.setSecureContext(tlsOptions(now));
      Object.assign(server, { requestCert: now.clientAuth !== "NoClientCert" });
      loaded = live.generation;
      log.info("TLS configuration is loaded again", { file });
    } catch (error) {
      log.error("Unable to load the TLS configuration", { err: describeError(error) });
      socket.destroy();
    }
  });
  server.prependListener("secureConnection", (socket) => {
    let problem: string | undefined;
    try {
      const now = live.config.tls;
      problem = now ? clientProblem(socket, now) : "TLS is not configured any more";
    } catch (error) {
      problem = describeError(error);
    }
    if (problem === undefined) return;
    log.debug("connection refused", { remote: socket.remoteAddress, err: problem });
    socket.destroy();
  });
}
