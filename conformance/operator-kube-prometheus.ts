/**
 * kube-prometheus as it is, applied to the embedded API server and looked after by the operator with its driver for
 * clusters: every monitor and rule is accepted, every instance reconciled and made of the objects it needs.
 */
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Registry, silentLogger } from "@pharos/kit";
import { createApiServer, createKubeClient, type KubeClient, type KubeObject, type ResourceType } from "@pharos/kube";
import { KINDS, KubernetesDriver, Operator, type OperatorKind, SECRETS, STATEFUL_SETS } from "@pharos/operator";
import { parseAllDocuments } from "yaml";
import type { Suite, SuiteResult } from "./suite.ts";

interface Conditions {
  conditions?: { type: string; status: string; message: string }[];
}
type Status = Conditions & { bindings?: (Conditions & { name: string })[] };

const NAMESPACES: ResourceType = { group: "", version: "v1", plural: "namespaces", namespaced: false };
/** What each instance comes out as. */
const WORKLOADS = ["alertmanager-main", "prometheus-k8s"];

function readObjects(folder: string): KubeObject[] {
  return globSync("manifests/*.yaml", { cwd: folder }).flatMap((file) =>
    parseAllDocuments(readFileSync(join(folder, file), "utf8")).map((document) => document.toJS() as KubeObject),
  );
}

function typeOf({ kind }: KubeObject): ResourceType | undefined {
  if (kind === "Secret") return SECRETS;
  return kind in KINDS && kind !== "Namespace" ? KINDS[kind as OperatorKind] : undefined;
}

/** What is wrong with an object after reconciliation; undefined when nothing is. */
function problemOf({ kind, status = {} }: KubeObject & { status?: Status }): string | undefined {
  if (kind === "Prometheus" || kind === "Alertmanager") {
    const reconciled = status.conditions?.find(({ type }) => type === "Reconciled");
    return reconciled?.status === "True" ? undefined : `not reconciled: ${reconciled?.message}`;
  }
  const [binding] = status.bindings ?? [];
  if (!binding) return "selected by no instance";
  const [accepted] = binding.conditions ?? [];
  return accepted?.status === "True" ? undefined : `left out: ${accepted?.message}`;
}

async function checkAll(client: KubeClient, folder: string): Promise<SuiteResult> {
  const result: SuiteResult = { passed: 0, total: 0, failures: [] };
  const tell = (name: string, problem: string | undefined): void => {
    result.total++;
    if (problem === undefined) result.passed++;
    else result.failures.push(`${name}: ${problem}`);
  };
  await client.create(NAMESPACES, { apiVersion: "v1", kind: "Namespace", metadata: { name: "monitoring" } });
  const objects = readObjects(folder).filter((object) => typeOf(object) !== undefined);
  for (const object of objects) {
    await client.apply(typeOf(object)!, object, { fieldManager: "kubectl", force: true });
  }
  const driver = new KubernetesDriver({ client, log: silentLogger });
  await using operator = new Operator({ client, driver, log: silentLogger, registry: new Registry() });
  await operator.start();
  for (const object of objects) {
    if (object.kind === "Secret") continue;
    const { namespace, name = "" } = object.metadata;
    const found = await client.get<KubeObject & { status?: Status }>(typeOf(object)!, { namespace, name });
    tell(`${object.kind} ${name}`, problemOf({ ...found, kind: object.kind }));
  }
  const { items } = await client.list(STATEFUL_SETS, { namespace: "monitoring" });
  for (const name of WORKLOADS) {
    tell(`StatefulSet ${name}`, items.some(({ metadata }) => metadata.name === name) ? undefined : "not made");
  }
  return result;
}

export const suites: Suite[] = [
  {
    name: "operator-kube-prometheus",
    data: "operator/kube-prometheus",
    async run(folder) {
      const dir = mkdtempSync(join(tmpdir(), "pharos-kube-prometheus-"));
      const server = await createApiServer({ dir, host: "127.0.0.1", port: 0, log: silentLogger });
      const client = createKubeClient({ server: server.url });
      try {
        return await checkAll(client, folder);
      } finally {
        await client.close();
        await server.close();
        rmSync(dir, { recursive: true, force: true });
      }
    },
  },
];
