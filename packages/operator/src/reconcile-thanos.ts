/** One ThanosRuler: its rules; everything else of it is command line (thanos/args.ts). */
import type { Plan, PlanContext } from "./plan.ts";
import type { ThanosRuler } from "./resources/types.ts";
import { selectRules } from "./rule-selection.ts";
import { thanosSecrets } from "./thanos/args.ts";
import { DEFAULT_THANOS_VERSION } from "./version.ts";

export function planThanosRuler(ruler: ThanosRuler, context: PlanContext): Plan {
  const { spec } = ruler;
  const version = spec.version || DEFAULT_THANOS_VERSION;
  const label = spec.enforcedNamespaceLabel;
  const rules = selectRules(
    ruler,
    {
      version,
      thanos: true,
      enforcement: label ? { label, excluded: spec.excludedFromEnforcement ?? [] } : undefined,
    },
    context,
  );
  for (const name of thanosSecrets(ruler)) context.references.add(`Secret/${ruler.metadata.namespace}/${name}`);
  return {
    desired: { kind: "ThanosRuler", resource: ruler, config: "", files: rules.files, certificates: new Map() },
    selected: { PrometheusRule: rules.accepted },
    rejected: rules.rejected,
    notes: [],
  };
}
