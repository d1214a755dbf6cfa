import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { parseYaml, Registry, silentLogger } from "@pharos/kit";
import type { TargetGroup } from "@pharos/model";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseGlobalScrapeConfig, parseScrapeConfig, type ScrapeConfig } from "./config.ts";
import { type ActiveTarget, ScrapeManager } from "./manager.ts";
import { MemoryStorage } from "./memory-storage.ts";

let dir: string;
let server: Server;
let address: string;
let storage: MemoryStorage;
let manager: ScrapeManager;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let requests: IncomingMessage[];

const text = (body: string) => (_request: IncomingMessage, response: ServerResponse) =>
  response.setHeader("content-type", "text/plain; version=0.0.4").end(body);

async function listen(target: Server, at: number | string): Promise<void> {
  await new Promise<void>((resolve) => {
    if (typeof at === "number") target.listen(at, "127.0.0.1", resolve);
    else target.listen(at, resolve);
  });
}

function configOf(yaml: string): ScrapeConfig {
  const global = parseGlobalScrapeConfig(parseYaml("{scrape_interval: 100ms}").map());
  return parseScrapeConfig(parseYaml(`{job_name: j, ${yaml}}`), global, () => []);
}

const group = (...targets: Record<string, string>[]): TargetGroup[] => [
  { source: "g", labels: { env: "test" }, targets },
];

async function until<T>(read: () => T | undefined | false): Promise<T> {
  for (let i = 0; i < 400; i++) {
    const value = read();
    if (value) return value;
    await sleep(10);
  }
  throw new Error("it did not happen within 4 s");
}

/** The only active target once it has been scraped and `ready` says so. */
const scraped = (ready: (target: ActiveTarget) => boolean = () => true): Promise<ActiveTarget> =>
  until(() => manager.targets().active.find((target) => target.health !== "unknown" && ready(target)));

const series = (name: string): string => `{__name__="${name}", env="test", instance="${address}", job="j"}`;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "pharos-scrape-"));
  requests = [];
  server = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  await listen(server, 0);
  const bound = server.address();
  address = `127.0.0.1:${typeof bound === "object" && bound ? bound.port : 0}`;
  storage = new MemoryStorage();
  manager = new ScrapeManager({ appendable: storage, log: silentLogger, registry: new Registry() });
});
afterEach(async () => {
  await manager.stop();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(dir, { recursive: true });
});

describe("a target that answers", () => {
  test("its samples and the report go in, its state is known", async () => {
    answer = text("a 1\nb 2\n");
    manager.apply([configOf("params: {x: ['1', '2']}, metrics_path: /m?")]);
    manager.updateTargets("j", group({ __address__: address, __meta_x: "y" }));
    const target = await scraped();
    expect(target).toMatchObject({
      health: "up",
      lastError: "",
      scrapePool: "j",
      scrapeUrl: `http://${address}/m%3F?x=1&x=2`,
      scrapeInterval: "100ms",
      scrapeTimeout: "100ms",
      lastSamples: 2,
    });
    expect(target.labels.toObject()).toEqual({ env: "test", instance: address, job: "j" });
    expect(target.discoveredLabels.get("__meta_x")).toBe("y");
    expect(storage.values(series("a"))[0]).toBe(1);
    expect(storage.values(series("up"))[0]).toBe(1);
    expect(storage.values(series("scrape_samples_scraped"))[0]).toBe(2);
    expect(storage.values(series("scrape_series_added"))[0]).toBe(2);
    expect(storage.find(series("up"))?.metadata).toMatchObject({ type: "gauge" });
    await until(() => storage.samples(series("a")).length > 2);
    const times = storage.samples(series("a")).map(({ t }) => t);
    // On the grid of the interval, give or take a late timer.
    expect(times.filter((t, i) => i > 0 && (t - times[0]) % 100 === 0).length).toBeGreaterThan(0);
    expect(requests[0].headers).toMatchObject({
      accept:
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
      "accept-encoding": "gzip",
      "x-prometheus-scrape-timeout-seconds": "0.1",
      "user-agent": "Prometheus/3.14.0",
    });
  });

  test("compressed, as OpenMetrics, over a socket of its own", async () => {
    answer = (_request, response) =>
      response
        .writeHead(200, { "content-type": "application/openmetrics-text; version=1.0.0", "content-encoding": "gzip" })
        .end(gzipSync("a 1\n# EOF\n"));
    const socket = join(dir, "s.sock");
    const local = createServer((request, response) => answer(request, response));
    await listen(local, socket);
    manager.apply([configOf("")]);
    manager.updateTargets("j", group({ __address__: "localhost", __unix_socket__: socket }));
    expect(await scraped()).toMatchObject({ health: "up", lastSamples: 1 });
    local.closeAllConnections();
    await new Promise((resolve) => local.close(resolve));
  });

  test("an empty answer is up, whatever its type", async () => {
    answer = (_request, response) => response.end();
    manager.apply([configOf("")]);
    manager.updateTargets("j", group({ __address__: address }));
    expect(await scraped()).toMatchObject({ health: "up", lastSamples: 0 });
  });

  test("extra series when the job wants them", async () => {
    answer = text("a 1\n");
    manager.apply([configOf("extra_scrape_metrics: true, sample_limit: 7")]);
    manager.updateTargets("j", group({ __address__: address }));
    await scraped();
    expect(storage.values(series("scrape_body_size_bytes"))[0]).toBe(4);
    expect(storage.values(series("scrape_sample_limit"))[0]).toBe(7);
    expect(storage.values(series("scrape_timeout_seconds"))[0]).toBe(0.1);
  });
});

describe("a target that fails says why", () => {
  test.each<[string, string, typeof answer, RegExp]>([
    ["status", "", (_q, r) => r.writeHead(503).end("no"), /^server returned HTTP status 503 Service Unavailable$/],
    [
      "content type",
      "",
      (_q, r) => r.setHeader("content-type", "text/html").end("<p>"),
      /received unsupported Content-Type "text\/html"/,
    ],
    ["no content type", "", (_q, r) => r.end("a 1\n"), /blank Content-Type/],
    ["size", "body_size_limit: 4B", text("a 11\n"), /^body size limit exceeded$/],
    ["time", "scrape_timeout: 50ms", () => {}, /^Get "http:\/\/.*": context deadline exceeded$/],
    ["syntax", "", text("a 1\nb{\n"), /^expected label name, got "\\n" \("INVALID"\) while parsing: "b\{\\n"$/],
    ["a connection cut", "", (_q, r) => r.destroy(), /^Get "http:\/\/.*": (EOF|read: connection reset by peer)$/],
  ])("%s", async (_name, yaml, respond, message) => {
    answer = respond;
    manager.apply([configOf(yaml)]);
    manager.updateTargets("j", group({ __address__: address }));
    const target = await scraped();
    expect(target.health).toBe("down");
    expect(target.lastError).toMatch(message);
    expect(storage.values(series("up"))[0]).toBe(0);
    expect(storage.find(series("a"))?.samples ?? []).toEqual([]);
  });

  test("nobody there, an address that is none, a scheme that is none", async () => {
    manager.apply([configOf("")]);
    const cases: [Record<string, string>, RegExp][] = [
      [
        { __address__: "127.0.0.1:1" },
        /^Get "http:\/\/127.0.0.1:1\/metrics": dial tcp 127.0.0.1:1: connect: connection refused$/,
      ],
      [{ __address__: "a b" }, /invalid URL/],
      [{ __address__: address, __scheme__: "ftp" }, /unsupported protocol scheme/],
    ];
    for (const [labels, message] of cases) {
      manager.updateTargets("j", group(labels));
      expect(
        (await scraped(({ scrapeUrl }) => scrapeUrl.includes(labels.__scheme__ ?? labels.__address__))).lastError,
      ).toMatch(message);
    }
  });

  test("the fallback protocol reads what has no type; failures go to the log file", async () => {
    answer = (_request, response) => response.end(requests.length > 1 ? "{" : "a 1\n");
    const file = join(dir, "logs", "failures.log");
    manager.apply([configOf(`fallback_scrape_protocol: PrometheusText0.0.4, scrape_failure_log_file: ${file}`)]);
    manager.updateTargets("j", group({ __address__: address }));
    await scraped(({ health }) => health === "up");
    answer = (_request, response) => response.writeHead(500).end();
    await scraped(({ health }) => health === "down");
    const entries = await until(() => {
      const lines = readFileSync(file, "utf8").trim().split("\n").filter(Boolean);
      return lines.length > 0 && lines.map((line) => JSON.parse(line) as Record<string, string>);
    });
    expect(entries.at(-1)).toMatchObject({
      level: "ERROR",
      msg: "server returned HTTP status 500 Internal Server Error",
      job_name: "j",
      target: `http://${address}/metrics`,
    });
  });
});

describe("targets come and go", () => {
  test("a target that vanishes ends its series two intervals later; one that came back does not", async () => {
    answer = text("a 1\n");
    manager.apply([configOf("")]);
    manager.updateTargets("j", group({ __address__: address }));
    await scraped();
    manager.updateTargets("j", []);
    expect(manager.targets().active).toEqual([]);
    await until(() => storage.values(series("a")).at(-1) === "stale");
    expect(storage.values(series("up")).at(-1)).toBe("stale");
    manager.updateTargets("j", group({ __address__: address }));
    await until(() => storage.values(series("a")).at(-1) === 1);
  });

  test("shutting down writes no markers", async () => {
    answer = text("a 1\n");
    manager.apply([configOf("")]);
    manager.updateTargets("j", group({ __address__: address }));
    await scraped();
    await manager.stop();
    const before = storage.commits;
    await sleep(350);
    expect(storage.commits).toBe(before);
    expect(storage.values(series("a"))).not.toContain("stale");
  });

  test("groups may come before their job", async () => {
    answer = text("a 1\n");
    manager.updateTargets("j", group({ __address__: address }));
    manager.apply([configOf("")]);
    await scraped();
  });

  test("what relabelling drops is shown, as far as the job keeps it", () => {
    manager.apply([
      configOf(
        "keep_dropped_targets: 1, relabel_configs: [{source_labels: [__address__], regex: 'd.*', action: drop}]",
      ),
    ]);
    manager.updateTargets("j", group({ __address__: "d1:1" }, { __address__: "d2:1" }, { __address__: "" }));
    const { active, dropped, droppedCounts } = manager.targets();
    expect(active).toEqual([]);
    expect(dropped.map(({ discoveredLabels }) => discoveredLabels.get("__address__"))).toEqual(["d1:1"]);
    expect(droppedCounts).toEqual({ j: 2 });
  });

  test("over target_limit all of the job fail, and recover", async () => {
    answer = text("a 1\n");
    manager.apply([configOf("target_limit: 1")]);
    manager.updateTargets("j", group({ __address__: address }, { __address__: address, instance: "two" }));
    expect((await scraped()).lastError).toBe("target_limit exceeded (number of targets: 2, limit: 1)");
    manager.updateTargets("j", group({ __address__: address }));
    await scraped(({ health }) => health === "up");
  });

  test("a reload that changes only timing keeps the series; one that changes labels starts afresh", async () => {
    answer = text("a 1\n");
    manager.apply([configOf("")]);
    manager.updateTargets("j", group({ __address__: address }));
    await scraped();
    manager.apply([configOf("scrape_interval: 150ms")]);
    expect(manager.targets().active[0]).toMatchObject({ health: "up", scrapeInterval: "150ms" });
    await until(() => storage.samples(series("a")).length > 3);
    expect(storage.values(series("scrape_series_added")).slice(0, 4)).toEqual([1, 0, 0, 0]);
    manager.apply([configOf("scrape_interval: 150ms, metric_relabel_configs: [{target_label: new, replacement: x}]")]);
    const renamed = `{__name__="a", env="test", instance="${address}", job="j", new="x"}`;
    await until(() => storage.samples(renamed).length > 0);
    await until(() => storage.values(series("a")).at(-1) === "stale");
    manager.apply([]);
    expect(manager.targets().active).toEqual([]);
  });
});

test("jobs that cannot be used are left out and do not hurt the others", async () => {
  answer = text("a 1\n");
  const broken = configOf("tls_config: {ca_file: /does/not/exist}");
  manager.apply([{ ...broken, jobName: "broken" }, configOf("")]);
  manager.updateTargets("j", group({ __address__: address }));
  await scraped();
  expect(manager.pools()).toEqual(["j"]);
});

test("a storage that cannot write is named by its own reason, and scraping goes on when it can again", async () => {
  answer = text("m 1\n");
  let full = true;
  const refusing = {
    appender: () => {
      const appender = storage.appender();
      let ended = false;
      const end = () => {
        if (ended) throw new Error("the transaction has ended");
        ended = true;
      };
      return Object.assign(Object.create(appender), {
        commit: () => {
          end();
          if (full) throw new Error("ENOSPC: no space left on device, write");
          appender.commit();
        },
        rollback: () => {
          end();
          appender.rollback();
        },
      });
    },
  };
  await manager.stop();
  manager = new ScrapeManager({ appendable: refusing, log: silentLogger, registry: new Registry() });
  manager.apply([configOf("")]);
  manager.updateTargets("j", group({ __address__: address }));
  const failed = await scraped(({ health }) => health === "down");
  expect(failed.lastError).toBe("ENOSPC: no space left on device, write");
  full = false;
  await scraped(({ health, lastError }) => health === "up" && lastError === "");
});
