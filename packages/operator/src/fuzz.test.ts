/** Objects made at random from the CRDs' schemas: whatever the API server would let through must not break the operator. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { KubeObject } from "@pharos/kube";
import { UserError } from "@pharos/model";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { AssetStore } from "./assets.ts";
import { checkInstance } from "./checks/instance.ts";
import { type DesiredInstance, INSTANCE_KINDS } from "./drivers/driver.ts";
import { DEFAULT_WORKLOAD_OPTIONS } from "./drivers/kubernetes/options.ts";
import { renderInstance } from "./drivers/kubernetes/render.ts";
import { assemble } from "./prometheus/assemble.ts";
import { generateAgentConfig, generatePrometheusConfig } from "./prometheus/config.ts";
import type { GenerationScope } from "./prometheus/scope.ts";
import { checkReadable } from "./readable.ts";
import type { AlertmanagerConfig, Prometheus, PrometheusRule } from "./resources/types.ts";
import { alertmanagerScope, prometheus } from "./testing/objects.ts";
import { ANYWHERE, type Monitor, monitorJobs, ruleFile, validateAlertmanagerConfig } from "./validate.ts";
import { VersionGate } from "./version.ts";

interface Schema {
  type?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  enum?: unknown[];
  additionalProperties?: Schema | boolean;
  "x-kubernetes-int-or-string"?: boolean;
}

const crds = globSync("*.yaml", { cwd: join(import.meta.dirname, "../../../deploy/crds") }).map((file) =>
  parse(readFileSync(join(import.meta.dirname, "../../../deploy/crds", file), "utf8")),
);

function specSchema(kind: string): Schema {
  const crd = crds.find(({ spec }) => spec.names.kind === kind);
  return crd.spec.versions[0].schema.openAPIV3Schema.properties.spec;
}

/** Texts that mean something somewhere, and some that mean nothing anywhere. */
const text = fc.constantFrom(
  "", "a", "web", "30s", "1m", "http://x", "https://x:1/y?z", "10MB", "(", "a|b", "(.+)", "$1", "replace", "HashMod",
  "v3.5.0", "label", "a-b", "{{ .X }}", "null", "true", "0", "-1", "é", "a\nb", "=", "up", "up > ", "host:25",
); // biome-ignore format: a list

function arbitraryOf(schema: Schema, depth: number): fc.Arbitrary<unknown> {
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema["x-kubernetes-int-or-string"]) return fc.oneof(fc.integer({ min: 0, max: 99 }), text);
  switch (schema.type) {
    case "object":
      return objectOf(schema, depth);
    case "array":
      return fc.array(arbitraryOf(schema.items ?? {}, depth + 1), { maxLength: 2 });
    case "integer":
      return fc.integer({ min: -1, max: 100_000 });
    case "number":
      return fc.double({ min: 0, max: 10, noNaN: true });
    case "boolean":
      return fc.boolean();
    case "string":
      return text;
    default:
      return fc.oneof(text, fc.integer(), fc.constant({}));
  }
}

function objectOf(schema: Schema, depth: number): fc.Arbitrary<Record<string, unknown>> {
  if (!schema.properties) {
    const value = typeof schema.additionalProperties === "object" ? schema.additionalProperties : { type: "string" };
    return fc.dictionary(text, arbitraryOf(value, depth + 1), { maxKeys: 2 });
  }
  const entries = Object.entries(schema.properties);
  // Few fields a level, so that deep ones are reached and objects stay small.
  return fc.subarray(entries, { maxLength: Math.min(entries.length, depth === 0 ? 12 : 4) }).chain((chosen) => {
    const required = entries.filter(([name]) => schema.required?.includes(name));
    const fields = new Map([...required, ...chosen]);
    return fc.record(Object.fromEntries([...fields].map(([name, field]) => [name, arbitraryOf(field, depth + 1)])));
  });
}

/** Objects of a kind, their spec at random. */
function objects(kind: string) {
  return objectOf(specSchema(kind), 0).map((spec) => ({
    apiVersion: "monitoring.coreos.com/v1",
    kind,
    metadata: { name: "fuzz", namespace: "default", uid: "1" },
    spec,
  }));
}

const versions = fc.constantFrom("v2.20.0", "v2.45.0", "v2.55.0", "v3.0.0", "v3.13.2");
const assets = () => new AssetStore((_, __, name) => (name === "a" ? { a: "x", web: "y" } : undefined), "/certs");
const runs = { numRuns: 150, seed: 42 };

function scope(version: string, instance: Prometheus): GenerationScope {
  return {
    prometheus: instance,
    assets: assets(),
    gate: new VersionGate(version),
    endpointSlices: true,
    apiServer: undefined,
  };
}

describe("random objects", () => {
  test.each(["ServiceMonitor", "PodMonitor", "Probe", "ScrapeConfig"])(
    "%s: jobs that can be read, or a reason",
    (kind) => {
      fc.assert(
        fc.property(objects(kind), versions, (object, version) => {
          const made = monitorJobs(object as unknown as Monitor, scope(version, prometheus({ version })), ANYWHERE);
          if (made.error) expect(made.error.code).toMatch(/^operator\.(invalid|reference)$/);
          else expect(() => checkReadable(`scrape_configs:\n${made.text || " []\n"}`, "upstream")).not.toThrow();
        }),
        runs,
      );
    },
  );

  test("PrometheusRule", () => {
    fc.assert(
      fc.property(objects("PrometheusRule"), versions, fc.boolean(), (object, version, thanos) => {
        const enforcement = { label: "ns", excluded: [] };
        const { error } = ruleFile(object as unknown as PrometheusRule, { version, thanos, enforcement });
        if (error) expect(error.code).toBe("operator.invalid");
      }),
      runs,
    );
  });

  test("AlertmanagerConfig", () => {
    fc.assert(
      fc.property(
        objects("AlertmanagerConfig"),
        fc.constantFrom("v0.21.0", "v0.25.0", "v0.33.1"),
        (object, version) => {
          const error = validateAlertmanagerConfig(
            object as unknown as AlertmanagerConfig,
            alertmanagerScope(undefined, {}, version),
          );
          if (error) expect(error.code).toMatch(/^operator\.(invalid|reference)$/);
        },
      ),
      runs,
    );
  });

  test.each(["Prometheus", "PrometheusAgent"])("%s: a configuration that is read or refused in words", (kind) => {
    fc.assert(
      fc.property(objects(kind), versions, (object, version) => {
        const instance = object as unknown as Prometheus;
        const own = scope(version, instance);
        try {
          checkInstance(own);
          const config =
            kind === "Prometheus" ? generatePrometheusConfig(instance, {}, [], own) : generateAgentConfig({}, own);
          checkReadable(assemble(config, []), "upstream");
        } catch (error) {
          if (!(error instanceof UserError)) throw error;
        }
      }),
      runs,
    );
  });
});

interface Container {
  name: string;
  image?: string;
  volumeMounts?: { name: string; mountPath: string }[];
}
interface Template {
  spec: { containers: Container[]; initContainers?: Container[]; volumes?: { name: string }[] };
}
interface WorkloadSpec {
  template: Template;
  volumeClaimTemplates?: { metadata: { name: string } }[];
}

const VERSIONS = {
  Prometheus: "v3.5.0",
  PrometheusAgent: "v3.5.0",
  Alertmanager: "v0.28.0",
  ThanosRuler: "v0.37.0",
} as const;

const NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;

function checkWorkload(workload: KubeObject, own: ReadonlySet<string>): void {
  const { template, volumeClaimTemplates = [] } = workload.spec as WorkloadSpec;
  const { containers, initContainers = [], volumes = [] } = template.spec;
  const known = new Set([
    ...volumes.map(({ name }) => name),
    ...volumeClaimTemplates.map(({ metadata }) => metadata.name),
  ]);
  for (const container of [...containers, ...initContainers]) {
    // Containers of the user's own are as the user wrote them.
    if (!own.has(container.name)) continue;
    expect(container.image).toBeTruthy();
    for (const { name } of container.volumeMounts ?? []) {
      if (name !== "" && !known.has(name)) throw new Error(`${container.name} mounts ${name}, which there is not`);
    }
  }
}

test.each(INSTANCE_KINDS)("%s: whole workloads, or a reason in words", (kind) => {
  const main = {
    Prometheus: "prometheus",
    PrometheusAgent: "prometheus",
    Alertmanager: "alertmanager",
    ThanosRuler: "thanos-ruler",
  };
  const own = new Set([main[kind], "config-reloader", "init-config-reloader"]);
  fc.assert(
    fc.property(objects(kind), fc.boolean(), fc.integer({ min: 1, max: 3 }), (object, withFiles, shards) => {
      // Mounts of the user's own may name anything.
      const { volumeMounts: _mounts, containers: _containers, initContainers: _init, ...spec } = object.spec;
      const desired: DesiredInstance = {
        kind,
        resource: { ...object, spec: { ...spec, version: VERSIONS[kind], shards, queryEndpoints: ["http://query"] } },
        config: "x",
        files: new Map(withFiles ? [["a.yaml", "groups: []"]] : []),
        certificates: new Map(),
      };
      try {
        const { service, files, workloads } = renderInstance(desired, DEFAULT_WORKLOAD_OPTIONS);
        const all = [...(service ? [service] : []), ...files, ...workloads];
        for (const { metadata, apiVersion, kind: type } of all) {
          expect([apiVersion, type, metadata.namespace]).toEqual([expect.any(String), expect.any(String), "default"]);
          expect(metadata.name).toMatch(NAME);
        }
        for (const workload of workloads) checkWorkload(workload, own);
        // The same again, to the byte: nothing rolls without a reason.
        const again = renderInstance(desired, DEFAULT_WORKLOAD_OPTIONS);
        expect(JSON.stringify([again.service, again.files, again.workloads])).toBe(
          JSON.stringify([service, files, workloads]),
        );
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
      }
    }),
    { numRuns: 200, seed: 7 },
  );
});
