import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseYaml, Registry, silentLogger } from "@pharos/kit";
import { type ApiServer, createApiServer, createKubeClient, type KubeClient, type KubeObject } from "@pharos/kube";
import type { TargetGroup } from "@pharos/model";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Discovery } from "../discovery.ts";
import { parseSdConfigs } from "../registry.ts";

let dir: string;
let server: ApiServer;
let client: KubeClient;
let discovery: Discovery;
let groups: TargetGroup[] | undefined;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "pharos-k8s-sd-"));
  server = await createApiServer({ dir, host: "127.0.0.1", port: 0, log: silentLogger });
  client = createKubeClient({ server: server.url });
  groups = undefined;
  discovery = new Discovery({
    log: silentLogger,
    registry: new Registry(),
    throttleMs: 5,
    onUpdate: (_job, now) => {
      groups = now;
    },
  });
});
afterEach(async () => {
  await discovery.stop();
  await client.close();
  await server.close();
  rmSync(dir, { recursive: true });
});

function follow(role: string, more = ""): void {
  const yaml = `kubernetes_sd_configs: [{role: ${role}, api_server: '${server.url}'${more}}]`;
  discovery.apply([{ job: "k", sdConfigs: parseSdConfigs(parseYaml(yaml).map()) }]);
}

/** Path of a kind's collection. */
const PLURALS: Record<string, { group: string; version: string; plural: string }> = {
  Pod: { group: "", version: "v1", plural: "pods" },
  Service: { group: "", version: "v1", plural: "services" },
  Endpoints: { group: "", version: "v1", plural: "endpoints" },
  Node: { group: "", version: "v1", plural: "nodes" },
  EndpointSlice: { group: "discovery.k8s.io", version: "v1", plural: "endpointslices" },
  Ingress: { group: "networking.k8s.io", version: "v1", plural: "ingresses" },
  ReplicaSet: { group: "apps", version: "v1", plural: "replicasets" },
};
const create = (object: Record<string, unknown> & { kind: string; metadata: object }) =>
  client.create(PLURALS[object.kind], object as unknown as KubeObject);

const POD = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: "web-0",
    namespace: "default",
    labels: { "app.kubernetes.io/name": "web" },
    ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "web-abc", uid: "u", controller: true }],
  },
  spec: {
    nodeName: "n1",
    containers: [
      { name: "app", image: "app:1", ports: [{ name: "http", containerPort: 8080, protocol: "TCP" }] },
      { name: "sidecar", image: "side:1", ports: [{ name: "stats", containerPort: 15020, protocol: "TCP" }] },
    ],
  },
  status: {
    podIP: "10.0.0.7",
    hostIP: "192.168.0.1",
    phase: "Running",
    conditions: [{ type: "Ready", status: "True" }],
  },
};
const SERVICE = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web", namespace: "default", labels: { team: "a" } },
  spec: { type: "ClusterIP", clusterIP: "10.96.0.1", ports: [{ name: "http", port: 80, protocol: "TCP" }] },
};
const SLICE = {
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name: "web-x", namespace: "default", labels: { "kubernetes.io/service-name": "web" } },
  addressType: "IPv4",
  ports: [{ name: "http", port: 8080, protocol: "TCP" }],
  endpoints: [
    {
      addresses: ["10.0.0.7"],
      conditions: { ready: true },
      nodeName: "n1",
      targetRef: { kind: "Pod", namespace: "default", name: "web-0" },
    },
  ],
};
const BACKEND = { pathType: "ImplementationSpecific", backend: { service: { name: "web", port: { number: 80 } } } };
const addresses = () => groups?.flatMap(({ targets }) => targets.map(({ __address__ }) => __address__)).sort();

test("endpointslices: labels of slice, service, pod and container; ports the service does not name", async () => {
  await create(POD);
  await create(SERVICE);
  await create(SLICE);
  follow("endpointslice");
  await vi.waitFor(() => expect(addresses()).toEqual(["10.0.0.7:15020", "10.0.0.7:8080"]));
  const [{ labels, targets }] = groups!;
  expect(labels).toMatchObject({
    __meta_kubernetes_namespace: "default",
    __meta_kubernetes_endpointslice_name: "web-x",
    __meta_kubernetes_endpointslice_address_type: "IPv4",
    __meta_kubernetes_service_name: "web",
    __meta_kubernetes_service_label_team: "a",
    __meta_kubernetes_service_labelpresent_team: "true",
  });
  expect(targets.find(({ __address__ }) => __address__ === "10.0.0.7:8080")).toMatchObject({
    __meta_kubernetes_endpointslice_port_name: "http",
    __meta_kubernetes_endpointslice_endpoint_conditions_ready: "true",
    __meta_kubernetes_endpointslice_address_target_kind: "Pod",
    __meta_kubernetes_pod_name: "web-0",
    __meta_kubernetes_pod_label_app_kubernetes_io_name: "web",
    __meta_kubernetes_pod_controller_kind: "ReplicaSet",
    __meta_kubernetes_pod_container_name: "app",
    __meta_kubernetes_pod_container_init: "false",
    __meta_kubernetes_pod_ready: "true",
  });
});

test("changes of pods, services and slices reach the consumer; what is deleted goes", async () => {
  await create(SLICE);
  follow("endpointslice");
  await vi.waitFor(() => expect(addresses()).toEqual(["10.0.0.7:8080"]));
  expect(groups![0].labels.__meta_kubernetes_service_name).toBeUndefined();
  await create(SERVICE);
  await vi.waitFor(() => expect(groups![0].labels.__meta_kubernetes_service_name).toBe("web"));
  await create(POD);
  await vi.waitFor(() => expect(addresses()).toContain("10.0.0.7:15020"));
  await client.delete(PLURALS.EndpointSlice, { namespace: "default", name: "web-x" });
  await vi.waitFor(() => expect(groups).toEqual([]));
  expect(discovery.reasonFor("k")).toContain("there is no endpointslice in any namespace");
});

test("endpoints: readiness by address list", async () => {
  await create({
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: { name: "db", namespace: "default" },
    subsets: [
      {
        addresses: [{ ip: "10.0.0.1" }],
        notReadyAddresses: [{ ip: "fd00::1", hostname: "h", nodeName: "n1" }],
        ports: [{ name: "sql", port: 5432, protocol: "TCP" }],
      },
    ],
  });
  follow("endpoints");
  await vi.waitFor(() => expect(addresses()).toEqual(["10.0.0.1:5432", "[fd00::1]:5432"]));
  expect(groups![0].targets.map((target) => target.__meta_kubernetes_endpoint_ready)).toEqual(["true", "false"]);
  expect(groups![0].targets[1]).toMatchObject({
    __meta_kubernetes_endpoint_hostname: "h",
    __meta_kubernetes_endpoint_node_name: "n1",
  });
  expect(groups![0].labels.__meta_kubernetes_endpoints_name).toBe("db");
});

test("pods: a target a port, the pod's address without ports, attached metadata", async () => {
  await create(POD);
  await create({ ...POD, metadata: { name: "starting", namespace: "default" }, status: {} });
  await create({
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name: "web-abc",
      namespace: "default",
      ownerReferences: [{ apiVersion: "apps/v1", kind: "Deployment", name: "web", uid: "d", controller: true }],
    },
    spec: { selector: { matchLabels: { a: "b" } } },
  });
  await create({ apiVersion: "v1", kind: "Node", metadata: { name: "n1", labels: { zone: "z" } } });
  follow("pod", ", attach_metadata: {node: true, deployment: true, namespace: true}");
  await vi.waitFor(() => expect(addresses()).toEqual(["10.0.0.7:15020", "10.0.0.7:8080"]));
  expect(groups![0].labels).toMatchObject({
    __meta_kubernetes_node_label_zone: "z",
    __meta_kubernetes_pod_deployment_name: "web",
    __meta_kubernetes_pod_host_ip: "192.168.0.1",
  });
  // The node goes: pods on it are no targets any more.
  await client.delete(PLURALS.Node, { name: "n1" });
  await vi.waitFor(() => expect(groups).toEqual([]));
});

test("services, ingresses and nodes", async () => {
  await create(SERVICE);
  follow("service");
  await vi.waitFor(() => expect(addresses()).toEqual(["web.default.svc:80"]));
  expect(groups![0].targets[0]).toMatchObject({
    __meta_kubernetes_service_cluster_ip: "10.96.0.1",
    __meta_kubernetes_service_port_number: "80",
    __meta_kubernetes_service_type: "ClusterIP",
  });

  await create({
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: { name: "front", namespace: "default" },
    spec: {
      ingressClassName: "nginx",
      tls: [{ hosts: ["*.example.com"] }],
      rules: [
        { host: "a.example.com", http: { paths: [{ path: "/x", ...BACKEND }, BACKEND] } },
        { host: "a.b.example.com" },
      ],
    },
  });
  follow("ingress");
  const fields = () =>
    groups?.[0]?.targets.map((target) =>
      ["scheme", "host", "path"].map((name) => target[`__meta_kubernetes_ingress_${name}`]).join(" "),
    );
  await vi.waitFor(() =>
    expect(fields()).toEqual(["https a.example.com /x", "https a.example.com /", "http a.b.example.com /"]),
  );

  await create({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "n1" },
    spec: { providerID: "p://1" },
    status: {
      addresses: [
        { type: "Hostname", address: "n1" },
        { type: "InternalIP", address: "10.1.0.1" },
      ],
      conditions: [{ type: "Ready", status: "True" }],
      daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    },
  });
  follow("node");
  await vi.waitFor(() => expect(addresses()).toEqual(["10.1.0.1:10250"]));
  expect(groups![0].targets[0]).toMatchObject({
    instance: "n1",
    __meta_kubernetes_node_address_InternalIP: "10.1.0.1",
  });
  expect(groups![0].labels).toMatchObject({
    __meta_kubernetes_node_condition_ready: "true",
    __meta_kubernetes_node_provider_id: "p://1",
  });
});

test("namespaces and selectors limit what is followed; a server that is away is the reason", async () => {
  await create(POD);
  await create({ ...POD, metadata: { name: "other", namespace: "kube-system" } });
  follow("pod", ", namespaces: {names: [default]}, selectors: [{role: pod, label: 'app.kubernetes.io/name=web'}]");
  await vi.waitFor(() => expect(groups).toHaveLength(1));
  expect(groups![0].labels.__meta_kubernetes_pod_name).toBe("web-0");
  discovery.apply([
    {
      job: "away",
      sdConfigs: parseSdConfigs(
        parseYaml("kubernetes_sd_configs: [{role: pod, api_server: 'http://127.0.0.1:1'}]").map(),
      ),
    },
  ]);
  await vi.waitFor(() => expect(discovery.reasonFor("away")).toContain("cannot follow pod objects"));
});
