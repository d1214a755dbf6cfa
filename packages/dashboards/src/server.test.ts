import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Registry, silentLogger } from "@pharos/kit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDashboardsServer, type DashboardsServer } from "./server.ts";
import { DashboardStore } from "./store.ts";

let dir: string;
let backend: Server;
let server: DashboardsServer;
let store: DashboardStore;
const seen: string[] = [];
let lastHeaders: IncomingHttpHeaders = {};

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "pharos-ui-"));
  mkdirSync(join(dir, "ui"));
  mkdirSync(join(dir, "provisioned"));
  writeFileSync(join(dir, "ui", "index.html"), "<!doctype html><title>Pharos</title>");
  writeFileSync(join(dir, "ui", "app.js"), "1");
  writeFileSync(
    join(dir, "provisioned", "a.json"),
    JSON.stringify({ uid: "a", title: "A board", tags: ["x"], panels: [], unknownPart: { kept: true } }),
  );
  backend = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", () => {
      seen.push(`${request.method} ${request.url} ${body}`);
      lastHeaders = request.headers;
      response.setHeader("Content-Type", "application/json");
      response.setHeader("Set-Cookie", "session=theirs");
      response.statusCode = request.url?.includes("fail") ? 503 : 200;
      response.end('{"ok":true}');
    });
  });
  await new Promise<void>((resolve) => backend.listen(0, "127.0.0.1", resolve));
  store = new DashboardStore({ dir: join(dir, "saved"), provisioned: [join(dir, "provisioned")], log: silentLogger });
  server = await createDashboardsServer({
    host: "127.0.0.1",
    port: 0,
    uiDir: join(dir, "ui"),
    datasources: [
      {
        uid: "prometheus",
        name: "Prometheus",
        type: "prometheus",
        url: `http://127.0.0.1:${(backend.address() as AddressInfo).port}`,
      },
      // Port 1 is never listened on.
      { uid: "gone", name: "Gone", type: "alertmanager", url: "http://127.0.0.1:1" },
    ],
    dashboards: store,
    flow: () => ({ generatedAt: 1, nodes: [], edges: [], problems: [] }),
    resourcesUrl: "http://127.0.0.1:1",
    registry: new Registry(),
    log: silentLogger,
  });
});
afterAll(async () => {
  await server.close();
  backend.close();
  rmSync(dir, { recursive: true });
});

describe("pages", () => {
  test("every page is the application, files are files, and nothing may be loaded from elsewhere", async () => {
    for (const path of ["/", "/targets", "/d/a/a-board"]) {
      const answer = await fetch(server.url + path);
      expect([answer.status, await answer.text()]).toEqual([200, "<!doctype html><title>Pharos</title>"]);
      expect(answer.headers.get("content-security-policy")).toContain("default-src 'self'");
    }
    expect(await (await fetch(`${server.url}/app.js`)).text()).toBe("1");
    expect((await fetch(`${server.url}/missing.js`)).status).toBe(404);
    expect((await fetch(`${server.url}/api/nothing`)).status).toBe(404);
  });

  test("resources lead to the Kubernetes API", async () => {
    const answer = await fetch(`${server.url}/resources`, { redirect: "manual" });
    expect([answer.status, answer.headers.get("location")]).toEqual([302, "http://127.0.0.1:1"]);
  });

  test("another site can neither read through a name of its own nor change anything", async () => {
    const { request } = await import("undici");
    const { statusCode } = await request(`${server.url}/`, { headers: { host: "evil.example" } });
    expect(statusCode).toBe(403);
    const answer = await fetch(`${server.url}/api/dashboards/db`, {
      method: "POST",
      headers: { origin: "http://evil.example", "content-type": "application/json" },
      body: "{}",
    });
    expect(answer.status).toBe(403);
    const hidden = await request(`${server.url}/api/dashboards/db`, { method: "POST", headers: { origin: "null" } });
    expect(hidden.statusCode).toBe(403);
  });
});

describe("data source proxy", () => {
  test("passes GET, form and JSON on, with the query, and answers as the source did", async () => {
    const base = `${server.url}/api/datasources/proxy/uid/prometheus/api/v1`;
    expect(await (await fetch(`${base}/query?query=up%7Ba%3D%22b%22%7D`)).json()).toEqual({ ok: true });
    await fetch(`${base}/query_range`, { method: "POST", body: new URLSearchParams({ query: "up" }) });
    await fetch(`${server.url}/api/datasources/proxy/1/api/v2/silences`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"a":1}',
    });
    expect(seen.slice(-3)).toEqual([
      "GET /api/v1/query?query=up%7Ba%3D%22b%22%7D ",
      "POST /api/v1/query_range query=up",
      'POST /api/v2/silences {"a":1}',
    ]);
    expect((await fetch(`${base}/fail`)).status).toBe(503);
  });

  test("leads only to configured sources and stays below them", async () => {
    expect((await fetch(`${server.url}/api/datasources/proxy/uid/other/x`)).status).toBe(404);
    expect((await fetch(`${server.url}/api/datasources/proxy/uid/prometheus/%2e%2e%2fsecret`)).status).toBe(400);
    expect((await fetch(`${server.url}/api/datasources/proxy/uid/prometheus/a%5c..%5cb`)).status).toBe(400);
    expect((await fetch(`${server.url}/api/datasources/proxy/uid/prometheus/%ff`)).status).toBe(400);
  });

  test("paths keep their encoding, any body goes through, and our secrets stay here", async () => {
    const base = `${server.url}/api/datasources/proxy/uid/prometheus`;
    const answer = await fetch(`${base}/api/v1/label/a%2Fb%25/values?match%5B%5D=up`, {
      method: "POST",
      headers: { "content-type": "application/x-protobuf", authorization: "Basic x", cookie: "a=b", "x-kept": "yes" },
      body: "raw bytes",
    });
    expect(seen.at(-1)).toBe("POST /api/v1/label/a%2Fb%25/values?match%5B%5D=up raw bytes");
    expect([lastHeaders.authorization, lastHeaders.cookie, lastHeaders["x-kept"]]).toEqual([
      undefined,
      undefined,
      "yes",
    ]);
    expect(answer.headers.get("set-cookie")).toBeNull();
    expect(answer.headers.get("content-security-policy")).toContain("sandbox");
  });

  test("a source that is gone is named", async () => {
    const answer = await fetch(`${server.url}/api/datasources/proxy/uid/gone/api/v1/query`);
    expect([answer.status, ((await answer.json()) as { message: string }).message]).toEqual([
      502,
      "Gone does not answer: ECONNREFUSED",
    ]);
  });
});

describe("dashboards", () => {
  test("provisioned ones are found and come back unchanged", async () => {
    const list = (await (await fetch(`${server.url}/api/search?query=board`)).json()) as { uid: string; url: string }[];
    expect(list.map(({ uid, url }) => [uid, url])).toEqual([["a", "/d/a/a-board"]]);
    const { dashboard, meta } = (await (await fetch(`${server.url}/api/dashboards/uid/a`)).json()) as {
      dashboard: object;
      meta: object;
    };
    expect(dashboard).toMatchObject({ unknownPart: { kept: true } });
    expect(meta).toMatchObject({ provisioned: true });
  });

  test("bad ones are named with the reason, the others of the source are taken", () => {
    store.set("ConfigMap x/y", [
      { name: "bad.json", json: "{" },
      { name: "none.json", json: "[]" },
      { name: "ok.json", json: '{"title":"From a map"}' },
    ]);
    expect(store.problems().map(({ object, message }) => `${object}: ${message}`)).toEqual([
      expect.stringContaining("ConfigMap x/y: bad.json is not JSON"),
      "ConfigMap x/y: none.json is not a dashboard",
    ]);
    expect(store.get("from-a-map")?.source).toBe("ConfigMap x/y");
    store.set("ConfigMap x/y", []);
    expect([store.problems(), store.get("from-a-map")]).toEqual([[], undefined]);
  });

  test("a saved one wins over the provisioned one, counts versions and survives", async () => {
    const save = async (body: object) =>
      fetch(`${server.url}/api/dashboards/db`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
    expect(await (await save({ dashboard: { uid: "a", title: "A changed" } })).json()).toMatchObject({
      status: "success",
      version: 1,
    });
    const conflict = await save({ dashboard: { uid: "a", title: "A of an old page" } });
    expect([conflict.status, await conflict.json()]).toEqual([
      412,
      expect.objectContaining({ status: "version-mismatch" }),
    ]);
    expect(await (await save({ dashboard: { uid: "a", title: "A changed again", version: 1 } })).json()).toMatchObject({
      version: 2,
    });
    expect(
      await (await save({ dashboard: { uid: "a", title: "A changed again" }, overwrite: true })).json(),
    ).toMatchObject({ version: 3 });
    expect((await save({ dashboard: { uid: "../x", title: "Bad" } })).status).toBe(400);
    const again = new DashboardStore({
      dir: join(dir, "saved"),
      provisioned: [join(dir, "provisioned")],
      log: silentLogger,
    });
    expect(again.get("a")?.title).toBe("A changed again");
  });

  test("deleting a saved one brings the provisioned one back, which itself cannot be deleted", async () => {
    const remove = () => fetch(`${server.url}/api/dashboards/uid/a`, { method: "DELETE" });
    expect((await remove()).status).toBe(200);
    expect(store.get("a")?.title).toBe("A board");
    expect((await remove()).status).toBe(400);
    expect((await fetch(`${server.url}/api/dashboards/uid/none`, { method: "DELETE" })).status).toBe(404);
  });

  test("search filters and pages", async () => {
    for (const title of ["One", "Two", "Three"]) store.save({ uid: title, title, tags: ["n"] });
    const find = async (query: string) =>
      ((await (await fetch(`${server.url}/api/search?${query}`)).json()) as { uid: string }[]).map(({ uid }) => uid);
    expect(await find("tag=n")).toEqual(["One", "Three", "Two"]);
    expect(await find("tag=n&limit=2&page=2")).toEqual(["Two"]);
    expect(await find("dashboardUIDs=One&dashboardUIDs=Two")).toEqual(["One", "Two"]);
    expect(await find("type=dash-folder")).toEqual([]);
  });
});
