/** How rules query: an instant query whose scalar counts as one sample without labels (upstream's EngineQueryFunc). */
import { Labels, type Queryable } from "@pharos/model";
import type { Engine } from "@pharos/promql";
import type { RuleQuery } from "@pharos/rules";

export function createRuleQuery(engine: Engine, storage: Queryable): RuleQuery {
  return async (expr, timeMs, signal) => {
    const { value, warnings, stats } = await engine.instant(storage, expr, timeMs, {}, signal);
    switch (value.type) {
      case "vector":
        return {
          samples: value.samples.map(({ labels, v, h }) => ({ labels, value: v, histogram: h })),
          warnings,
          samplesRead: stats.samplesRead,
        };
      case "scalar":
        return { samples: [{ labels: Labels.empty, value: value.v }], warnings };
      default:
        throw new Error("rule result is not a vector or scalar");
    }
  };
}
