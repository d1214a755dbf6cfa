/** The exporter: an HTTP server that collects at every scrape. */
import { type ExpositionFormat, encode, negotiate } from "@pharos/exposition";
import { createHttpServer, type Logger, Registry, registerProcessMetrics, requestParams } from "@pharos/kit";
import { collect } from "./collect.ts";
import { COLLECTORS } from "./collectors.ts";
import { type CollectionOptions, nodeExporterOptions } from "./flags.ts";

export interface NodeExporterOptions extends Partial<CollectionOptions> {
  host: string;
  port: number;
  log: Logger;
}

export interface NodeExporter extends AsyncDisposable {
  readonly url: string;
  close(): Promise<void>;
}

/** As upstream's exporter: no OpenMetrics, whose rules about names not all of the metrics keep. */
const FORMATS: readonly ExpositionFormat[] = ["protobuf", "text"];

const PAGE = `<!doctype html><html lang="en"><head><title>Node Exporter</title></head><body><h1>Node Exporter</h1><p><a href="PATH">Metrics</a></p></body></html>`;

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

/** Listens; throws when the address is taken. */
export async function createNodeExporter({ host, port, log, ...options }: NodeExporterOptions): Promise<NodeExporter> {
  const registry = new Registry();
  registerProcessMetrics(registry);
  const collection: CollectionOptions = { ...nodeExporterOptions(), ...options };
  const server = createHttpServer({ host, port, log });
  let running = 0;
  server.app.get(collection.telemetryPath, async (request, reply) => {
    const chosen = chooseCollectors(requestParams(request), collection.enabled);
    if (typeof chosen === "string") return reply.code(400).type("text/plain; charset=utf-8").send(`${chosen}\n`);
    if (collection.maxRequests > 0 && running >= collection.maxRequests) {
      return reply
        .code(503)
        .type("text/plain; charset=utf-8")
        .send(`Limit of concurrent requests reached (${collection.maxRequests}), try again later.\n`);
    }
    running++;
    try {
      const { format, escaping, contentType } = negotiate(request.headers.accept, FORMATS);
      const own = collection.exporterMetrics ? registry.families() : [];
      const families = [...(await collect(collection, chosen, log)), ...own];
      return await reply.type(contentType).send(Buffer.from(encode(families, format, escaping)));
    } finally {
      running--;
    }
  });
  if (collection.telemetryPath !== "/") {
    const page = PAGE.replace("PATH", collection.telemetryPath);
    server.app.get("/", async (_request, reply) => reply.type("text/html; charset=utf-8").send(page));
  }
  await server.listen();
  return { url: server.url, close: () => server.close(), [Symbol.asyncDispose]: () => server.close() };
}
