/** The Kubernetes objects every component consists of, with the least it needs: no root where none is needed, nothing to write on. */
import type { KubeObject } from "@pharos/kube";
import type { PolicyRule } from "@pharos/operator";

export interface InstallOptions {
  namespace: string;
  /** Image that has `pharos` as its entry point. */
  image: string;
  /** "" leaves it to the cluster. */
  imagePullPolicy: string;
}

export interface Mount {
  name: string;
  path: string;
  /** Folder of the node, read-only. */
  host: string;
  /** Sees what is mounted below after the pod has started. */
  propagate?: boolean;
}

export interface Component {
  name: string;
  /** What follows `pharos`. */
  args: string[];
  ports: { name: string; port: number }[];
  resources: { requests: Record<string, string>; limits?: Record<string, string> };
  /** A folder the component may write to, and the size of its volume; "" keeps it in the pod. */
  data?: { path: string; size: string };
  /** Has one address; without it, each pod is found by itself. */
  clusterIp?: true;
  env?: { name: string; value: string }[];
  mounts?: Mount[];
  /** One on every node instead of one in all. */
  everyNode?: boolean;
  /** Shares the node's network and processes, for a component that tells about the node. */
  hostView?: boolean;
  /** What its account may do in the whole cluster; without it the pod gets no token. */
  rules?: PolicyRule[];
  probePath?: string;
}

const NOBODY = 65_534;

export function labelsOf(name: string): Record<string, string> {
  return { "app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "pharos" };
}

/** Account, rights, Service and Deployment or DaemonSet of a component. */
export function componentObjects(component: Component, options: InstallOptions): KubeObject[] {
  const { name, rules, data } = component;
  const { namespace } = options;
  const metadata = { name, namespace, labels: labelsOf(name) };
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata, ...{ automountServiceAccountToken: rules !== undefined } },
    ...(rules ? clusterRights(name, namespace, rules) : []),
    {
      apiVersion: "v1",
      kind: "Service",
      metadata,
      spec: {
        ...(component.clusterIp ? {} : { clusterIP: "None" }),
        selector: labelsOf(name),
        ports: component.ports.map((port) => ({ name: port.name, port: port.port, targetPort: port.name })),
      },
    },
    ...(data?.size
      ? [
          {
            apiVersion: "v1",
            kind: "PersistentVolumeClaim",
            metadata,
            spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: data.size } } },
          },
        ]
      : []),
    workload(component, options),
  ];
}

export function clusterRights(name: string, namespace: string, rules: readonly object[]): KubeObject[] {
  const metadata = { name: `pharos-${name}`, labels: labelsOf(name) };
  return [
    { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", metadata, ...{ rules } },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata,
      ...{
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: metadata.name },
        subjects: [{ kind: "ServiceAccount", name, namespace }],
      },
    },
  ];
}

function workload(component: Component, { namespace, image, imagePullPolicy }: InstallOptions): KubeObject {
  const {
    name,
    args,
    ports,
    resources,
    env,
    mounts = [],
    everyNode,
    hostView,
    rules,
    data,
    probePath = "/",
  } = component;
  const claim = data?.size ? { persistentVolumeClaim: { claimName: name } } : { emptyDir: {} };
  const volumes = [
    ...mounts.map(({ name: mountName, host }) => ({ name: mountName, hostPath: { path: host } })),
    ...(data ? [{ name: "data", ...claim }] : []),
  ];
  const probe = { httpGet: { path: probePath, port: ports[0].name }, periodSeconds: 10, timeoutSeconds: 5 };
  const template = {
    metadata: { labels: labelsOf(name) },
    spec: {
      serviceAccountName: name,
      automountServiceAccountToken: rules !== undefined,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: NOBODY,
        runAsGroup: NOBODY,
        ...(data ? { fsGroup: NOBODY } : {}),
        seccompProfile: { type: "RuntimeDefault" },
      },
      ...(hostView ? { hostNetwork: true, hostPID: true } : {}),
      // A node that is in trouble is the one to hear from.
      ...(everyNode ? { tolerations: [{ operator: "Exists" }] } : {}),
      nodeSelector: { "kubernetes.io/os": "linux" },
      containers: [
        {
          name,
          image,
          ...(imagePullPolicy ? { imagePullPolicy } : {}),
          args,
          ...(env ? { env } : {}),
          ports: ports.map(({ name: portName, port }) => ({ name: portName, containerPort: port, protocol: "TCP" })),
          resources,
          readinessProbe: probe,
          livenessProbe: { ...probe, failureThreshold: 6 },
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ["ALL"] },
          },
          ...(volumes.length > 0
            ? {
                volumeMounts: [
                  ...mounts.map(({ name: mountName, path, propagate }) => ({
                    name: mountName,
                    mountPath: path,
                    readOnly: true,
                    ...(propagate ? { mountPropagation: "HostToContainer" } : {}),
                  })),
                  ...(data ? [{ name: "data", mountPath: data.path }] : []),
                ],
              }
            : {}),
        },
      ],
      ...(volumes.length > 0 ? { volumes } : {}),
    },
  };
  const metadata = { name, namespace, labels: labelsOf(name) };
  const selector = { matchLabels: labelsOf(name) };
  return everyNode
    ? {
        apiVersion: "apps/v1",
        kind: "DaemonSet",
        metadata,
        spec: {
          selector,
          updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "10%" } },
          template,
        },
      }
    : {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata,
        // Two pods cannot have the same volume at once.
        spec: { replicas: 1, ...(data?.size ? { strategy: { type: "Recreate" } } : {}), selector, template },
      };
}
