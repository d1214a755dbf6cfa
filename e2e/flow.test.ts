/**
 * The whole monitoring flow on real input, as a new user would try it: apply the sample application, watch it become a
 * target, an alert, a notification; silence it; kill everything and find it again; look at it in a browser; delete it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Flow } from "@pharos/model";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchBrowser, results } from "./browser.ts";
import { type Cluster, connect } from "./kubectl.ts";
import { eventually, root, World } from "./world.ts";

interface Notification {
  status: string;
  receiver: string;
  groupLabels: Record<string, string>;
  alerts: { status: string; labels: Record<string, string>; annotations: Record<string, string> }[];
}

interface Target {
  scrapePool: string;
  health: string;
  labels: Record<string, string>;
}

const APP = join(root, "examples/sample-app");

let world: World;
let cluster: Cluster;
let app: ChildProcess;
let appUrl: string;
let receiver: Server;
let files: string;
const notifications: Notification[] = [];

/** The example's resources, with the ports of this run. */
function prepareResources(appPort: number, receiverPort: number): string {
  const dir = mkdtempSync(join(tmpdir(), "pharos-e2e-resources-"));
  cpSync(join(APP, "resources"), dir, { recursive: true });
  const edit = (name: string, from: RegExp, to: string): void => {
    const path = join(dir, name);
    writeFileSync(path, readFileSync(path, "utf8").replace(from, to));
  };
  edit("service.yaml", /port: 8081/g, `port: ${appPort}`);
  edit("receiver.yaml", /127\.0\.0\.1:8082/, `127.0.0.1:${receiverPort}`);
  // The tutorial's intervals are for people; a test need not wait for them.
  edit("service-monitor.yaml", /interval: 10s/, "interval: 1s");
  edit("prometheus-rule.yaml", /interval: 10s/, "interval: 1s");
  edit("prometheus-rule.yaml", /for: 10s/, "for: 4s");
  edit("receiver.yaml", /groupWait: 5s/, "groupWait: 1s");
  edit("receiver.yaml", /groupInterval: 10s/, "groupInterval: 2s");
  return dir;
}

async function setTemperature(value: number): Promise<void> {
  await fetch(`${appUrl}/temperature?value=${value}`, { method: "POST" });
}

async function sampleTargets(): Promise<Target[]> {
  const { data } = await world.json<{ data: { activeTargets: Target[] } }>("prometheus", "/api/v1/targets");
  return data.activeTargets.filter(({ scrapePool }) => scrapePool.includes("testing-monitoring/metrics"));
}

async function alertState(): Promise<string> {
  const { data } = await world.json<{ data: { groups: { rules: { name: string; state: string }[] }[] } }>(
    "prometheus",
    "/api/v1/rules?type=alert",
  );
  return data.groups.flatMap(({ rules }) => rules).find(({ name }) => name === "CPUTempHigh")?.state ?? "absent";
}

function received(status: string): Notification | undefined {
  return notifications.find((notification) => notification.status === status);
}

beforeAll(async () => {
  app = spawn(process.execPath, [join(APP, "app.mjs"), "0"], { stdio: ["ignore", "pipe", "inherit"] });
  appUrl = await new Promise((resolve) => {
    app.stdout!.on("data", (chunk) => resolve(/http:\/\/[\d.:]+/.exec(String(chunk))![0]));
  });
  receiver = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", () => {
      notifications.push(JSON.parse(body) as Notification);
      response.end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  files = prepareResources(Number(new URL(appUrl).port), (receiver.address() as AddressInfo).port);
  await setTemperature(65);
  world = await World.create();
  await world.start();
  cluster = connect(world.urls.api);
  console.log(`end-to-end: resources are applied with ${cluster.kind}`);
});

afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  app?.kill();
  receiver?.close();
  if (files) rmSync(files, { recursive: true, force: true });
});

const OWN_JOBS = ["prometheus", "alertmanager", "node-exporter", "kube-state-metrics", "pharos"];

describe("out of the box", () => {
  test("every component is a target and up, nothing but Watchdog fires, no problem but the missing channel", async () => {
    const jobs = await eventually(
      "own targets up",
      async () => {
        const up = await world.query("up == 1");
        const names = new Set(up.map(({ metric }) => metric.job));
        // Only a machine with GPUs has an exporter for them.
        names.delete("gpu-exporter");
        return OWN_JOBS.every((job) => names.has(job)) ? names : undefined;
      },
      40_000,
    );
    expect(jobs.size).toBe(OWN_JOBS.length);
    await eventually(
      "objects as metrics, under their own namespaces",
      async () => {
        const namespaces = await world.query("kube_namespace_created");
        expect(namespaces.map(({ metric }) => metric.namespace)).toContain("default");
        return true;
      },
      40_000,
    );
    const cpu = await world.query('sum(node_cpu_seconds_total{mode="idle"})');
    expect(Number(cpu[0].value[1])).toBeGreaterThan(0);
    await eventually(
      "Watchdog in Alertmanager",
      async () => {
        const alerts = await world.json<{ labels: Record<string, string> }[]>("alertmanager", "/api/v2/alerts");
        expect(alerts.map(({ labels }) => labels.alertname)).toEqual(["Watchdog"]);
        return true;
      },
      40_000,
    );
    const flow = await world.json<Flow>("ui", "/api/pharos/flow");
    expect(flow.problems.map(({ code }) => code)).toEqual(["explain.no-channel"]);
    expect(flow.nodes.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining([
        "resources",
        "operator",
        "prometheus",
        "rules",
        "alertmanager",
        "exporter",
        "dashboards",
      ]),
    );
  });

  test("every rule out of the box evaluates without error", async () => {
    await eventually(
      "all rules evaluated",
      async () => {
        const { data } = await world.json<{
          data: { groups: { rules: { name: string; health: string; lastError?: string }[] }[] };
        }>("prometheus", "/api/v1/rules");
        const rules = data.groups.flatMap(({ rules: list }) => list);
        expect(rules.length).toBeGreaterThan(20);
        expect(
          rules.filter(({ health }) => health === "err").map(({ name, lastError }) => `${name}: ${lastError}`),
        ).toEqual([]);
        return rules.every(({ health }) => health === "ok") ? true : undefined;
      },
      40_000,
    );
  });
});

describe("the sample application", () => {
  test("applied resources become a target within an interval, and its metric is there", async () => {
    for (const name of ["namespace", "service", "service-monitor", "prometheus-rule", "receiver", "dashboard"]) {
      await cluster.apply(join(files, `${name}.yaml`), name === "receiver");
    }
    const target = await eventually(
      "sample target up",
      async () => (await sampleTargets()).find(({ health }) => health === "up"),
      10_000,
    );
    expect(target.labels).toMatchObject({
      job: "sample-metrics-8081",
      namespace: "testing-monitoring",
      service: "sample-metrics-8081",
      k8s_app: "metrics",
      endpoint: "web",
    });
    const [sample] = await eventually("metric", async () => {
      const found = await world.query("cpu_temperature_celsius");
      return found.length > 0 ? found : undefined;
    });
    expect(sample.value[1]).toBe("65");
    expect(sample.metric.k8s_app).toBe("metrics");
  });

  test("a file edited by hand has the same effect as kubectl", async () => {
    const resources = join(world.dir, "resources", "by-hand.yaml");
    writeFileSync(
      resources,
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: by-hand, namespace: default}\ndata: {a: one}\n",
    );
    const read = async () =>
      (await world.json<{ data: Record<string, string> }>("api", "/api/v1/namespaces/default/configmaps/by-hand")).data
        .a;
    await eventually("created by file", async () => ((await read()) === "one" ? true : undefined), 10_000);
    writeFileSync(resources, readFileSync(resources, "utf8").replace("one", "two"));
    await eventually("changed by file", async () => ((await read()) === "two" ? true : undefined), 10_000);
    rmSync(resources);
    await eventually(
      "deleted by file",
      async () =>
        read().then(
          () => undefined,
          () => true as const,
        ),
      10_000,
    );
  });

  test("the alert goes inactive → pending → firing, and the receiver gets one grouped notification", async () => {
    await eventually("rule loaded", async () => ((await alertState()) === "inactive" ? true : undefined), 10_000);
    const seen: string[] = [];
    await setTemperature(80);
    await eventually("firing", async () => {
      const state = await alertState();
      if (seen.at(-1) !== state) seen.push(state);
      return state === "firing" ? true : undefined;
    });
    expect(seen.filter((state) => state !== "inactive")).toEqual(["pending", "firing"]);
    await eventually("notification", async () => received("firing"));
    await sleep(3000);
    expect(notifications).toHaveLength(1);
    const [notification] = notifications;
    expect(notification.groupLabels).toEqual({ alertname: "CPUTempHigh", namespace: "testing-monitoring" });
    expect(notification.alerts).toHaveLength(1);
    expect(notification.alerts[0].annotations.description).toContain("now 80");
    expect(notification.alerts[0].labels).toMatchObject({ severity: "critical", job: "sample-metrics-8081" });
  });

  test("when the cause is gone, the resolved notification follows", async () => {
    await setTemperature(65);
    const resolved = await eventually("resolved notification", async () => received("resolved"));
    expect(resolved.alerts[0].labels.alertname).toBe("CPUTempHigh");
  });

  test("a silence suppresses the next one, and says so", async () => {
    const before = notifications.length;
    const now = Date.now();
    await world.json("alertmanager", "/api/v2/silences", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        matchers: [{ name: "alertname", value: "CPUTempHigh", isRegex: false, isEqual: true }],
        startsAt: new Date(now).toISOString(),
        endsAt: new Date(now + 3600_000).toISOString(),
        createdBy: "e2e",
        comment: "known heat",
      }),
    });
    await setTemperature(82);
    await eventually("suppressed alert", async () => {
      const alerts = await world.json<
        { labels: Record<string, string>; status: { state: string; silencedBy: string[] } }[]
      >("alertmanager", "/api/v2/alerts");
      const alert = alerts.find(({ labels }) => labels.alertname === "CPUTempHigh");
      return alert?.status.state === "suppressed" && alert.status.silencedBy.length === 1 ? true : undefined;
    });
    await sleep(4000);
    expect(notifications.slice(before).filter(({ status }) => status === "firing")).toEqual([]);
  });
});

describe("bad input", () => {
  test("an invalid rule is refused at apply time with its reason, and what runs goes on", async () => {
    const bad = join(files, "bad.yaml");
    const text = readFileSync(join(files, "prometheus-rule.yaml"), "utf8");
    writeFileSync(bad, text.replace("name: cpu.temp.rules", "name: bad-rules").replace(/expr: .*/, "expr: sum(("));
    await expect(cluster.apply(bad)).rejects.toThrow(/parse error/);
    expect(await alertState()).not.toBe("absent");
  });

  test("an unknown field is refused by name", async () => {
    const bad = join(files, "bad.yaml");
    writeFileSync(bad, readFileSync(join(files, "service-monitor.yaml"), "utf8").replace("selector:", "selectorr:"));
    await expect(cluster.apply(bad)).rejects.toThrow(/selectorr/);
  });

  test("a broken file is named on the flow page with its line, and the last good object stays", async () => {
    const path = join(world.dir, "resources", "broken.yaml");
    writeFileSync(path, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x\n");
    const problem = await eventually(
      "problem on the flow",
      async () => {
        const { problems } = await world.json<Flow>("ui", "/api/pharos/flow");
        return problems.find(({ object }) => object.includes("broken.yaml"));
      },
      10_000,
    );
    expect(problem.object).toMatch(/broken\.yaml:\d+/);
    rmSync(path);
    await eventually(
      "problem gone",
      async () => {
        const { problems } = await world.json<Flow>("ui", "/api/pharos/flow");
        return problems.some(({ object }) => object.includes("broken.yaml")) ? undefined : true;
      },
      10_000,
    );
  });

  test("a monitor that refers to a missing Secret is left out and named; the others go on", async () => {
    const path = join(files, "bad.yaml");
    const text = readFileSync(join(files, "service-monitor.yaml"), "utf8").replace(
      "name: metrics",
      "name: needs-secret",
    );
    writeFileSync(
      path,
      text.replace("- port: web", "- port: web\n      basicAuth:\n        username: {name: absent, key: user}"),
    );
    await cluster.apply(path);
    const problem = await eventually(
      "problem on the flow",
      async () => {
        const { problems } = await world.json<Flow>("ui", "/api/pharos/flow");
        return problems.find(({ object }) => object === "ServiceMonitor testing-monitoring/needs-secret");
      },
      10_000,
    );
    expect(problem.message).toContain("Secret testing-monitoring/absent does not exist");
    // The status is written after the flow knows.
    const { status } = await eventually("status of the monitor", async () => {
      const monitor = await world.json<{
        status?: { bindings: { conditions: { status: string; message: string }[] }[] };
      }>("api", "/apis/monitoring.coreos.com/v1/namespaces/testing-monitoring/servicemonitors/needs-secret");
      return monitor.status && { status: monitor.status };
    });
    expect(status.bindings[0].conditions[0]).toMatchObject({
      status: "False",
      message: expect.stringContaining("absent"),
    });
    expect((await sampleTargets()).filter(({ health }) => health === "up")).toHaveLength(1);
    await cluster.delete(path);
  });
});

describe("kill -9", () => {
  test("nothing acknowledged is lost: samples, silences, resources, alert state", async () => {
    const count = async (at: number) => {
      const path = `/api/v1/query?query=${encodeURIComponent("count_over_time(cpu_temperature_celsius[10m])")}&time=${at / 1000}`;
      const { data } = await world.json<{ data: { result: { value: [number, string] }[] } }>("prometheus", path);
      return Number(data.result[0]?.value[1] ?? 0);
    };
    await sleep(1500);
    const at = Date.now() - 500;
    const before = await count(at);
    expect(before).toBeGreaterThan(5);
    await world.kill();
    await world.start();
    expect(await count(at)).toBe(before);
    const silences = await world.json<{ comment: string; status: { state: string } }[]>(
      "alertmanager",
      "/api/v2/silences",
    );
    expect(silences.map(({ comment, status }) => [comment, status.state])).toEqual([["known heat", "active"]]);
    await eventually(
      "target up again",
      async () => ((await sampleTargets()).some(({ health }) => health === "up") ? true : undefined),
      15_000,
    );
    await eventually("firing again", async () => ((await alertState()) === "firing" ? true : undefined), 30_000);
  });
});

describe("in a browser", () => {
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    browser = await launchBrowser();
    page = await browser.newPage({ viewport: { width: 1600, height: 1000 } });
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
  });
  afterAll(() => browser?.close());

  const open = async (path: string, expected: RegExp, shot: string): Promise<void> => {
    await page.goto(world.urls.ui + path);
    await page.getByText(expected).first().waitFor({ timeout: 20_000 });
    await page.waitForTimeout(500);
    await page.screenshot({ path: join(results, `${shot}.png`) });
  };

  test("the flow page shows every box, the sample application and its channel", async () => {
    await open("/", /sample-metrics-8081/, "flow");
    for (const text of ["Operator", "Prometheus main", "Alertmanager main", "node-exporter", "Dashboards"]) {
      expect(await page.getByText(text).count(), text).toBeGreaterThan(0);
    }
  });

  test("targets, alerts, graph and dashboard pages show live data", async () => {
    await open("/targets", /sample-metrics-8081/, "targets");
    await open("/alerts", /CPUTempHigh/, "alerts");
    await open(
      `/explore?g0.expr=${encodeURIComponent("cpu_temperature_celsius")}&g0.tab=0`,
      /cpu_temperature_celsius/,
      "explore",
    );
    expect(await page.locator("canvas").count()).toBeGreaterThan(0);
    await open("/dashboards", /Sample application/, "dashboards");
    await open("/d/pharos-node/node", /CPU/i, "dashboard-node");
    expect(await page.locator("canvas").count()).toBeGreaterThan(0);
    await open("/d/sample-app/sample-application", /CPU temperature/, "dashboard-sample");
  });

  test("no page complained", () => {
    expect(complaints).toEqual([]);
  });
});

describe("the end", () => {
  test("deleting the resources removes the target and the rule", async () => {
    for (const name of ["prometheus-rule", "service-monitor", "service"])
      await cluster.delete(join(files, `${name}.yaml`));
    await eventually("target gone", async () => ((await sampleTargets()).length === 0 ? true : undefined), 10_000);
    await eventually("rule gone", async () => ((await alertState()) === "absent" ? true : undefined), 10_000);
  });

  test("Ctrl-C ends everything cleanly", async () => {
    expect(await world.stop()).toBe(0);
  });
});
