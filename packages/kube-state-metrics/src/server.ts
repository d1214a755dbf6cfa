/** kube-state-metrics as a whole: what it collects, and its two HTTP servers. */
import { negotiate } from "@pharos/exposition";
import {
  createHttpServer,
  type HttpServer,
  type HttpServerOptions,
  type Logger,
  mountMetrics,
  prepareWeb,
  requestParams,
} from "@pharos/kit";
import { createKubeClient, type KubeClient } from "@pharos/kube/client";
import { describeError } from "@pharos/model";
import { AuthFilter } from "./auth-filter.ts";
import { Collection } from "./collection.ts";
import { FileWatch } from "./file-watch.ts";
import { type FlagValues, type Loaded, load } from "./load.ts";
import { GzipBodies, plainBody } from "./metrics-body.ts";
import { SelfMetrics } from "./self-metrics.ts";
import type { Settings } from "./settings.ts";

export interface KubeStateMetricsOptions {
  /** As `parseFlags(kubeStateMetricsFlags, argv)` gives them. */
  flags: FlagValues;
  /** Whose objects; absent: the API server that flags and environment name. It is not closed here. */
  client?: KubeClient;
  log: Logger;
  version: string;
}

export interface KubeStateMetrics extends AsyncDisposable {
  readonly url: string;
  readonly telemetryUrl: string;
  /** Resolves when every resource was listed once, or after `timeoutMs`. */
  ready(timeoutMs: number): Promise<void>;
  /** Reads the files again and goes over to what they say; what is wrong is told and changes nothing. */
  reload(): Promise<void>;
  close(): Promise<void>;
}

type FastifyRequest = Parameters<HttpServer["app"]["errorHandler"]>[1];
type FastifyReply = Parameters<HttpServer["app"]["errorHandler"]>[2];

/** A new configuration takes over when it has listed everything, at the latest after this time. */
const TAKE_OVER_MS = 30_000;
const PLAIN = "text/plain; charset=utf-8";

function page(title: string, links: readonly string[]): string {
  const items = links.map((link) => `<li><a href="${link}">${link}</a></li>`).join("");
  return `<!doctype html><html lang="en"><head><title>${title}</title></head><body><h1>${title}</h1><ul>${items}</ul></body></html>`;
}

function resourceSet(params: URLSearchParams, name: string): Set<string> | undefined {
  const given = params.getAll(name);
  if (given.length === 0) return undefined;
  return new Set(
    given
      .flatMap((text) => text.split(","))
      .map((text) => text.trim())
      .filter((text) => text !== ""),
  );
}

function takesGzip(header: string | undefined): boolean {
  return (header ?? "").split(",").some((part) => /^\s*gzip\s*(;|$)/.test(part));
}

function clientFrom({ apiserver, kubeconfig }: Settings): KubeClient {
  if (kubeconfig !== "") {
    return createKubeClient({ kubeconfigFile: kubeconfig, server: apiserver === "" ? undefined : apiserver });
  }
  return createKubeClient(apiserver === "" ? { inCluster: true } : { server: apiserver });
}

/** Where there is no IPv6, "any address" is that of IPv4. */
async function listen(options: HttpServerOptions, mount: (server: HttpServer) => void): Promise<HttpServer> {
  for (;;) {
    const server = createHttpServer(options);
    mount(server);
    try {
      await server.listen();
      return server;
    } catch (error) {
      await server.close();
      const code = (error as NodeJS.ErrnoException).code;
      if (options.host !== "::" || (code !== "EAFNOSUPPORT" && code !== "EADDRNOTAVAIL")) throw error;
      options = { ...options, host: "0.0.0.0" };
    }
  }
}

class Server implements KubeStateMetrics {
  readonly #options: KubeStateMetricsOptions;
  readonly #metrics: SelfMetrics;
  readonly #gzip = new GzipBodies();
  readonly #stack = new AsyncDisposableStack();
  #files: FileWatch | undefined;
  #loaded: Loaded;
  #client!: KubeClient;
  #auth: AuthFilter | undefined;
  #collection!: Collection;
  #main!: HttpServer;
  #telemetry!: HttpServer;
  #reloading: Promise<void> = Promise.resolve();

  constructor(options: KubeStateMetricsOptions) {
    this.#options = options;
    this.#metrics = new SelfMetrics(options.version);
    this.#loaded = load(options.flags, this.#metrics, options.log);
  }

  async start(): Promise<void> {
    const { log } = this.#options;
    try {
      this.#client = this.#options.client ?? clientFrom(this.#loaded.settings);
      this.#stack.defer(async () => {
        this.#collection?.[Symbol.dispose]();
        if (this.#client !== this.#options.client) await this.#client.close();
      });
      this.#collection = await this.#collect(this.#loaded, this.#client);
      const { settings } = this.#loaded;
      this.#auth = settings.authFilter ? new AuthFilter(this.#client) : undefined;
      const web = await prepareWeb({ configFile: settings.tlsConfig, log });
      this.#telemetry = this.#stack.use(
        await listen({ host: settings.telemetryHost, port: settings.telemetryPort, log, web }, (server) =>
          this.#mountTelemetry(server),
        ),
      );
      this.#main = this.#stack.use(
        await listen({ host: settings.host, port: settings.port, log, web }, (server) => this.#mountMain(server)),
      );
      this.#watch();
      this.#stack.defer(() => this.#files?.[Symbol.dispose]());
    } catch (error) {
      await this.#stack.disposeAsync();
      throw error;
    }
  }

  #collect({ settings, customResources }: Loaded, client: KubeClient): Promise<Collection> {
    const { log } = this.#options;
    return Collection.start({ client, settings, customResources, metrics: this.#metrics, log });
  }

  get url(): string {
    return this.#main.url;
  }

  get telemetryUrl(): string {
    return this.#telemetry.url;
  }

  ready(timeoutMs: number): Promise<void> {
    return this.#collection.ready(timeoutMs);
  }

  reload(): Promise<void> {
    this.#reloading = this.#reloading.then(() => this.#reload());
    return this.#reloading;
  }

  async #reload(): Promise<void> {
    const { log, flags } = this.#options;
    if (this.#stack.disposed) return;
    try {
      const loaded = load(flags, this.#metrics, log);
      const client = this.#options.client ?? clientFrom(loaded.settings);
      let collection: Collection;
      try {
        collection = await this.#collect(loaded, client);
      } catch (error) {
        if (client !== this.#options.client) await client.close();
        throw error;
      }
      await collection.ready(TAKE_OVER_MS);
      if (this.#stack.disposed) {
        collection[Symbol.dispose]();
        return;
      }
      const before = { loaded: this.#loaded, client: this.#client, collection: this.#collection };
      this.#loaded = loaded;
      this.#client = client;
      this.#collection = collection;
      this.#auth = loaded.settings.authFilter ? new AuthFilter(client) : undefined;
      before.collection[Symbol.dispose]();
      if (before.client !== client) await before.client.close();
      this.#watch();
      const address = ({ host, port, telemetryHost, telemetryPort }: Settings): string =>
        `${host} ${port} ${telemetryHost} ${telemetryPort}`;
      if (address(before.loaded.settings) !== address(loaded.settings)) {
        log.warn("a changed host or port needs a restart");
      }
      log.info("configuration loaded");
    } catch (error) {
      log.error("cannot use the changed configuration; going on with the last one", { err: describeError(error) });
    }
  }

  #watch(): void {
    this.#files?.[Symbol.dispose]();
    this.#files = new FileWatch(this.#loaded.files, () => void this.reload());
  }

  /** False when the request was answered with a refusal. */
  async #mayPass(request: FastifyRequest, reply: FastifyReply): Promise<boolean> {
    if (!this.#auth) return true;
    const path = request.url.split("?")[0];
    const status = await this.#auth.check(request.headers.authorization, request.method.toLowerCase(), path);
    if (status === 200) return true;
    await reply
      .code(status)
      .type(PLAIN)
      .send(status === 401 ? "Unauthorized\n" : "Forbidden\n");
    return false;
  }

  #mountMain({ app }: HttpServer): void {
    const { timeouts } = this.#loaded.settings;
    app.server.keepAliveTimeout = timeouts.idle;
    app.server.headersTimeout = Math.min(timeouts.readHeader, timeouts.read);
    app.server.requestTimeout = timeouts.read;
    app.server.timeout = timeouts.write;
    const duration = this.#metrics.requestDuration;
    app.get("/metrics", { compress: false }, async (request, reply) => {
      if (!(await this.#mayPass(request, reply))) return reply;
      const method = request.method.toLowerCase();
      const started = performance.now();
      reply.raw.once("finish", () => {
        duration.labels("metrics", method).observe((performance.now() - started) / 1000);
      });
      return this.#scrape(request, reply);
    });
    app.get("/healthz", async (_request, reply) => reply.type(PLAIN).send("OK"));
    app.get("/livez", async (_request, reply) => {
      const status = await this.#client.statusOf("/livez").catch(() => 0);
      return reply
        .code(status === 200 ? 200 : 503)
        .type(PLAIN)
        .send(status === 200 ? "OK" : "Service Unavailable");
    });
    app.get("/", async (_request, reply) =>
      reply.type("text/html; charset=utf-8").send(page("kube-state-metrics", ["/metrics", "/healthz", "/livez"])),
    );
  }

  async #scrape(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { format, contentType } = negotiate(request.headers.accept, ["openmetrics", "text"]);
    const params = requestParams(request);
    const excluded = resourceSet(params, "exclude_resources") ?? new Set();
    const snapshots = this.#collection.snapshots(resourceSet(params, "resources"), excluded);
    const openMetrics = format === "openmetrics";
    reply.type(contentType);
    if (this.#loaded.settings.gzip && takesGzip(request.headers["accept-encoding"])) {
      reply.header("Content-Encoding", "gzip");
      return reply.send(await this.#gzip.body(snapshots, openMetrics));
    }
    return reply.send(plainBody(snapshots, openMetrics));
  }

  #mountTelemetry({ app }: HttpServer): void {
    app.addHook("onRequest", async (request, reply) => {
      if (request.url.startsWith("/metrics")) await this.#mayPass(request, reply);
    });
    mountMetrics(app, this.#metrics.registry);
    app.get("/readyz", async (_request, reply) => reply.type(PLAIN).send("OK"));
    app.get("/", async (_request, reply) =>
      reply.type("text/html; charset=utf-8").send(page("kube-state-metrics: own metrics", ["/metrics", "/readyz"])),
    );
  }

  close(): Promise<void> {
    return this.#stack.disposeAsync();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Starts collecting and listens; a UserError when the configuration cannot be used or a port is taken. */
export async function createKubeStateMetrics(options: KubeStateMetricsOptions): Promise<KubeStateMetrics> {
  const server = new Server(options);
  await server.start();
  return server;
}
