/** For tests: an API that answers what was recorded, and what a section finds at it. */
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { parseYaml, Registry, silentLogger } from "@pharos/kit";
import type { TargetLabels } from "@pharos/model";
import { Discovery } from "./discovery.ts";
import type { SdConfig } from "./mechanism.ts";
import { parseSdConfigs } from "./registry.ts";

export interface Asked {
  method: string;
  /** Without query. */
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface Answer {
  status?: number;
  headers?: Record<string, string>;
  body: string;
}

export interface TestServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` or, with a socket, the socket's path. */
  url: string;
  asked: Asked[];
}

/** Answers each request by `answer`: a text or an Answer as it is, anything else as JSON, undefined as 404. */
export async function testServer(
  answer: (asked: Asked) => unknown | Promise<unknown>,
  socketPath?: string,
): Promise<TestServer> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const url = new URL(request.url ?? "", "http://test");
    const entry: Asked = {
      method: request.method ?? "",
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body: Buffer.concat(chunks).toString("utf8"),
    };
    asked.push(entry);
    const given = await answer(entry);
    response.setHeader("content-type", "application/json");
    if (given === undefined) response.writeHead(404).end();
    else if (typeof given === "string") response.end(given);
    else if (isAnswer(given)) response.writeHead(given.status ?? 200, given.headers).end(given.body);
    else response.end(JSON.stringify(given));
  });
  await new Promise<void>((resolve) => {
    if (socketPath === undefined) server.listen(0, "127.0.0.1", resolve);
    else server.listen(socketPath, resolve);
  });
  const url = socketPath ?? `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function isAnswer(value: unknown): value is Answer {
  return typeof value === "object" && value !== null && "body" in value && typeof value.body === "string";
}

/** Sections of a YAML text; fixed addresses of clouds replaced by `patch`. */
export function sectionsOf(yaml: string, patch: Readonly<Record<string, unknown>> = {}): SdConfig[] {
  return parseSdConfigs(parseYaml(yaml, "/etc/prometheus.yml").map()).map((section) => ({
    ...section,
    config: { ...(section.config as object), ...patch },
  }));
}

export interface Watched extends AsyncDisposable {
  /** What was handed over last, group labels merged in, sorted by address; undefined before. */
  targets(): TargetLabels[] | undefined;
  /** Why there is nothing. */
  reason(): string;
  registry: Registry;
}

/** Runs sections until it is disposed. */
export function watch(sdConfigs: readonly SdConfig[]): Watched {
  let last: TargetLabels[] | undefined;
  const registry = new Registry();
  const discovery = new Discovery({
    log: silentLogger,
    registry,
    throttleMs: 1,
    onUpdate: (_job, groups) => {
      last = groups
        .flatMap(({ labels, targets }) => targets.map((target): TargetLabels => ({ ...labels, ...target })))
        .sort((a, b) => (String(a.__address__) < String(b.__address__) ? -1 : 1));
    },
  });
  discovery.apply([{ job: "job", sdConfigs }]);
  return {
    targets: () => last,
    reason: () => discovery.reasonFor("job"),
    registry,
    [Symbol.asyncDispose]: () => discovery.stop(),
  };
}

/** What a section finds the first time; throws its reason when it finds out nothing. */
export async function findOnce(yaml: string, patch: Readonly<Record<string, unknown>> = {}): Promise<TargetLabels[]> {
  await using watched = watch(sectionsOf(yaml, patch));
  for (let waited = 0; waited < 3000; waited += 5) {
    const targets = watched.targets();
    if (targets) return targets;
    if (watched.reason() !== "") throw new Error(watched.reason());
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error("nothing was found out");
}

/** Waits until the check passes; long, for machines with more to do. Throws what it threw last. */
export async function eventually(check: () => void | Promise<void>, timeoutMs = 10_000): Promise<void> {
  for (const started = performance.now(); ; ) {
    try {
      await check();
      return;
    } catch (error) {
      if (performance.now() - started > timeoutMs) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Value of a metric without labels, or with these. */
export function metricValue(registry: Registry, name: string, labels: readonly string[] = []): number | undefined {
  for (const family of registry.families()) {
    if (family.name !== name) continue;
    for (const metric of family.metrics) {
      if (JSON.stringify(metric.labels) !== JSON.stringify(labels)) continue;
      return "value" in metric ? metric.value : "count" in metric ? metric.count : undefined;
    }
  }
  return undefined;
}
