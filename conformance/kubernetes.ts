/**
 * The embedded API server beside a real one (Kubernetes 1.36.3): its discovery and OpenAPI documents as data, and the
 * manifests of kube-prometheus applied to it with strict field validation.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { silentLogger } from "@pharos/kit";
import { createApiServer, type KubeObject } from "@pharos/kube";
import { parseAllDocuments } from "yaml";
import type { Suite, SuiteResult } from "./suite.ts";

type Json = Record<string, unknown>;

/** One case; an answer is what differs. */
class Tally {
  passed = 0;
  total = 0;
  readonly failures: string[] = [];

  check(name: string, difference: string | undefined): void {
    this.total++;
    if (difference === undefined) this.passed++;
    else this.failures.push(`${name}: ${difference}`);
  }

  equal(name: string, got: unknown, wanted: unknown): void {
    const same = isDeepStrictEqual(got, wanted);
    this.check(name, same ? undefined : `${JSON.stringify(got)}, upstream ${JSON.stringify(wanted)}`);
  }

  get result(): SuiteResult {
    const { passed, total, failures } = this;
    return { passed, total, failures };
  }
}

async function withServer(run: (url: string, tally: Tally) => Promise<void>): Promise<SuiteResult> {
  const dir = mkdtempSync(join(tmpdir(), "pharos-conformance-"));
  const server = await createApiServer({ dir, host: "127.0.0.1", port: 0, log: silentLogger });
  const tally = new Tally();
  try {
    await run(server.url, tally);
  } finally {
    await server.close();
    rmSync(dir, { recursive: true });
  }
  return tally.result;
}

async function get(url: string, accept = "application/json"): Promise<Json> {
  return (await (await fetch(url, { headers: { accept } })).json()) as Json;
}

interface Resource {
  resource: string;
  responseKind: { kind: string };
  scope: string;
  singularResource: string;
  verbs: string[];
  shortNames?: string[];
  categories?: string[];
  subresources?: { subresource: string }[];
}
interface Discovery {
  items: { metadata: { name?: string }; versions: { version: string; resources: Resource[] }[] }[];
}

function resourcesOf(discovery: Discovery): Map<string, Resource> {
  const out = new Map<string, Resource>();
  for (const { metadata, versions } of discovery.items) {
    for (const { version, resources } of versions) {
      for (const resource of resources) out.set(`${metadata.name ?? ""}/${version}/${resource.resource}`, resource);
    }
  }
  return out;
}

/** Every resource of the real server: those Pharos does not serve count as differences. */
const discovery: Suite = {
  name: "kubernetes-discovery",
  data: "kubernetes",
  run: (data) =>
    withServer(async (url, tally) => {
      for (const [root, file] of [
        ["api", "aggregated-api.json"],
        ["apis", "aggregated-apis.json"],
      ]) {
        const real = resourcesOf(JSON.parse(readFileSync(join(data, file), "utf8")) as Discovery);
        const form = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
        const own = resourcesOf((await get(`${url}/${root}`, form)) as unknown as Discovery);
        const described = (resource: Resource | undefined) =>
          resource && {
            kind: resource.responseKind.kind,
            scope: resource.scope,
            singular: resource.singularResource,
            shortNames: resource.shortNames ?? [],
            categories: resource.categories ?? [],
            verbs: [...resource.verbs].sort(),
            // The server runs nothing: of the subresources it has those that are about objects.
            subresources: (resource.subresources ?? [])
              .map(({ subresource }) => subresource)
              .filter((name) => name === "status" || name === "scale")
              .sort(),
          };
        for (const [name, resource] of real) tally.equal(name, described(own.get(name)), described(resource));
      }
    }),
};

interface Property extends Json {
  $ref?: string;
}
type Definitions = Record<string, { properties?: Record<string, Property>; required?: string[] }>;

/** Every definition that the server gives out: its fields, what is required, and how its lists and maps merge. */
const openapi: Suite = {
  name: "kubernetes-openapi",
  data: "kubernetes",
  run: (data) =>
    withServer(async (url, tally) => {
      const mergeKeys = JSON.parse(readFileSync(join(data, "merge-keys.json"), "utf8")) as Record<
        string,
        Record<string, Json>
      >;
      const { paths } = (await get(`${url}/openapi/v3`)) as { paths: Record<string, { serverRelativeURL: string }> };
      const seen = new Set<string>();
      for (const file of readdirSync(data).filter((name) => name.startsWith("openapi-"))) {
        const path = file.slice("openapi-".length, -".json".length).replaceAll("_", "/");
        const entry = paths[path];
        if (!entry) {
          tally.check(path, "not served");
          continue;
        }
        const schemas = (document: Json): Definitions => (document.components as { schemas: Definitions }).schemas;
        const real = schemas(JSON.parse(readFileSync(join(data, file), "utf8")) as Json);
        const own = schemas(await get(url + entry.serverRelativeURL));
        for (const [name, definition] of Object.entries(own)) {
          if (!real[name] || seen.has(name)) continue;
          seen.add(name);
          const fields = (of: Definitions[string]) => Object.keys(of.properties ?? {}).sort();
          tally.equal(`${name} fields`, fields(definition), fields(real[name]));
          tally.equal(`${name} required`, definition.required ?? [], real[name].required ?? []);
          for (const [field, wanted] of Object.entries(mergeKeys[name] ?? {})) {
            const schema = (field === "." ? definition : definition.properties?.[field]) as Json | undefined;
            const got = Object.fromEntries(
              Object.keys(wanted).map((key) => [key, schema?.[`x-kubernetes-${key}`]] as const),
            );
            tally.equal(`${name} ${field}`, got, wanted);
          }
        }
      }
    }),
};

/** What a cluster takes the embedded server must take, without a field lost. */
const manifests: Suite = {
  name: "kubernetes-manifests",
  data: "operator/kube-prometheus/manifests",
  run: (data) =>
    withServer(async (url, tally) => {
      const discovered = new Map<string, { plural: string; namespaced: boolean }>();
      const locate = async ({ apiVersion, kind }: KubeObject) => {
        const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
        if (!discovered.has(`${apiVersion}/${kind}`)) {
          const list = (await get(url + root)) as {
            resources?: { kind: string; name: string; namespaced: boolean }[];
          };
          for (const { kind: known, name, namespaced } of list.resources ?? []) {
            if (!name.includes("/")) discovered.set(`${apiVersion}/${known}`, { plural: name, namespaced });
          }
        }
        return { root, found: discovered.get(`${apiVersion}/${kind}`) };
      };
      const objects: KubeObject[] = [];
      for (const file of readdirSync(data, { recursive: true, encoding: "utf8" }).sort()) {
        if (!/\.ya?ml$/.test(file)) continue;
        for (const document of parseAllDocuments(readFileSync(join(data, file), "utf8"))) {
          const object = document.toJS() as (KubeObject & { items?: KubeObject[] }) | null;
          if (object) objects.push(...(object.kind.endsWith("List") ? (object.items ?? []) : [object]));
        }
      }
      objects.sort((a, b) => Number(b.kind === "Namespace") - Number(a.kind === "Namespace"));
      for (const object of objects) {
        const { namespace, name } = object.metadata;
        const title = `${object.kind} ${namespace ?? ""}/${name}`;
        const { root, found } = await locate(object);
        if (!found) {
          tally.check(title, "no such kind");
          continue;
        }
        const home = found.namespaced ? `/namespaces/${namespace ?? "default"}` : "";
        const response = await fetch(
          `${url}${root}${home}/${found.plural}/${name}?fieldManager=conformance&fieldValidation=Strict`,
          {
            method: "PATCH",
            headers: { "content-type": "application/apply-patch+yaml" },
            body: JSON.stringify(object),
          },
        );
        const answer = (await response.json()) as Json & { message?: string };
        const lost = response.ok ? lostField(object, answer) : undefined;
        tally.check(title, response.ok ? lost && `lost ${lost}` : (answer.message ?? `status ${response.status}`));
      }
    }),
};

/** Path of the first value that was sent and is not in the answer. */
function lostField(sent: unknown, stored: unknown, path = ""): string | undefined {
  if (Array.isArray(sent)) {
    if (!Array.isArray(stored) || stored.length !== sent.length) return path;
    for (const [i, item] of sent.entries()) {
      const lost = lostField(item, stored[i], `${path}[${i}]`);
      if (lost !== undefined) return lost;
    }
    return undefined;
  }
  if (typeof sent === "object" && sent !== null) {
    for (const [key, value] of Object.entries(sent)) {
      const at = path === "" ? key : `${path}.${key}`;
      // The text of a Secret is stored as its data.
      if (at === "stringData" || at === "status" || value === null) continue;
      const lost = lostField(value, (stored as Json | undefined)?.[key], at);
      if (lost !== undefined) return lost;
    }
    const empty = Object.keys(sent).length === 0;
    return empty && stored === undefined && path !== "metadata.annotations" ? path : undefined;
  }
  return sent === stored ? undefined : path;
}

export const suites: Suite[] = [discovery, openapi, manifests];
