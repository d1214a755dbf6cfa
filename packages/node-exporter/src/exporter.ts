/** The exporter: an HTTP server that collects at every scrape. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ExpositionFormat, encode, MetricFamily } from "@pharos/exposition";
import { negotiate } from "@pharos/exposition/negotiate";
import { writeText } from "@pharos/exposition/text";
import type { Logger } from "@pharos/kit";
import { listenWeb } from "@pharos/kit/web";
import { collect, DEFAULT_TIMEOUT_MS } from "./collect.ts";
import { COLLECTORS } from "./collectors.ts";
import { type CollectionOptions, nodeExporterOptions } from "./flags.ts";
import { landingPage } from "./landing-page.ts";
import { buildInfo, ScrapeCounts, selfMetrics } from "./self.ts";

export interface NodeExporterOptions extends Partial<CollectionOptions> {
  /** Together with `port`, instead of `addresses`. */
  host?: string;
  port?: number;
  log: Logger;
}

export interface NodeExporter extends AsyncDisposable {
  /** Base URL of the first address. */
  readonly url: string;
  readonly urls: readonly string[];
  close(): Promise<void>;
}

/** As upstream's exporter: no OpenMetrics, whose rules about names not all of the metrics keep. */
const FORMATS: readonly ExpositionFormat[] = ["protobuf", "text"];
/** Fast: a scrape is compressed once and read once. */
const GZIP_LEVEL = 1;
/** Time to encode and send what was collected, off a scraper's patience. */
const MARGIN_MS = 500;
const MIN_TIMEOUT_MS = 100;

const PLAIN = "text/plain; charset=utf-8";

/** Which collectors a request wants; the text of the refusal when it names one that does not run. */
function chooseCollectors(params: URLSearchParams, enabled: ReadonlySet<string>): ReadonlySet<string> | string {
  const wanted = params.getAll("collect[]");
  const excluded = params.getAll("exclude[]");
  if (wanted.length > 0 && excluded.length > 0) return "Combined collect and exclude queries are not allowed.";
  for (const name of wanted) {
    if (enabled.has(name)) continue;
    const why = COLLECTORS.some((collector) => collector.name === name) ? "disabled" : "missing";
    return `Couldn't create filtered metrics handler: ${why} collector: ${name}`;
  }
  if (wanted.length > 0) return new Set(wanted);
  return new Set([...enabled].filter((name) => !excluded.includes(name)));
}

/** How long the scraper waits, as it says itself, less what it takes to answer; in ms. */
function timeoutOf(header: string | string[] | undefined): number {
  const seconds = Number(header);
  if (!(seconds > 0)) return DEFAULT_TIMEOUT_MS;
  return Math.max(MIN_TIMEOUT_MS, Math.min(seconds * 1000 - MARGIN_MS, DEFAULT_TIMEOUT_MS * 100));
}

const acceptsGzip = (header: string | string[] | undefined): boolean =>
  String(header ?? "")
    .split(",")
    .some((part) => /^\s*(gzip|\*)\s*(;|$)/.test(part) && !/;\s*q=0(\.0*)?\s*$/.test(part));

/** On this thread: it takes less time than to hand it to another. */
const compress = (body: string | Uint8Array): Uint8Array =>
  process.getBuiltinModule("node:zlib").gzipSync(body, { level: GZIP_LEVEL });

/** Formats that are rarely asked for. */
async function writeOther(...question: Parameters<typeof encode>): Promise<Uint8Array> {
  const exposition = await import("@pharos/exposition");
  return exposition.encode(...question);
}

/** What a scrape leaves behind is collected when it has come to this many bytes. */
const GARBAGE_BYTES = 2 ** 20;
let settled = 0;

/**
 * V8 would let the heap grow to twice its size before it collects: where the program was started lean, with `--expose-gc`,
 * it is told to when the answer is out.
 */
function collectGarbage(): void {
  if (typeof globalThis.gc !== "function") return;
  const used = (): number => process.getBuiltinModule("node:v8").getHeapStatistics().used_heap_size;
  if (used() < settled + GARBAGE_BYTES) return;
  globalThis.gc();
  settled = used();
}

class Handler {
  readonly #collection: CollectionOptions;
  readonly #log: Logger;
  readonly #counts = new ScrapeCounts();
  readonly #page: string;

  constructor(collection: CollectionOptions, log: Logger) {
    this.#collection = collection;
    this.#log = log;
    this.#page = landingPage(collection.telemetryPath);
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { telemetryPath, maxRequests } = this.#collection;
    const [path, query = ""] = (request.url ?? "/").split("?", 2);
    if (path !== telemetryPath) {
      if (path === "/") return send(response, 200, "text/html; charset=UTF-8", this.#page);
      return send(response, 404, PLAIN, "404 page not found\n");
    }
    const chosen = chooseCollectors(new URLSearchParams(query), this.#collection.enabled);
    if (typeof chosen === "string") return send(response, 400, PLAIN, chosen);
    if (maxRequests > 0 && this.#counts.inFlight >= maxRequests) {
      this.#counts.done(503);
      return send(response, 503, PLAIN, `Limit of concurrent requests reached (${maxRequests}), try again later.\n`);
    }
    this.#counts.inFlight++;
    try {
      await this.#scrape(request, response, chosen);
    } finally {
      this.#counts.inFlight--;
      this.#counts.done(response.statusCode);
      setImmediate(collectGarbage);
    }
  }

  async #scrape({ headers }: IncomingMessage, response: ServerResponse, chosen: ReadonlySet<string>): Promise<void> {
    const { format, escaping, contentType } = negotiate(headers.accept, FORMATS);
    const timeout = timeoutOf(headers["x-prometheus-scrape-timeout-seconds"]);
    const own = (): MetricFamily[] =>
      this.#collection.exporterMetrics ? [buildInfo(), ...selfMetrics(this.#counts)] : [buildInfo()];
    const families = await collect(this.#collection, chosen, this.#log, timeout, own);
    const body = format === "text" ? writeText(families, escaping) : await writeOther(families, format, escaping);
    if (!acceptsGzip(headers["accept-encoding"])) return send(response, 200, contentType, body);
    response.setHeader("Content-Encoding", "gzip");
    send(response, 200, contentType, compress(body));
  }
}

function send(response: ServerResponse, status: number, type: string, body: string | Uint8Array): void {
  response.statusCode = status;
  response.setHeader("Content-Type", type);
  response.setHeader("Content-Length", typeof body === "string" ? Buffer.byteLength(body) : body.length);
  response.end(body);
}

/** Loads every module that a scrape may need, for Node to keep them without their types. */
export async function loadEverything(): Promise<void> {
  await Promise.all([
    ...COLLECTORS.map(({ load }) => load?.()),
    import("@pharos/exposition"),
    import("@pharos/model/regexp"),
  ]);
}

/** Listens; a UserError when an address is taken or the web configuration is wrong. */
export async function createNodeExporter({ host, port, log, ...options }: NodeExporterOptions): Promise<NodeExporter> {
  const collection: CollectionOptions = { ...(await nodeExporterOptions()), ...options };
  const handler = new Handler(collection, log);
  const single = host === undefined ? undefined : `${host.includes(":") ? `[${host}]` : host}:${port ?? 9100}`;
  const listener = await listenWeb(
    {
      addresses: single === undefined ? collection.addresses : [single],
      systemdSocket: single === undefined && collection.systemdSocket,
      configFile: collection.webConfigFile,
      log,
    },
    (request, response) => {
      handler.handle(request, response).catch((error: unknown) => {
        log.error("scrape failed", { err: error });
        if (response.headersSent) response.destroy();
        else send(response, 500, PLAIN, "An error has occurred while serving metrics.\n");
      });
    },
  );
  const { urls, close } = listener;
  return { url: urls[0], urls, close, [Symbol.asyncDispose]: close };
}
