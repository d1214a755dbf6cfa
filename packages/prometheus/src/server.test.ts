import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@pharos/kit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readFeatures } from "./features.ts";
import type { PrometheusOptions } from "./options.ts";
import { createPrometheus, type PrometheusServer } from "./server.ts";

let folder: string;
let configFile: string;
let server: PrometheusServer | undefined;
let target: Server | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pharos-prometheus-"));
  configFile = join(folder, "prometheus.yml");
  writeFileSync(configFile, "global: {scrape_interval: 1s}\n");
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  target?.closeAllConnections();
  target?.close();
  target = undefined;
  rmSync(folder, { recursive: true, force: true });
});

async function start(options: Partial<PrometheusOptions> = {}): Promise<PrometheusServer> {
  server = await createPrometheus({
    configFile,
    storagePath: join(folder, "data"),
    listen: { host: "127.0.0.1", port: 0 },
    retention: { timeMs: 0, bytes: 0 },
    enableLifecycle: true,
    enableAdminApi: false,
    log: silentLogger,
    version: "3.14.0",
    ...options,
  });
  return server;
}

/** An answer, whose fields are looked at one by one. */
interface Json {
  [key: string]: Json;
}

async function json(path: string, init?: RequestInit): Promise<Json> {
  return (await (await fetch(`${server!.url}${path}`, init)).json()) as Json;
}

test("a reload takes all of a configuration or nothing, and people are told when it failed", async () => {
  await start();
  await expect.poll(async () => (await json("/api/v1/notifications")).data).toEqual([]);
  writeFileSync(configFile, "scrape_configs: [{job_name: a}]\nnope: 1\n");
  const refused = await fetch(`${server!.url}/-/reload`, { method: "POST" });
  expect(refused.status).toBe(500);
  expect(await refused.text()).toContain("field nope not found in type config.plain");
  expect((await json("/api/v1/notifications")).data).toMatchObject([{ text: "Configuration reload has failed." }]);
  expect((await json("/api/v1/scrape_pools")).data).toEqual({ scrapePools: [] });
  expect((await json("/api/v1/status/runtimeinfo")).data.reloadConfigSuccess).toBe(false);
  expect((await json("/api/v1/status/config")).data.yaml).not.toContain("nope");
  // A bad rule file is no better than a bad configuration.
  writeFileSync(join(folder, "r.yml"), "groups: [{name: g, rules: [{record: a, expr: 'up{'}]}]");
  writeFileSync(configFile, "rule_files: [r.yml]\nscrape_configs: [{job_name: a}]\n");
  await expect(server!.reload()).rejects.toThrow("could not parse expression");
  expect((await json("/api/v1/scrape_pools")).data).toEqual({ scrapePools: [] });
  writeFileSync(join(folder, "r.yml"), "groups: [{name: g, rules: [{record: a, expr: 'up'}]}]");
  expect((await fetch(`${server!.url}/-/reload`, { method: "PUT" })).status).toBe(200);
  expect((await json("/api/v1/scrape_pools")).data).toEqual({ scrapePools: ["a"] });
  expect((await json("/api/v1/notifications")).data).toEqual([]);
});

test("a bad file at the start is an error, and nothing stays open", async () => {
  writeFileSync(configFile, "global: {scrape_interval: soon}\n");
  await expect(start()).rejects.toThrow("not a valid duration string");
  writeFileSync(configFile, "");
  await start();
});

test("the configuration is shown without its secrets, as a whole and by job", async () => {
  writeFileSync(
    configFile,
    "scrape_configs:\n- {job_name: a, basic_auth: {username: u, password: hidden}}\n- {job_name: b, metrics_path: /x}\n",
  );
  await start();
  const { yaml } = (await json("/api/v1/status/config")).data;
  expect(yaml).toContain("<secret>");
  expect(yaml).not.toContain("hidden");
  const job = (await json("/api/v1/scrape_pools/config?scrapePool=a")).data.yaml;
  expect(job).toContain("job_name: a");
  expect(job).not.toContain("hidden");
  expect(await json("/api/v1/scrape_pools/config?scrapePool=c")).toMatchObject({ errorType: "bad_data" });
});

test("relabelling is shown rule by rule until one drops the target", async () => {
  writeFileSync(
    configFile,
    "scrape_configs: [{job_name: a, relabel_configs: [{target_label: x, replacement: y}, {source_labels: [zone], regex: eu, action: keep}, {target_label: z}]}]",
  );
  await start();
  const steps = async (labels: object) => {
    const query = new URLSearchParams({ scrapePool: "a", labels: JSON.stringify(labels) });
    return (await json(`/api/v1/targets/relabel_steps?${query}`)).data.steps;
  };
  expect(await steps({ zone: "us" })).toMatchObject([
    { rule: { target_label: "x", replacement: "y", action: "replace" }, output: { x: "y", zone: "us" }, keep: true },
    { rule: { source_labels: ["zone"], regex: "eu", action: "keep" }, output: {}, keep: false },
    { output: {}, keep: false },
  ]);
  expect(await steps({ zone: "eu" })).toMatchObject([{ keep: true }, { keep: true }, { keep: true }]);
  const bad = await json("/api/v1/targets/relabel_steps?scrapePool=a&labels=[1]");
  expect(bad.error).toContain("error parsing labels");
});

test("everything is below a prefix, and other origins are answered only when they may be", async () => {
  await start({ externalUrl: "https://example.org/prom", corsOrigin: "https?://good[.]example" });
  expect((await fetch(`${server!.url}/-/healthy`)).status).toBe(404);
  expect(await (await fetch(`${server!.url}/prom/-/healthy`)).text()).toBe("Prometheus Server is Healthy.\n");
  const root = await fetch(`${server!.url}/`, { redirect: "manual" });
  expect([root.status, root.headers.get("location")]).toEqual([302, "/prom"]);
  const origin = async (from: string): Promise<string | null> =>
    (await fetch(`${server!.url}/prom/api/v1/targets`, { headers: { origin: from } })).headers.get(
      "access-control-allow-origin",
    );
  expect(await origin("https://good.example")).toBe("https://good.example");
  expect(await origin("https://bad.example")).toBeNull();
});

test("what a path has no method for is 405, and says what it has", async () => {
  await start();
  const answer = await fetch(`${server!.url}/api/v1/query`, { method: "DELETE" });
  expect(answer.status).toBe(405);
  expect(answer.headers.get("allow")).toBe("GET, HEAD, OPTIONS, POST");
  expect((await fetch(`${server!.url}/api/v1/nothing`)).status).toBe(404);
});

test("a web configuration asks for a user", async () => {
  const web = join(folder, "web.yml");
  // The password is "test".
  const hash = "$2y$04$.Vy/cN1p0Kb0JjrPgcpLEutGNxrvNyJHJuuKLpoH0Dr2FQHgBDAhm";
  writeFileSync(web, `basic_auth_users: {user: ${hash}}\nhttp_server_config: {headers: {X-Frame-Options: deny}}\n`);
  await start({ webConfigFile: web });
  const answer = await fetch(`${server!.url}/-/healthy`);
  expect([answer.status, answer.headers.get("x-frame-options")]).toEqual([401, "deny"]);
});

test("console pages are filled in; nothing outside their folders is shown", async () => {
  mkdirSync(join(folder, "consoles"));
  mkdirSync(join(folder, "lib"));
  mkdirSync(join(folder, "assets"));
  writeFileSync(join(folder, "secret.html"), "secret");
  writeFileSync(join(folder, "assets", "a.css"), "p {}");
  writeFileSync(join(folder, "lib", "x.lib"), '{{ define "head" }}<h1>{{ . }}</h1>{{ end }}');
  writeFileSync(
    join(folder, "consoles", "a.html"),
    '{{ template "head" $path }}{{ $params.q }}{{ query "vector(3)" | first | value }}',
  );
  await start({
    consoles: { templates: join(folder, "consoles"), libraries: join(folder, "lib") },
    userAssets: join(folder, "assets"),
  });
  const page = async (path: string): Promise<[number, string]> => {
    const answer = await fetch(`${server!.url}${path}`);
    return [answer.status, await answer.text()];
  };
  expect(await page("/consoles/a.html?q=<b>")).toEqual([200, "<h1>a.html</h1>&lt;b&gt;3"]);
  expect((await page("/consoles/b.html"))[0]).toBe(404);
  expect((await page("/consoles/..%2fsecret.html"))[0]).toBe(404);
  expect(await page("/user/a.css")).toEqual([200, "p {}"]);
  expect((await page("/user/..%2fsecret.html"))[0]).toBe(404);
});

test("notifications are streamed to as many as there are places", async () => {
  await start({ maxNotificationSubscribers: 1 });
  await expect.poll(async () => (await json("/api/v1/notifications")).data).toEqual([]);
  const abort = new AbortController();
  const live = await fetch(`${server!.url}/api/v1/notifications/live`, { signal: abort.signal });
  expect(live.headers.get("content-type")).toBe("text/event-stream");
  expect((await fetch(`${server!.url}/api/v1/notifications/live`)).status).toBe(204);
  writeFileSync(configFile, "nope: 1");
  await server!.reload().catch(() => {});
  const { value } = await live.body!.getReader().read();
  expect(Buffer.from(value!).toString()).toMatch(/^data: \{"text":"Configuration reload has failed\."/);
  abort.abort();
});

test("a changed file is loaded by itself when that is asked for", async () => {
  await start({ autoReloadMs: 50 });
  writeFileSync(configFile, "scrape_configs: [{job_name: fresh}]");
  await expect
    .poll(async () => (await json("/api/v1/scrape_pools")).data.scrapePools, { timeout: 5000 })
    .toEqual(["fresh"]);
});

test("features tell what is on", async () => {
  await start({ features: readFeatures(["promql-experimental-functions,concurrent-rule-eval"], silentLogger) });
  const { data } = await json("/api/v1/features");
  expect(data.promql_functions).toMatchObject({ rate: true, mad_over_time: true });
  expect(data.rules.concurrent_rule_eval).toBe(true);
  expect(data.promql.smoothed).toBe(false);
  expect((await json("/api/v1/query?query=sort_by_label(up,'a')")).status).toBe("success");
});

test("targets, their metadata and self metrics", async () => {
  target = createServer((_request, response) =>
    response
      .setHeader("content-type", "text/plain; version=0.0.4")
      .end("# HELP a_total What a is.\n# TYPE a_total counter\na_total 1\n"),
  );
  await new Promise<void>((resolve) => target!.listen(0, "127.0.0.1", resolve));
  const { port } = target.address() as AddressInfo;
  writeFileSync(
    configFile,
    `global: {scrape_interval: 100ms, scrape_timeout: 100ms}\nscrape_configs: [{job_name: a, static_configs: [{targets: ['127.0.0.1:${port}', 'gone:1']}], relabel_configs: [{source_labels: [__address__], regex: 'gone.*', action: drop}]}]`,
  );
  await start({ externalUrl: "http://monitoring.example" });
  await expect
    .poll(async () => (await json("/api/v1/targets")).data.activeTargets[0]?.health, { timeout: 5000 })
    .toBe("up");
  const { activeTargets, droppedTargets, droppedTargetCounts } = (await json("/api/v1/targets")).data;
  expect(activeTargets[0].globalUrl).toBe(`http://monitoring.example:${port}/metrics`);
  expect(droppedTargets).toMatchObject([{ scrapePool: "a" }]);
  expect(droppedTargetCounts).toEqual({ a: 1 });
  expect((await json("/api/v1/targets?state=dropped")).data.activeTargets).toEqual([]);
  expect((await json("/api/v1/metadata")).data).toEqual({
    a_total: [{ type: "counter", unit: "", help: "What a is." }],
  });
  expect((await json("/api/v1/targets/metadata?metric=nope")).data).toEqual([]);
  const self = (await json("/api/v1/status/self_metrics?metric_name_pattern=prometheus_ready")).data;
  expect(self).toMatchObject([{ name: "prometheus_ready", type: "GAUGE", metric: [{ gauge: { value: 1 } }] }]);
});

test("search: names that fit, in batches, best first when asked for; off unless it is switched on", async () => {
  writeFileSync(configFile, "rule_files: [r.yml]\nglobal: {evaluation_interval: 100ms}\n");
  const rules = ["http_requests", "http_errors", "up_and_down"].map((name) => `{record: ${name}, expr: vector(1)}`);
  writeFileSync(join(folder, "r.yml"), `groups: [{name: g, rules: [${rules}]}]`);
  await start({ features: readFeatures(["search-api"], silentLogger), searchMaxLimit: 50 });
  const lines = async (path: string): Promise<unknown[]> => {
    const text = await (await fetch(`${server!.url}/api/v1/search/${path}`)).text();
    return text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown);
  };
  const done = (more: boolean) => ({ status: "success", has_more: more });
  await expect
    .poll(async () => lines("metric_names?search[]=http&sort_by=alpha&sort_dir=dsc"), { timeout: 5000 })
    .toEqual([{ results: [{ name: "http_requests" }, { name: "http_errors" }] }, done(false)]);
  expect(await lines("metric_names?search[]=errors&include_score=true&fuzz_alg=jarowinkler")).toEqual([
    { results: [{ name: "http_errors", score: expect.closeTo(0.1, 9) }] },
    done(false),
  ]);
  expect(await lines("metric_names?limit=2&batch_size=1")).toEqual([
    { results: [{ name: "http_errors" }] },
    { results: [{ name: "http_requests" }] },
    done(true),
  ]);
  expect(await lines("label_names?search[]=nothing")).toEqual([{ results: [] }, done(false)]);
  expect(await lines("label_values?label=__name__&search[]=updown")).toMatchObject([
    { results: [{ value: "up_and_down" }] },
    done(false),
  ]);
  for (const [path, message] of [
    ["label_values", 'missing required parameter "label"'],
    ["label_names?sort_dir=asc", "sort_dir is only valid when sort_by is set"],
    ["label_names?limit=51", "limit 51 exceeds the configured maximum (50, see --web.search.max-limit)"],
    ["label_names?fuzz_threshold=101", 'invalid fuzz_threshold "101": must be 0-100'],
    ["label_names?fuzz_alg=x", 'unsupported fuzz_alg "x": must be one of [subsequence jarowinkler]'],
    ["label_names?start=2&end=1", "end timestamp must not be before start timestamp"],
  ]) {
    expect(await json(`/api/v1/search/${path}`)).toEqual({ status: "error", errorType: "bad_data", error: message });
  }
  await server!.close();
  await start();
  expect(await json("/api/v1/search/label_names")).toMatchObject({ errorType: "unavailable" });
});
