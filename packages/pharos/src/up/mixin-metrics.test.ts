/**
 * Every metric that a rule or a panel out of the box reads is recorded by a rule, exposed by a component of ours or listed as
 * somebody else's; and no monitor out of the box drops it.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAlertmanager } from "@pharos/alertmanager";
import { parseFlags, Registry, silentLogger } from "@pharos/kit";
import { createKubeClient, type KubeObject } from "@pharos/kube";
import { RESOURCES } from "@pharos/kube-state-metrics";
import {
  CONDITIONAL_METRICS,
  type Components,
  EXTERNAL_METRICS,
  MANAGED_CLUSTER,
  makeDashboards,
  makeRuleSets,
} from "@pharos/mixin";
import { AnchoredRegexp } from "@pharos/model";
import { createNodeExporter, nodeExporterFlags } from "@pharos/node-exporter";
import { Operator } from "@pharos/operator";
import { parseExpr, walk } from "@pharos/promql";
import { describe, expect, test } from "vitest";
import { installObjects } from "../install/objects.ts";
import { resolveValues } from "../install/values.ts";

const components = Object.fromEntries(
  Object.keys(MANAGED_CLUSTER).map((name) => [name, true]),
) as unknown as Components;
const rules = makeRuleSets({ components }).flatMap(({ groups }) => groups.flatMap((group) => group.rules));

interface Panel {
  targets?: { expr: string }[];
  panels?: Panel[];
}
interface Dashboard {
  panels: Panel[];
  templating: { list: { type: string; definition?: string }[] };
}

function expressions(): string[] {
  const ofPanels = makeDashboards({ components }).flatMap(({ json }) => {
    const { panels, templating } = json as unknown as Dashboard;
    const targets = panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]).flatMap(({ targets: own = [] }) => own);
    const selectors = templating.list.flatMap(
      ({ definition }) => /^label_values\((.*), \w+\)$/.exec(definition ?? "")?.[1] ?? [],
    );
    return [...targets.map(({ expr }) => expr), ...selectors];
  });
  return [...rules.map(({ expr }) => expr), ...ofPanels];
}

function metricsOf(expr: string): string[] {
  const names: string[] = [];
  const filled = expr.replaceAll("$__rate_interval", "5m").replaceAll("$__range", "1h").replace(/\$\w+/g, "x");
  walk(parseExpr(filled), (node) => {
    if (node.kind === "vectorSelector") names.push(node.name);
  });
  return names;
}

const recorded = new Set(rules.flatMap(({ record }) => record ?? []));
const external = new Set<string>(Object.values(EXTERNAL_METRICS).flat());
const needed = new Set(
  expressions()
    .flatMap(metricsOf)
    .filter((name) => !recorded.has(name)),
);
const ours = [...needed].filter((name) => !external.has(name) && CONDITIONAL_METRICS[name] === undefined);
const startingWith = (prefix: string): string[] => ours.filter((name) => name.startsWith(prefix));

/** Made by Prometheus itself of scrapes and alerts, and what every process of ours tells of itself. */
const EVERYWHERE = /^(up|ALERTS|scrape_\w+|process_\w+|go_goroutines)$/;
const OWNERS = /^(kube_|node_|prometheus_operator_|prometheus_|alertmanager_|nvidia_gpu_)/;

test("each is somebody's, and the list of others' has none that nobody reads", () => {
  expect(ours.filter((name) => !EVERYWHERE.test(name) && !OWNERS.test(name))).toEqual([]);
  expect([...external, ...Object.keys(CONDITIONAL_METRICS)].filter((name) => !needed.has(name))).toEqual([]);
});

test("kube-state-metrics has them without being asked", () => {
  const has = new Set(
    RESOURCES.filter(({ defaultOff }) => !defaultOff).flatMap(({ families }) =>
      (families as readonly { name: string; optIn?: true }[]).filter(({ optIn }) => !optIn).map(({ name }) => name),
    ),
  );
  const wanted = startingWith("kube_").filter((name) => !name.startsWith("kube_state_metrics_"));
  expect(wanted.length).toBeGreaterThan(40);
  expect(wanted.filter((name) => !has.has(name))).toEqual([]);
});

/** Names of the families in a text, and of the series of histograms. */
function namesIn(text: string): Set<string> {
  const names = new Set<string>();
  for (const [, name, type] of text.matchAll(/^# TYPE (\S+) (\S+)/gm)) {
    names.add(name);
    if (type === "histogram") for (const suffix of ["_bucket", "_sum", "_count"]) names.add(name + suffix);
  }
  return names;
}

test("the operator has them", () => {
  const registry = new Registry();
  const client = createKubeClient({ server: "http://127.0.0.1:9" });
  const driver = { apply: async () => [] } as unknown as ConstructorParameters<typeof Operator>[0]["driver"];
  new Operator({ client, driver, log: silentLogger, registry });
  const has = new Set(registry.families().map(({ name }) => name));
  // Of the part that publishes kubelets, and three that come with the first object.
  for (const name of ["node_address_lookup_errors", "syncs", "managed_resources", "triggered_total"])
    has.add(`prometheus_operator_${name}`);
  const wanted = startingWith("prometheus_operator_");
  expect(wanted.length).toBeGreaterThan(10);
  expect(wanted.filter((name) => !has.has(name))).toEqual([]);
});

test("Alertmanager has them", async () => {
  const dir = mkdtempSync(join(tmpdir(), "pharos-mixin-"));
  try {
    const configFile = join(dir, "alertmanager.yml");
    writeFileSync(
      configFile,
      "route: { receiver: a }\nreceivers: [{ name: a, webhook_configs: [{ url: 'http://127.0.0.1:9' }] }]\n",
    );
    await using server = await createAlertmanager({
      configFile,
      storageDir: dir,
      listen: { host: "127.0.0.1", port: 0 },
      log: silentLogger,
    } as Parameters<typeof createAlertmanager>[0]);
    const alerts = [{ labels: { alertname: "A" } }];
    await fetch(`${server.url}/api/v2/alerts`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(alerts),
    });
    const has = namesIn(await (await fetch(`${server.url}/metrics`)).text());
    // Of a cluster of several.
    for (const name of ["members", "failed_peers"]) has.add(`alertmanager_cluster_${name}`);
    expect(startingWith("alertmanager_").filter((name) => !has.has(name))).toEqual([]);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test.runIf(process.platform === "linux")("node exporter has them", async () => {
  const { values } = parseFlags(nodeExporterFlags, []);
  await using exporter = await createNodeExporter({
    flags: values,
    host: "127.0.0.1",
    port: 0,
    log: silentLogger,
  } as Parameters<typeof createNodeExporter>[0]);
  const has = namesIn(await (await fetch(`${exporter.url}/metrics`)).text());
  expect(startingWith("node_").filter((name) => !has.has(name))).toEqual([]);
});

describe("monitors out of the box drop none", () => {
  interface Relabeling {
    action?: string;
    sourceLabels?: string[];
    regex?: string;
  }
  interface Monitor extends KubeObject {
    spec: { endpoints: { path?: string; metricRelabelings?: Relabeling[] }[] };
  }
  const monitors = installObjects(resolveValues("default", [])).filter(
    ({ kind }) => kind === "ServiceMonitor",
  ) as Monitor[];

  /** Of the rules about a label other than the name: the values that rules and panels read. */
  const VALUES: Readonly<Record<string, readonly string[]>> = { le: ["1", "5", "30", "+Inf"], pod: ["web-1"] };

  test.each(monitors.map((monitor) => [monitor.metadata.name, monitor] as const))("%s", (_name, { spec }) => {
    for (const { path, metricRelabelings = [] } of spec.endpoints) {
      for (const { action, sourceLabels = [], regex = "(.*)" } of metricRelabelings) {
        if (action !== "drop" && action !== "keep") continue;
        const pattern = new AnchoredRegexp(regex);
        const others = sourceLabels.filter((label) => label !== "__name__");
        for (const name of needed) {
          const samples =
            others.length === 0 ? [name] : (VALUES[others[0]] ?? ["x"]).map((value) => `${name};${value}`);
          for (const sample of samples)
            expect(pattern.test(sample), `${path}: ${action} of ${sample}`).toBe(action === "keep");
        }
      }
    }
  });
});
