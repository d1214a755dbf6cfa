/** What the flow shows of a cluster's resources, read from the objects and the statuses that the operator writes. */
import type { OperatorFacts, ResourceFacts } from "@pharos/explain";
import type { KubeClient, KubeObject } from "@pharos/kube";
import { INSTANCE_KINDS, type InstanceKind, KINDS, type OperatorKind } from "@pharos/operator";

interface Condition {
  type: string;
  status: string;
  reason: string;
  message: string;
  lastTransitionTime: string;
}

interface Binding {
  resource: string;
  namespace: string;
  name: string;
  conditions?: Condition[];
}

type Status = { conditions?: Condition[]; bindings?: Binding[] };

const KIND_OF = new Map(Object.entries(KINDS).map(([kind, { plural }]) => [plural as string, kind]));

function verdictsOf({ status }: KubeObject): OperatorFacts["objects"][number]["verdicts"] {
  return ((status as Status | undefined)?.bindings ?? []).flatMap(({ resource, namespace, name, conditions }) =>
    (conditions ?? [])
      .filter(({ type }) => type === "Accepted")
      .map((condition) => ({
        instance: `${KIND_OF.get(resource) ?? resource} ${namespace}/${name}`,
        accepted: condition.status === "True",
        code: condition.status === "True" ? "" : "operator.invalid",
        reason: condition.message,
      })),
  );
}

/** `urlOf`: where an instance answers. A kind that may not be listed counts as empty. */
export async function clusterFacts(
  client: KubeClient,
  urlOf: (kind: InstanceKind, namespace: string, name: string) => string,
  signal?: AbortSignal,
): Promise<{ resources: ResourceFacts; operator: OperatorFacts }> {
  const counts: Record<string, number> = {};
  const problems: ResourceFacts["problems"] = [];
  const objects: OperatorFacts["objects"] = [];
  const instances: OperatorFacts["instances"] = [];
  const lists = await Promise.all(
    (Object.keys(KINDS) as OperatorKind[]).map(async (kind) => {
      try {
        return { kind, items: (await client.list(KINDS[kind], {}, signal)).items };
      } catch (error) {
        problems.push({ object: kind, message: `cannot be listed: ${(error as Error).message}` });
        return { kind, items: [] };
      }
    }),
  );
  let latest = 0;
  for (const { kind, items } of lists) {
    if (items.length > 0) counts[kind] = items.length;
    for (const object of items) {
      const { namespace = "", name = "" } = object.metadata;
      const verdicts = verdictsOf(object);
      if (verdicts.length > 0) objects.push({ kind, namespace, name, verdicts });
      if (!(INSTANCE_KINDS as readonly string[]).includes(kind)) continue;
      const conditions = (object.status as Status | undefined)?.conditions ?? [];
      const reconciled = conditions.find(({ type }) => type === "Reconciled");
      const available = conditions.find(({ type }) => type === "Available");
      const appliedAt = Date.parse(reconciled?.lastTransitionTime ?? "") || 0;
      latest = Math.max(latest, appliedAt);
      instances.push({
        kind: kind as InstanceKind,
        namespace,
        name,
        url: urlOf(kind as InstanceKind, namespace, name),
        ready: available?.status === "True",
        message: reconciled?.status === "True" ? "" : (reconciled?.message ?? available?.message ?? ""),
        selected: {},
        rejected: 0,
        appliedAt,
      });
    }
  }
  for (const { verdicts, kind } of objects) {
    for (const { instance, accepted } of verdicts) {
      const owner = instances.find((one) => `${one.kind} ${one.namespace}/${one.name}` === instance);
      if (!owner) continue;
      if (accepted) owner.selected[kind] = (owner.selected[kind] ?? 0) + 1;
      else owner.rejected += 1;
    }
  }
  return { resources: { counts, problems }, operator: { reconciledAt: latest, duration: 0, instances, objects } };
}
