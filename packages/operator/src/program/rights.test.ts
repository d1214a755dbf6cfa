import { parseFlags, silentLogger } from "@pharos/kit";
import type { KubeClient, ResourceType } from "@pharos/kube";
import { expect, test } from "vitest";
import { STATEFUL_SETS } from "../drivers/kubernetes/driver.ts";
import { NODES } from "../kubelet/sync.ts";
import { TestCluster } from "../testing/cluster.ts";
import { alertmanager, prometheus, prometheusRule, serviceMonitor } from "../testing/objects.ts";
import { operatorFlags } from "./flags.ts";
import { createOperatorProgram } from "./program.ts";
import { operatorRules } from "./rights.ts";

const ALL = { kubelet: true, webhooks: true, eviction: true };

/** Verbs the API server checks for each call of the client. */
const VERBS: Partial<Record<keyof KubeClient, readonly string[]>> = {
  get: ["get"],
  list: ["list"],
  watch: ["watch"],
  create: ["create"],
  replace: ["update"],
  patch: ["patch"],
  apply: ["create", "patch"],
  delete: ["delete"],
};

/** Everything that is asked of the API from now on, as `verb group/resource`. */
function recordCalls(client: KubeClient): Set<string> {
  const seen = new Set<string>();
  for (const [method, verbs] of Object.entries(VERBS) as [keyof KubeClient, readonly string[]][]) {
    const original = (client[method] as (...args: unknown[]) => unknown).bind(client);
    const value = (...args: unknown[]): unknown => {
      const { group, plural } = args[0] as ResourceType;
      const { subresource } = (args[1] ?? {}) as { subresource?: string };
      for (const verb of verbs) seen.add(`${verb} ${group}/${plural}${subresource ? `/${subresource}` : ""}`);
      return original(...args);
    };
    Object.defineProperty(client, method, { value });
  }
  return seen;
}

test("the rights suffice for everything the operator does", async () => {
  await using cluster = await TestCluster.start(["monitoring"]);
  const node = { apiVersion: "v1", kind: "Node", metadata: { name: "n" } };
  const everything = { serviceMonitorSelector: {}, ruleSelector: {} };
  await cluster.client.create(NODES, node);
  await cluster.apply(prometheus({ ...everything, shards: 2 }, { name: "main" }));
  await cluster.apply(alertmanager({}, { name: "main" }));
  await cluster.apply(prometheusRule({ groups: [{ name: "g", rules: [{ alert: "A", expr: "up" }] }] }));
  const absent = { username: { name: "absent", key: "k" } };
  await cluster.apply(serviceMonitor({ selector: {}, endpoints: [{ basicAuth: absent }] }));
  const seen = recordCalls(cluster.client);
  const flags = parseFlags(operatorFlags, [
    "--web.listen-address=127.0.0.1:0",
    "--kubelet-service=kube-system/kubelet",
    "--kubelet-endpointslice",
    "--web.webhook-service=monitoring/operator",
  ]).values;
  const options = { flags, client: cluster.client, log: silentLogger, version: "1" };
  await using program = await createOperatorProgram(options);
  expect(program.operator.report.instances).toHaveLength(2);
  await cluster.client.delete(
    { group: "monitoring.coreos.com", version: "v1", plural: "alertmanagers", namespaced: true },
    {
      namespace: "default",
      name: "main",
    },
  );
  await expect
    .poll(async () => (await cluster.client.list(STATEFUL_SETS, { namespace: "default" })).items.length)
    .toBe(2);
  const allowed = new Set(
    operatorRules(ALL).flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => verbs.map((verb) => `${verb} ${group}/${resource}`)),
      ),
    ),
  );
  // What this test itself asked for.
  seen.delete("delete monitoring.coreos.com/alertmanagers");
  expect([...seen].filter((call) => !allowed.has(call))).toEqual([]);
  expect(seen.size).toBeGreaterThan(30);
});

test("nothing is a wildcard, and what is not needed is not asked for", () => {
  expect(JSON.stringify(operatorRules(ALL))).not.toContain("*");
  const least = operatorRules({ kubelet: false, webhooks: false, eviction: false });
  const resources = least.flatMap((rule) => rule.resources);
  expect(resources).not.toContain("nodes");
  expect(resources).not.toContain("customresourcedefinitions");
});
