import { describe, expect, test } from "vitest";
import {
  type KubeletOptions,
  kubeletAddresses,
  kubeletEndpoints,
  kubeletService,
  kubeletSlices,
  type Node,
} from "./endpoints.ts";

const OPTIONS: KubeletOptions = {
  namespace: "kube-system",
  name: "kubelet",
  addressPriority: "internal",
  httpMetrics: true,
  labels: { team: "a" },
  annotations: {},
};

const node = (name: string, addresses: [string, string][], ready = "True"): Node => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name, uid: `uid-${name}` },
  status: {
    addresses: addresses.map(([type, address]) => ({ type, address })),
    conditions: [{ type: "Ready", status: ready }],
  },
});

describe("kubelets", () => {
  test("addresses by priority, nodes without any named", () => {
    const nodes = [
      node("b", [
        ["InternalIP", "10.0.0.2"],
        ["ExternalIP", "1.2.3.4"],
      ]),
      node("a", [["ExternalIP", "1.2.3.5"]]),
      node("c", [["Hostname", "c"]]),
    ];
    expect(kubeletAddresses(nodes, OPTIONS)).toEqual({
      addresses: [
        { address: "1.2.3.5", node: { name: "a", uid: "uid-a" } },
        { address: "10.0.0.2", node: { name: "b", uid: "uid-b" } },
      ],
      without: ["c"],
    });
    const external = kubeletAddresses(nodes, { ...OPTIONS, addressPriority: "external" }).addresses;
    expect(external.map(({ address }) => address)).toEqual(["1.2.3.5", "1.2.3.4"]);
  });

  test("an address used again belongs to the node that is heard of", () => {
    for (const [first, second, owner] of [
      ["Unknown", "True", "b"],
      ["True", "Unknown", "a"],
      ["Unknown", "Unknown", "a"],
    ]) {
      const nodes = [node("a", [["InternalIP", "10.0.0.1"]], first), node("b", [["InternalIP", "10.0.0.1"]], second)];
      expect(kubeletAddresses(nodes, OPTIONS).addresses.map((entry) => entry.node.name)).toEqual([owner]);
    }
  });

  test("Service and Endpoints", () => {
    const { addresses } = kubeletAddresses([node("a", [["InternalIP", "10.0.0.1"]])], OPTIONS);
    expect(kubeletService(OPTIONS)).toMatchObject({
      metadata: { name: "kubelet", namespace: "kube-system", labels: { "k8s-app": "kubelet", team: "a" } },
      spec: { clusterIP: "None", ports: [{ name: "https-metrics", port: 10250 }, { port: 10255 }, { port: 4194 }] },
    });
    expect(kubeletEndpoints(addresses, OPTIONS, true)).toMatchObject({
      metadata: { labels: { "endpointslice.kubernetes.io/skip-mirror": "true" } },
      subsets: [{ addresses: [{ ip: "10.0.0.1", targetRef: { kind: "Node", name: "a" } }] }],
    });
    expect(kubeletEndpoints([], OPTIONS, false)).toMatchObject({ subsets: [] });
  });

  test("slices: one family each, 512 endpoints at most", () => {
    const nodes = Array.from({ length: 600 }, (_, i) =>
      node(`n${String(i).padStart(3, "0")}`, [["InternalIP", i < 590 ? `10.0.${i >> 8}.${i & 255}` : `fd00::${i}`]]),
    );
    const slices = kubeletSlices(kubeletAddresses(nodes, OPTIONS).addresses, OPTIONS) as unknown as {
      metadata: { name: string };
      addressType: string;
      endpoints: unknown[];
    }[];
    expect(
      slices.map(({ metadata, addressType, endpoints }) => [metadata.name, addressType, endpoints.length]),
    ).toEqual([
      ["kubelet-ipv4-0", "IPv4", 512],
      ["kubelet-ipv4-1", "IPv4", 78],
      ["kubelet-ipv6-0", "IPv6", 10],
    ]);
  });
});
