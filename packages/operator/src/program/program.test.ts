import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseFlags, silentLogger } from "@pharos/kit";
import type { KubeObject } from "@pharos/kube";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { STATEFUL_SETS } from "../drivers/kubernetes/driver.ts";
import { SECRETS } from "../kinds.ts";
import { NODES } from "../kubelet/sync.ts";
import { TestCluster } from "../testing/cluster.ts";
import { prometheus, prometheusRule } from "../testing/objects.ts";
import { CA, SERVER_CERT, SERVER_KEY } from "../testing/server-certificates.ts";
import { operatorFlags } from "./flags.ts";
import { createOperatorProgram } from "./program.ts";
import { operatorSettings } from "./settings.ts";

const flagsOf = (...argv: string[]) => parseFlags(operatorFlags, argv).values;
const settings = (...argv: string[]) => operatorSettings(flagsOf(...argv));

describe("flags", () => {
  test("say whom the operator looks after", () => {
    const { scope } = settings(
      "--namespaces=a,b",
      "--namespaces=c",
      "--prometheus-instance-namespaces=d",
      "--prometheus-instance-selector=team in (x, y)",
      "--controller-id=me",
    );
    expect(scope).toMatchObject({
      namespaces: ["a", "b", "c"],
      instanceNamespaces: { Prometheus: ["d"], PrometheusAgent: ["d"], Alertmanager: [] },
      controllerId: "me",
    });
    expect(scope.instanceSelectors?.PrometheusAgent?.({ team: "x" })).toBe(true);
    expect(scope.instanceSelectors?.Prometheus?.({ team: "z" })).toBe(false);
    expect(scope.instanceSelectors?.Alertmanager).toBeUndefined();
  });

  test("say what workloads look like", () => {
    const { workloads } = settings(
      "--prometheus-default-base-image=registry.example:5000/prometheus",
      "--config-reloader-cpu-limit=0",
      "--labels=a=b,c=d=e",
      "--repair-policy-for-statefulsets=evict",
      "--feature-gates=PrometheusTopologySharding=false",
      "--cluster-domain=cluster.local",
    );
    expect(workloads).toMatchObject({
      images: { prometheus: "registry.example:5000/prometheus" },
      reloader: { cpuLimit: "0", cpuRequest: "10m" },
      labels: { a: "b", c: "d=e" },
      repairPolicy: "evict",
      features: { topologySharding: false, retentionPolicies: true },
      clusterDomain: "cluster.local",
    });
  });

  test.each([
    ["--namespaces=a --deny-namespaces=b", "cannot be given together"],
    ["--feature-gates=Nothing=true", "there is no gate Nothing"],
    ["--feature-gates=PrometheusTopologySharding=maybe", "must be true or false"],
    ["--labels=a", "is not name=value"],
    ["--kubelet-service=kubelet", "is not namespace/name"],
    ["--kubelet-service=a/b --kubelet-endpoints=false", "in no form"],
    ["--thanos-ruler-instance-selector=a=(", "--thanos-ruler-instance-selector"],
    ["--web.listen-address=8080", "is not host:port"],
    ["--apiserver=https://x --ca-file=/not/there", "--ca-file"],
  ])("%s: %s", (argv, message) => {
    expect(() => settings(...argv.split(" "))).toThrow(message);
  });
});

describe("the program", () => {
  let cluster: TestCluster;
  beforeEach(async () => {
    cluster = await TestCluster.start();
  });
  afterEach(() => cluster[Symbol.asyncDispose]());

  const start = (...argv: string[]) =>
    createOperatorProgram({
      flags: flagsOf("--web.listen-address=127.0.0.1:0", ...argv),
      client: cluster.client,
      log: silentLogger,
      version: "1.2.3",
    });

  test("brings instances up, publishes kubelets, answers reviews and tells metrics", async () => {
    await cluster.apply(prometheus({ serviceMonitorSelector: {} }, { name: "main" }));
    await cluster.client.create(NODES, { apiVersion: "v1", kind: "Node", metadata: { name: "n" } });
    await using program = await start("--kubelet-service=kube-system/kubelet");
    await cluster.client.get(STATEFUL_SETS, { namespace: "default", name: "prometheus-main" });
    expect(await (await fetch(`${program.url}/healthz`)).text()).toBe("ok\n");
    const metrics = await (await fetch(`${program.url}/metrics`)).text();
    expect(metrics).toContain('prometheus_operator_build_info{version="1.2.3"} 1');
    expect(metrics).toContain('prometheus_operator_syncs{controller="prometheus",status="ok"} 1');
    expect(metrics).toContain(
      'prometheus_operator_spec_shards{controller="prometheus",namespace="default",name="main"} 1',
    );
    expect(metrics).toContain('prometheus_operator_kubelet_managed_resource{resource="endpoints"} 1');
    expect(metrics).toContain('prometheus_operator_feature_gate{name="PrometheusTopologySharding"} 1');

    const post = async (path: string, body: unknown) =>
      fetch(program.url + path, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
    const object = prometheusRule({ groups: [{ name: "g", rules: [{ alert: "A", expr: "(" }] }] });
    const review = { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request: { uid: "u", object } };
    const refused = await post("/admission-prometheusrules/validate", review);
    expect(await refused.json()).toMatchObject({ response: { uid: "u", allowed: false } });
    const patched = await post("/admission-prometheusrules/mutate", review);
    expect(await patched.json()).toMatchObject({ response: { allowed: true, patchType: "JSONPatch" } });
    expect((await post("/admission-alertmanagerconfigs/validate", { kind: "AdmissionReview" })).status).toBe(400);
    expect(await (await post("/convert", { kind: "ConversionReview" })).json()).toMatchObject({
      response: { result: { status: "Failure" } },
    });
  });

  test("makes its own certificates where it is told its Service", async () => {
    const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "monitoring" } };
    await cluster.client.create({ group: "", version: "v1", plural: "namespaces", namespaced: false }, namespace);
    await using program = await start("--web.webhook-service=monitoring/operator");
    const target = { namespace: "monitoring", name: "operator-webhook-tls" };
    const { data } = (await cluster.client.get(SECRETS, target)) as KubeObject & { data: Record<string, string> };
    const ca = Buffer.from(data["bundle.crt"], "base64");
    const status = await new Promise((resolve, reject) => {
      request(`${program.url}/healthz`, { ca, servername: "operator.monitoring.svc" }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on("error", reject)
        .end();
    });
    expect(status).toBe(200);
  });

  test("serves with TLS, as webhooks need it", async () => {
    const dir = mkdtempSync(join(tmpdir(), "pharos-operator-tls-"));
    try {
      writeFileSync(join(dir, "crt"), SERVER_CERT);
      writeFileSync(join(dir, "key"), SERVER_KEY);
      await using program = await start(
        "--web.enable-tls",
        `--web.cert-file=${dir}/crt`,
        `--web.key-file=${dir}/key`,
        "--web.tls-min-version=VersionTLS12",
      );
      expect(program.url).toMatch(/^https:/);
      const status = await new Promise((resolve, reject) => {
        request(`${program.url}/healthz`, { ca: CA, checkServerIdentity: () => undefined }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on("error", reject)
          .end();
      });
      expect(status).toBe(200);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
