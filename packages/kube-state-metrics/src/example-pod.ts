/** A pod as clusters have them, for tests and benchmarks. */
import type { KubeObject } from "@pharos/kube/client";

export function examplePod(index: number, restarts = 0): KubeObject {
  const name = `web-${(index >> 4).toString(16).padStart(6, "0")}-${index}`;
  const time = "2024-05-01T10:00:00Z";
  const condition = (type: string) => ({ type, status: "True", lastTransitionTime: time });
  const container = (container: string) => ({
    name: container,
    image: `registry.example.com/${container}:1.2.3`,
    resources: { requests: { cpu: "250m", memory: "256Mi" }, limits: { cpu: "1", memory: "512Mi" } },
  });
  const status = (container: string) => ({
    name: container,
    image: `registry.example.com/${container}:1.2.3`,
    imageID: `registry.example.com/${container}@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef`,
    containerID: `containerd://${index.toString(16).padStart(64, "0")}`,
    ready: true,
    restartCount: restarts,
    state: { running: { startedAt: time } },
  });
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: `team-${index % 20}`,
      uid: `00000000-0000-4000-8000-${index.toString(16).padStart(12, "0")}`,
      resourceVersion: String(1000 + restarts),
      creationTimestamp: time,
      labels: { app: "web", "pod-template-hash": "abc" },
      ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "web-abc", uid: "u", controller: true }],
    },
    spec: {
      nodeName: `node-${index % 50}`,
      restartPolicy: "Always",
      serviceAccountName: "default",
      schedulerName: "default-scheduler",
      containers: [container("app"), container("proxy")],
      tolerations: [
        { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 },
        { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 },
      ],
      volumes: [{ name: "data", persistentVolumeClaim: { claimName: `data-${index}` } }],
    },
    status: {
      phase: "Running",
      qosClass: "Burstable",
      hostIP: "10.0.0.1",
      podIP: "10.1.0.1",
      podIPs: [{ ip: "10.1.0.1" }],
      startTime: time,
      conditions: ["PodScheduled", "Initialized", "ContainersReady", "Ready"].map(condition),
      containerStatuses: [status("app"), status("proxy")],
    },
  };
}
