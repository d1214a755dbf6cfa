/** Parts of the configuration that users write themselves, in a Secret. */
import { parseYaml } from "@pharos/kit";
import { UserError } from "@pharos/model";
import type { SecretKeyRef } from "../resources/common.ts";
import type { Yaml } from "./http-client.ts";
import { type GenerationScope, ownScope } from "./scope.ts";
import { shardUserRules } from "./sharding.ts";

function isMap(value: unknown): value is Yaml {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The list of mappings behind a key of a Secret; none when there is no reference or the key is empty. */
export function yamlList(reference: SecretKeyRef | undefined, field: string, scope: GenerationScope): Yaml[] {
  if (!reference) return [];
  const { namespace, assets } = ownScope(scope);
  const text = assets.secretIfThere(namespace, reference);
  if (text === undefined) return [];
  const place = `Secret ${namespace}/${reference.name} ${reference.key}`;
  const value = parseYaml(text, place).toValue();
  if (value === null || value === undefined) return [];
  if (!Array.isArray(value) || !value.every(isMap)) {
    throw new UserError("operator.invalid", `${place} is not a list of mappings`, {
      where: { field },
      fix: "Write it as a YAML list, each entry as it would stand in the configuration file",
    });
  }
  return value;
}

export function additionalJobs(scope: GenerationScope): Yaml[] {
  const jobs = yamlList(scope.prometheus.spec.additionalScrapeConfigs, "spec.additionalScrapeConfigs", scope);
  if (scope.features?.daemonSet) return jobs;
  return jobs.map((job) => {
    const rules = (job.relabel_configs as Yaml[] | undefined) ?? [];
    const sharded = shardUserRules(scope, rules);
    return sharded === rules ? job : { ...job, relabel_configs: sharded };
  });
}
