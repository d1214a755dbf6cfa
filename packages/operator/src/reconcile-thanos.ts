/** One ThanosRuler: its rules and where it writes; everything else of it is command line (thanos/args.ts). */
import { UserError } from "@pharos/model";
import { AssetStore } from "./assets.ts";
import { checkClient } from "./checks/client.ts";
import type { Plan, PlanContext } from "./plan.ts";
import { toYaml } from "./prometheus/config.ts";
import type { ClientScope } from "./prometheus/http-client.ts";
import { remoteWrite } from "./prometheus/remote-write.ts";
import type { ThanosRuler } from "./resources/types.ts";
import { selectRules } from "./rule-selection.ts";
import { thanosRulerArgs } from "./thanos/args.ts";
import { DEFAULT_PROMETHEUS_VERSION, DEFAULT_THANOS_VERSION, VersionGate } from "./version.ts";

/** The file of --remote-write.config-file; "" where nothing is written. */
function remoteWriteFile({ spec }: ThanosRuler, scope: ClientScope): string {
  const targets = spec.remoteWrite ?? [];
  for (const [i, target] of targets.entries()) checkClient(target, scope, `spec.remoteWrite[${i}]`);
  return targets.length > 0 ? toYaml({ remote_write: targets.map((target) => remoteWrite(target, scope)) }) : "";
}

export function planThanosRuler(ruler: ThanosRuler, context: PlanContext): Plan {
  const { spec, metadata } = ruler;
  const { namespace = "", name = "" } = metadata;
  const label = spec.enforcedNamespaceLabel;
  const { certificates } = context.driver.pathsOf("ThanosRuler", namespace, name);
  const assets = new AssetStore(context.cache.lookup, certificates);
  // Thanos reads what the Prometheus it is built with reads.
  const gate = new VersionGate(DEFAULT_PROMETHEUS_VERSION);
  try {
    thanosRulerArgs(ruler);
    const config = remoteWriteFile(ruler, { namespace, assets, gate });
    const rules = selectRules(
      ruler,
      {
        version: spec.version || DEFAULT_THANOS_VERSION,
        thanos: true,
        enforcement: label ? { label, excluded: spec.excludedFromEnforcement ?? [] } : undefined,
      },
      context,
    );
    return {
      desired: { kind: "ThanosRuler", resource: ruler, config, files: rules.files, certificates: assets.files },
      selected: { PrometheusRule: rules.accepted },
      rejected: rules.rejected,
      notes: [],
    };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(error.code, error.message, {
      where: { object: `ThanosRuler ${namespace}/${name}`, field: error.where.field },
      fix: error.fix,
      cause: error,
    });
  } finally {
    for (const reference of assets.references) context.references.add(reference);
  }
}
