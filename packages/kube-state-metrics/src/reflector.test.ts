/** List and watch when connections break, versions expire and servers restart. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { silentLogger } from "@pharos/kit";
import { createKubeClient } from "@pharos/kube";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Reflector } from "./reflector.ts";

let stack: AsyncDisposableStack;
beforeEach(() => {
  stack = new AsyncDisposableStack();
});
afterEach(() => stack.disposeAsync());

type Answer = (url: URL, response: ServerResponse, count: number) => void;

const object = (name: string, version = "1") => ({ metadata: { name, uid: name, resourceVersion: version } });
const list = (version: string, ...names: string[]): string =>
  JSON.stringify({ metadata: { resourceVersion: version }, items: names.map((name) => object(name)) });
const event = (type: string, item: object): string => `${JSON.stringify({ type, object: item })}\n`;

async function follow(answer: Answer) {
  const requests: string[] = [];
  const seen: string[] = [];
  const counts: string[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url!, "http://x");
    const watch = url.searchParams.get("watch") === "true";
    requests.push(watch ? `watch ${url.searchParams.get("resourceVersion")}` : "list");
    response.setHeader("content-type", "application/json");
    answer(url, response, requests.length);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const client = createKubeClient({ server: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  const abort = new AbortController();
  stack.defer(async () => {
    abort.abort();
    await client.close();
    server.closeAllConnections();
    server.close();
  });
  const reflector = new Reflector<string>(
    {
      client,
      type: { group: "", version: "v1", plural: "things" },
      goType: "*v1.Thing",
      useApiServerCache: false,
      objectLimit: 0,
      take: ({ metadata: { name, resourceVersion } }) => {
        if (name === "bad") throw new Error("cannot be read");
        return name === "other-shard" ? undefined : resourceVersion;
      },
      sink: {
        replace: (values) => void seen.push(`all ${[...values.keys()].join()}`),
        set: (key, value) => void seen.push(`set ${key} ${value}`),
        delete: (key) => void seen.push(`delete ${key}`),
      },
      metrics: {
        list: (_type, result) => void counts.push(`list ${result}`),
        watch: (_type, result) => void counts.push(`watch ${result}`),
        listed: () => {},
      },
      log: silentLogger,
    },
    abort.signal,
  );
  return { reflector, requests, seen, counts };
}

const eventually = <T>(probe: () => T) => expect.poll(probe, { timeout: 15_000 });

test("a connection that breaks is continued from the last version, without listing again", async () => {
  const { requests, seen } = await follow((url, response, count) => {
    if (!url.searchParams.get("watch")) return response.end(list("5", "a"));
    if (count > 2) return response.flushHeaders();
    response.write(event("ADDED", object("b", "6")));
    response.write(event("BOOKMARK", { metadata: { resourceVersion: "9" } }));
    setTimeout(() => response.destroy(), 50);
  });
  await eventually(() => requests).toEqual(["list", "watch 5", "watch 9"]);
  expect(seen).toEqual(["all a", "set b 6"]);
});

test("a version that is too old means listing again, all at once", async () => {
  const { requests, seen, counts } = await follow((url, response, count) => {
    if (!url.searchParams.get("watch")) return response.end(count === 1 ? list("5", "a") : list("9", "b", "c"));
    if (count > 2) return response.flushHeaders();
    response.statusCode = 410;
    response.end(JSON.stringify({ reason: "Expired", message: "too old" }));
  });
  await eventually(() => requests).toEqual(["list", "watch 5", "list", "watch 9"]);
  expect(seen).toEqual(["all a", "all b,c"]);
  await eventually(() => counts).toEqual(["list success", "watch error", "list success", "watch success"]);
});

test("changes; what is of another shard, or becomes so, is not kept", async () => {
  const { seen } = await follow((url, response) => {
    if (!url.searchParams.get("watch")) return response.end(list("5", "a", "other-shard"));
    response.write(event("MODIFIED", object("a", "6")));
    response.write(event("MODIFIED", object("other-shard", "7")));
    response.write(event("DELETED", object("a", "8")));
  });
  await eventually(() => seen).toEqual(["all a", "set a 6", "delete other-shard", "delete a"]);
});

test("an object that cannot be used costs none of the others", async () => {
  const { seen } = await follow((url, response) => {
    if (!url.searchParams.get("watch")) return response.end(list("5", "a", "bad", "b"));
    response.write(event("MODIFIED", object("bad", "6")));
    response.write(event("ADDED", object("c", "7")));
  });
  await eventually(() => seen).toEqual(["all a,b", "delete bad", "set c 7"]);
});

test("asked to, it lists at once, though the watch is well", async () => {
  const { reflector, requests } = await follow((url, response) => {
    if (url.searchParams.get("watch")) response.flushHeaders();
    else response.end(list("5", "a"));
  });
  await reflector.synced;
  await eventually(() => requests).toEqual(["list", "watch 5"]);
  reflector.restart();
  await eventually(() => requests).toEqual(["list", "watch 5", "list", "watch 5"]);
});

test("a server that is away is asked again until it is there", async () => {
  const { reflector, seen, counts } = await follow((url, response, count) => {
    if (count < 3) {
      response.statusCode = 503;
      return response.end("not yet");
    }
    if (url.searchParams.get("watch")) response.flushHeaders();
    else response.end(list("5", "a"));
  });
  await reflector.synced;
  expect(seen).toEqual(["all a"]);
  expect(counts.slice(0, 3)).toEqual(["list error", "list error", "list success"]);
});
