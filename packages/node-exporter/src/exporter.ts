/** The exporter: an HTTP server that collects at every scrape. */
import { encode, negotiate } from "@pharos/exposition";
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

const PAGE = `<!doctype html><html lang="en"><head><title>Node Exporter</title></head><body><h1>Node Exporter</h1><p><a href="/metrics">Metrics</a></p></body></html>`;

export async function createNodeExporter({ host, port, log, ...options }: NodeExporterOptions): Promise<NodeExporter> {
  const registry = new Registry();
  registerProcessMetrics(registry);
  const collection: CollectionOptions = { ...nodeExporterOptions(), ...options };
  const server = createHttpServer({ host, port, log });
  server.app.get(collection.telemetryPath, async (request, reply) => {
    const params = requestParams(request);
    const wanted = params.getAll("collect[]");
    const excluded = params.getAll("exclude[]");
    const unknown = [...wanted, ...excluded].find((name) => !COLLECTORS.some((collector) => collector.name === name));
    if (unknown !== undefined)
      return reply
        .code(400)
        .type("text/plain")
        .send(`Couldn't create filtered metrics handler: missing collector: ${unknown}\n`);
    if (wanted.length > 0 && excluded.length > 0) {
      return reply.code(400).type("text/plain").send("Combined collect and exclude queries are not allowed.\n");
    }
    let only: Set<string> | undefined;
    if (wanted.length > 0) only = new Set(wanted);
    else if (excluded.length > 0)
      only = new Set(COLLECTORS.map(({ name }) => name).filter((name) => !excluded.includes(name)));
    const { format, contentType } = negotiate(request.headers.accept);
    const families = [...(await collect(collection, only, log)), ...registry.families()];
    return reply.type(contentType).send(Buffer.from(encode(families, format)));
  });
  server.app.get("/", async (_request, reply) => reply.type("text/html; charset=utf-8").send(PAGE));
  await server.listen();
  return { url: server.url, close: () => server.close(), [Symbol.asyncDispose]: () => server.close() };
}
