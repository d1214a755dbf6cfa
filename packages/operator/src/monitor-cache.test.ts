import { expect, test } from "vitest";
import { MonitorCache, type MonitorScope } from "./monitor-cache.ts";
import { prometheus, serviceMonitor } from "./testing/objects.ts";

const monitor = serviceMonitor({
  selector: {},
  endpoints: [{ port: "web", basicAuth: { username: { name: "login", key: "user" } } }],
});
const scope = { prometheus: prometheus({}), endpointSlices: true, apiServer: undefined };
const make = (secrets: Record<string, Record<string, string>>): MonitorScope => ({
  lookup: (kind, namespace, name) => secrets[`${kind}/${namespace}/${name}`],
  certificates: "/certs",
  version: "v3.5.0",
  reading: { reader: "upstream", header: "" },
});

test("an object is generated anew when it, what it refers to or its instance changes, and only then", () => {
  const cache = new MonitorCache();
  cache.begin("a");
  const secrets = { "Secret/default/login": { user: "me" } };
  const first = cache.generate(monitor, scope, make(secrets));
  expect(first.text).toContain("username: me");
  cache.begin("a");
  expect(cache.generate(monitor, scope, make(secrets))).toBe(first);
  expect(cache.generate({ ...monitor }, scope, make(secrets))).not.toBe(first);
  const changed = cache.generate(monitor, scope, make({ "Secret/default/login": { user: "you" } }));
  expect(changed.text).toContain("username: you");
  expect(cache.generate(monitor, scope, make({})).error?.message).toContain("Secret default/login does not exist");
  const again = cache.generate(monitor, scope, make(secrets));
  cache.begin("b");
  expect(cache.generate(monitor, scope, make(secrets))).not.toBe(again);
});

test("a job that the instance's global section rules out is that object's fault alone", () => {
  const slow = serviceMonitor({ selector: {}, endpoints: [{ port: "web", scrapeTimeout: "40s" }] });
  const cache = new MonitorCache();
  const reading = { reader: "upstream", header: "global:\n  scrape_interval: 30s\n" } as const;
  expect(cache.generate(slow, scope, { ...make({}), reading }).error?.message).toMatch(/scrape ?timeout/i);
});
