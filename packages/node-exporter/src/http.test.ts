/** The exporter as a scraper and a person meet it. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { parseFamilies } from "@pharos/exposition";
import { silentLogger } from "@pharos/kit/log";
import { UserError } from "@pharos/model";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createNodeExporter, type NodeExporter } from "./exporter.ts";
import { nodeExporterOptions } from "./flags.ts";

let dir: string;
let exporter: NodeExporter | undefined;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "pharos-node-http-"));
  mkdirSync(join(dir, "proc"));
  writeFileSync(join(dir, "proc/loadavg"), "0.5 1.25 2 1/100 7\n");
});
afterEach(async () => {
  await exporter?.close();
  exporter = undefined;
  rmSync(dir, { recursive: true });
});

async function start(values: Record<string, unknown> = {}): Promise<string> {
  const options = await nodeExporterOptions({
    "path.procfs": join(dir, "proc"),
    "path.sysfs": join(dir, "sys"),
    "collector.disable-defaults": true,
    "collector.loadavg": true,
    "web.listen-address": ["127.0.0.1:0"],
    ...values,
  });
  exporter = await createNodeExporter({ ...options, log: silentLogger });
  return exporter.url;
}

/** Without the conveniences of fetch: as it comes over the wire. */
function raw(url: string, headers: Record<string, string> = {}): Promise<{ encoding?: string; body: Buffer }> {
  return new Promise((resolve, reject) => {
    request(url, { headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        resolve({ encoding: response.headers["content-encoding"], body: Buffer.concat(chunks) });
      });
    })
      .on("error", reject)
      .end();
  });
}

test("gzip for those who take it", async () => {
  const url = `${await start()}/metrics`;
  const plain = await raw(url);
  expect(plain.encoding).toBeUndefined();
  expect(plain.body.toString()).toContain("node_load1 0.5");
  const packed = await raw(url, { "accept-encoding": "deflate, gzip;q=0.8" });
  expect(packed.encoding).toBe("gzip");
  expect(gunzipSync(packed.body).toString()).toContain("node_load1 0.5");
  expect((await raw(url, { "accept-encoding": "gzip;q=0" })).encoding).toBeUndefined();
});

test("what is scraped is valid; the program tells of itself unless it is not wanted", async () => {
  const url = await start();
  const text = await (await fetch(`${url}/metrics`)).text();
  const names = parseFamilies(Buffer.from(text), "text").map(({ name }) => name);
  expect(names).toEqual([...names].sort());
  for (const name of [
    "node_exporter_build_info",
    "process_cpu_seconds_total",
    "promhttp_metric_handler_requests_total",
  ])
    expect(names).toContain(name);
  expect(text).toContain("promhttp_metric_handler_requests_in_flight 1");
  await exporter?.close();
  const bare = await (await fetch(`${await start({ "web.disable-exporter-metrics": true })}/metrics`)).text();
  expect(bare).toContain("node_exporter_build_info");
  expect(bare).not.toMatch(/^(process|promhttp|nodejs)_/m);
});

test("a page at the root, another place for the metrics, and nothing elsewhere", async () => {
  const url = await start({ "web.telemetry-path": "/probe" });
  const page = await fetch(`${url}/`);
  expect(page.headers.get("content-type")).toContain("text/html");
  expect(await page.text()).toContain('href="/probe"');
  expect((await fetch(`${url}/metrics`)).status).toBe(404);
  expect(await (await fetch(`${url}/probe`)).text()).toContain("node_load1");
});

test("metrics at the root leave no room for a page", async () => {
  expect(await (await fetch(await start({ "web.telemetry-path": "/" }))).text()).toContain("node_load1");
});

test("more scrapes at once than allowed are refused", async () => {
  const url = await start({ "web.max-requests": 1, "collector.netdev": true });
  const answers = await Promise.all(Array.from({ length: 8 }, () => fetch(`${url}/metrics`)));
  const statuses = answers.map(({ status }) => status);
  expect(statuses).toContain(200);
  expect(statuses.filter((status) => status === 503).length).toBe(statuses.filter((status) => status !== 200).length);
  const text = await (await fetch(`${url}/metrics`)).text();
  const refused = statuses.filter((status) => status === 503).length;
  expect(text).toContain(`promhttp_metric_handler_requests_total{code="503"} ${refused}`);
});

test("a file that hangs delays its own collector only, and is not asked again", async () => {
  const folder = join(dir, "text");
  mkdirSync(folder);
  writeFileSync(join(folder, "a.prom"), "jobs 1\n");
  // Whoever opens it waits for somebody to write.
  execFileSync("mkfifo", [join(folder, "b.prom")]);
  const url = await start({ "collector.textfile": true, "collector.textfile.directory": [folder] });
  const scrape = async () => {
    const started = performance.now();
    const headers = { "x-prometheus-scrape-timeout-seconds": "0.8" };
    const text = await (await fetch(`${url}/metrics`, { headers })).text();
    return { text, took: performance.now() - started };
  };
  const first = await scrape();
  expect(first.text).toContain('node_scrape_collector_success{collector="textfile"} 0');
  expect(first.text).toContain('node_scrape_collector_success{collector="loadavg"} 1');
  expect(first.text).toContain("node_load1 0.5");
  expect(first.text).not.toContain("jobs");
  // The scraper's patience less what it takes to answer.
  expect(first.took).toBeGreaterThan(250);
  const second = await scrape();
  expect(second.text).toContain('node_scrape_collector_success{collector="textfile"} 0');
  expect(second.took).toBeLessThan(first.took);
  writeFileSync(join(folder, "b.prom"), "jobs 2\n");
  rmSync(join(folder, "b.prom"));
  await sleep(50);
  expect((await scrape()).text).toContain("jobs 1");
});

test("web configuration: users", async () => {
  writeFileSync(
    join(dir, "web.yml"),
    `basic_auth_users:\n  ada: $2b$04$UaAuFoB.iUE6H/j6AO8uxOPs/7aapz1.6CoUKwjyqtkeN3qmGM.WK\n`,
  );
  const url = await start({ "web.config.file": join(dir, "web.yml") });
  expect((await fetch(`${url}/metrics`)).status).toBe(401);
  const headers = { authorization: `Basic ${btoa("ada:lighthouse")}` };
  expect((await fetch(`${url}/metrics`, { headers })).status).toBe(200);
});

test("a wrong web configuration or address is told at the start", async () => {
  writeFileSync(join(dir, "web.yml"), "users: {}\n");
  await expect(start({ "web.config.file": join(dir, "web.yml") })).rejects.toThrow(UserError);
  await expect(start({ "web.listen-address": ["nonsense"] })).rejects.toThrow("not an address");
});

test("several addresses", async () => {
  await start({ "web.listen-address": ["127.0.0.1:0", "127.0.0.1:0"] });
  expect(exporter!.urls).toHaveLength(2);
  for (const url of exporter!.urls) expect((await fetch(`${url}/metrics`)).status).toBe(200);
});
