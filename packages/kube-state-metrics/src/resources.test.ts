import type { KubeObject } from "@pharos/kube";
import { expect, test } from "vitest";
import { examplePod } from "./example-pod.ts";
import { render } from "./render.ts";
import { DEFAULT_RESOURCES, RESOURCES } from "./resources.ts";
import { ResourceStore, write } from "./store.ts";
import { KeyFilter } from "./values/allow-list.ts";

function text(name: string, ...objects: KubeObject[]): string {
  const resource = RESOURCES.find((candidate) => candidate.name === name)!;
  const store = new ResourceStore(name, resource.families);
  const part = store.addPart();
  const all = new KeyFilter(["*"]);
  const plan = {
    families: resource.families,
    identity: (object: KubeObject) => resource.identity(object),
    allowed: { labels: all, annotations: all },
  };
  for (const [i, object] of objects.entries()) {
    const fail = (error: unknown) => {
      throw error;
    };
    part.set(String(i), render(object, plan, fail));
  }
  return Buffer.concat([...write(store.snapshot(), false, new Set())]).toString();
}

const bare = (): KubeObject => ({ apiVersion: "", kind: "", metadata: { name: "x", namespace: "n", uid: "u" } });

test("39 resources, 336 families, no name twice", () => {
  expect(RESOURCES).toHaveLength(39);
  expect(DEFAULT_RESOURCES).toHaveLength(32);
  const names = RESOURCES.flatMap(({ families }) => families.map(({ name }) => name));
  expect(new Set(names).size).toBe(336);
  for (const name of names) expect(name).toMatch(/^kube_[a-z_]+$/);
});

test.each(RESOURCES.map(({ name }) => name))(
  "%s: an object without anything, and one full of nulls, give no error",
  (name) => {
    const objects = [bare(), { ...bare(), spec: {}, status: {} }, { ...bare(), spec: null, status: null }];
    expect(text(name, ...(objects as KubeObject[]))).toContain("# TYPE kube_");
    expect(text(name)).toBe("");
  },
);

test("a running pod", () => {
  const pod = text("pods", examplePod(7, 3));
  const own = 'namespace="team-7",pod="web-000000-7",uid="00000000-0000-4000-8000-000000000007"';
  for (const line of [
    `kube_pod_container_status_restarts_total{${own},container="app"} 3`,
    `kube_pod_container_resource_requests{${own},container="app",node="node-7",resource="cpu",unit="core"} 0.25`,
    `kube_pod_container_resource_limits{${own},container="proxy",node="node-7",resource="memory",unit="byte"} 5.36870912e+08`,
    `kube_pod_status_phase{${own},phase="Running"} 1`,
    `kube_pod_status_phase{${own},phase="Failed"} 0`,
    `kube_pod_status_ready{${own},condition="true"} 1`,
    `kube_pod_owner{${own},owner_kind="ReplicaSet",owner_name="web-abc",owner_is_controller="true"} 1`,
    `kube_pod_ips{${own},ip="10.1.0.1",ip_family="4"} 1`,
    `kube_pod_labels{${own},label_app="web",label_pod_template_hash="abc"} 1`,
    `kube_pod_start_time{${own}} 1.7145576e+09`,
    `kube_pod_spec_volumes_persistentvolumeclaims_info{${own},volume="data",persistentvolumeclaim="data-7",ephemeral="false"} 1`,
  ]) {
    expect(pod.split("\n")).toContain(line);
  }
  expect(pod).toContain("# TYPE kube_pod_container_status_restarts_total counter\n");
});

test.each([
  ["10.0.0.1", "4"],
  ["fd00::1", "6"],
  ["::ffff:10.0.0.1", "4"],
  ["0:0:0:0:0:FFFF:a00:1", "4"],
  ["0::ffff:10.0.0.1", "4"],
  ["0:ffff:1:2:3:4:5:6", "6"],
  ["::ffff:1:2:3", "6"],
  ["fe80::1%eth0", "6"],
  ["10.0.0", undefined],
])("family of %s", (ip, family) => {
  const shown = text("pods", { ...bare(), status: { podIPs: [{ ip }] } } as KubeObject);
  expect(/^kube_pod_ips\{.*ip_family="(.)"/m.exec(shown)?.[1]).toBe(family);
});

test("families stay together, object after object; text outside ASCII is not cut", () => {
  const names = ["a", "日本", "ünïcode", "z"];
  const objects = names.map((name) => ({ ...bare(), metadata: { name, namespace: "n", labels: { l: `${name}"\\` } } }));
  const lines = text("configmaps", ...objects).split("\n");
  const infos = lines.filter((line) => line.startsWith("kube_configmap_info"));
  expect(infos).toEqual(names.map((name) => `kube_configmap_info{namespace="n",configmap="${name}"} 1`));
  const start = lines.indexOf(infos[0]);
  expect(lines.slice(start, start + names.length)).toEqual(infos);
  expect(lines).toContain('kube_configmap_labels{namespace="n",configmap="日本",label_l="日本\\"\\\\"} 1');
});

test("large bodies come in pieces that make up the whole", () => {
  const pods = Array.from({ length: 200 }, (_, i) => examplePod(i));
  const whole = text("pods", ...pods);
  expect(whole.length).toBeGreaterThan(1_000_000);
  expect(whole.match(/^kube_pod_info/gm)).toHaveLength(200);
  expect(whole.endsWith("\n")).toBe(true);
  expect(whole).not.toContain("\n\n");
});

test("a family that cannot read an object is left out alone", () => {
  const resource = RESOURCES.find(({ name }) => name === "pods")!;
  const errors: unknown[] = [];
  const plan = { families: resource.families, identity: () => ["pod", "x"], allowed: {} };
  const object = { ...bare(), spec: { containers: 7, nodeName: "n" } };
  const bytes = render(object, plan, (error) => errors.push(error)).toString();
  expect(errors.length).toBeGreaterThan(0);
  expect(bytes).toContain('kube_pod_info{pod="x"');
});
