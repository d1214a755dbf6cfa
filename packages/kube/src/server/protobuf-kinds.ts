/**
 * Field numbers of the kinds that kubectl's own `create`, `run`, `expose` and `auth can-i` send as protobuf and in no
 * other way. Numbers and names are those of Kubernetes' published .proto definitions.
 */
export type Form =
  | "string"
  | "strings"
  | "base64"
  | "bool"
  /** Number that is absent in JSON when it is zero. */
  | "number"
  /** Number behind a pointer: zero is a value. */
  | "pointer"
  | "intOrString"
  | "stringMap"
  | "base64Map"
  /** Map of quantities, each a message with its text in field 1. */
  | "quantityMap"
  /** Fields the server sets itself. */
  | "skip"
  | Message
  /** Repeated message. */
  | readonly [Message];

export interface Message {
  [field: number]: readonly [name: string, form: Form];
}

const OBJECT_META: Message = {
  1: ["name", "string"],
  2: ["generateName", "string"],
  3: ["namespace", "string"],
  4: ["selfLink", "skip"],
  5: ["uid", "skip"],
  6: ["resourceVersion", "skip"],
  7: ["generation", "skip"],
  8: ["creationTimestamp", "skip"],
  11: ["labels", "stringMap"],
  12: ["annotations", "stringMap"],
  14: ["finalizers", "strings"],
  17: ["managedFields", "skip"],
};

const LABEL_SELECTOR: Message = {
  1: ["matchLabels", "stringMap"],
  2: ["matchExpressions", [{ 1: ["key", "string"], 2: ["operator", "string"], 3: ["values", "strings"] }]],
};

const CONTAINER: Message = {
  1: ["name", "string"],
  2: ["image", "string"],
  3: ["command", "strings"],
  4: ["args", "strings"],
  5: ["workingDir", "string"],
  6: [
    "ports",
    [
      {
        1: ["name", "string"],
        2: ["hostPort", "number"],
        3: ["containerPort", "number"],
        4: ["protocol", "string"],
        5: ["hostIP", "string"],
      },
    ],
  ],
  7: ["env", [{ 1: ["name", "string"], 2: ["value", "string"] }]],
  8: ["resources", { 1: ["limits", "quantityMap"], 2: ["requests", "quantityMap"] }],
  13: ["terminationMessagePath", "string"],
  14: ["imagePullPolicy", "string"],
  16: ["stdin", "bool"],
  17: ["stdinOnce", "bool"],
  18: ["tty", "bool"],
  20: ["terminationMessagePolicy", "string"],
};

const POD_SPEC: Message = {
  2: ["containers", [CONTAINER]],
  3: ["restartPolicy", "string"],
  4: ["terminationGracePeriodSeconds", "pointer"],
  5: ["activeDeadlineSeconds", "pointer"],
  6: ["dnsPolicy", "string"],
  7: ["nodeSelector", "stringMap"],
  8: ["serviceAccountName", "string"],
  9: ["serviceAccount", "string"],
  10: ["nodeName", "string"],
  11: ["hostNetwork", "bool"],
  12: ["hostPID", "bool"],
  13: ["hostIPC", "bool"],
  14: ["securityContext", {}],
  16: ["hostname", "string"],
  17: ["subdomain", "string"],
  19: ["schedulerName", "string"],
  24: ["priorityClassName", "string"],
};

const POD_TEMPLATE: Message = { 1: ["metadata", OBJECT_META], 2: ["spec", POD_SPEC] };

const JOB_SPEC: Message = {
  1: ["parallelism", "pointer"],
  2: ["completions", "pointer"],
  3: ["activeDeadlineSeconds", "pointer"],
  4: ["selector", LABEL_SELECTOR],
  6: ["template", POD_TEMPLATE],
  7: ["backoffLimit", "pointer"],
};

const POLICY_RULE: Message = {
  1: ["verbs", "strings"],
  2: ["apiGroups", "strings"],
  3: ["resources", "strings"],
  4: ["resourceNames", "strings"],
  5: ["nonResourceURLs", "strings"],
};

const ROLE_BINDING: Message = {
  1: ["metadata", OBJECT_META],
  2: [
    "subjects",
    [{ 1: ["kind", "string"], 2: ["apiGroup", "string"], 3: ["name", "string"], 4: ["namespace", "string"] }],
  ],
  3: ["roleRef", { 1: ["apiGroup", "string"], 2: ["kind", "string"], 3: ["name", "string"] }],
};

/** A kind with a spec and a status. */
const withSpec = (spec: Message): Message => ({
  1: ["metadata", OBJECT_META],
  2: ["spec", spec],
  3: ["status", "skip"],
});

/** By apiVersion and kind. */
export const PROTOBUF_KINDS: Readonly<Record<string, Message>> = {
  "v1/Namespace": withSpec({ 1: ["finalizers", "strings"] }),
  "v1/ServiceAccount": { 1: ["metadata", OBJECT_META] },
  "v1/ConfigMap": {
    1: ["metadata", OBJECT_META],
    2: ["data", "stringMap"],
    3: ["binaryData", "base64Map"],
    4: ["immutable", "bool"],
  },
  "v1/Secret": {
    1: ["metadata", OBJECT_META],
    2: ["data", "base64Map"],
    3: ["type", "string"],
    4: ["stringData", "stringMap"],
    5: ["immutable", "bool"],
  },
  "v1/Pod": withSpec(POD_SPEC),
  "v1/Service": withSpec({
    1: [
      "ports",
      [
        {
          1: ["name", "string"],
          2: ["protocol", "string"],
          3: ["port", "number"],
          4: ["targetPort", "intOrString"],
          5: ["nodePort", "number"],
        },
      ],
    ],
    2: ["selector", "stringMap"],
    3: ["clusterIP", "string"],
    4: ["type", "string"],
    5: ["externalIPs", "strings"],
    7: ["sessionAffinity", "string"],
    8: ["loadBalancerIP", "string"],
    10: ["externalName", "string"],
    11: ["externalTrafficPolicy", "string"],
    12: ["healthCheckNodePort", "number"],
    13: ["publishNotReadyAddresses", "bool"],
  }),
  "apps/v1/Deployment": withSpec({
    1: ["replicas", "pointer"],
    2: ["selector", LABEL_SELECTOR],
    3: ["template", POD_TEMPLATE],
    4: ["strategy", { 1: ["type", "string"] }],
    5: ["minReadySeconds", "number"],
    6: ["revisionHistoryLimit", "pointer"],
    7: ["paused", "bool"],
  }),
  "batch/v1/Job": withSpec(JOB_SPEC),
  "batch/v1/CronJob": withSpec({
    1: ["schedule", "string"],
    2: ["startingDeadlineSeconds", "pointer"],
    3: ["concurrencyPolicy", "string"],
    4: ["suspend", "bool"],
    5: ["jobTemplate", { 1: ["metadata", OBJECT_META], 2: ["spec", JOB_SPEC] }],
    6: ["successfulJobsHistoryLimit", "pointer"],
    7: ["failedJobsHistoryLimit", "pointer"],
  }),
  "policy/v1/PodDisruptionBudget": withSpec({
    1: ["minAvailable", "intOrString"],
    2: ["selector", LABEL_SELECTOR],
    3: ["maxUnavailable", "intOrString"],
  }),
  "rbac.authorization.k8s.io/v1/Role": { 1: ["metadata", OBJECT_META], 2: ["rules", [POLICY_RULE]] },
  "rbac.authorization.k8s.io/v1/ClusterRole": {
    1: ["metadata", OBJECT_META],
    2: ["rules", [POLICY_RULE]],
    3: ["aggregationRule", { 1: ["clusterRoleSelectors", [LABEL_SELECTOR]] }],
  },
  "rbac.authorization.k8s.io/v1/RoleBinding": ROLE_BINDING,
  "rbac.authorization.k8s.io/v1/ClusterRoleBinding": ROLE_BINDING,
  "authentication.k8s.io/v1/SelfSubjectReview": { 1: ["metadata", OBJECT_META], 2: ["status", "skip"] },
  "authorization.k8s.io/v1/SelfSubjectAccessReview": withSpec({
    1: [
      "resourceAttributes",
      {
        1: ["namespace", "string"],
        2: ["verb", "string"],
        3: ["group", "string"],
        4: ["version", "string"],
        5: ["resource", "string"],
        6: ["subresource", "string"],
        7: ["name", "string"],
      },
    ],
    2: ["nonResourceAttributes", { 1: ["path", "string"], 2: ["verb", "string"] }],
  }),
};
