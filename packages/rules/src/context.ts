/** What rules need of the world around them; the server hands it in. */
import type { Logger, Registry } from "@pharos/kit";
import type { Alert, Appendable, Labels, Queryable } from "@pharos/model";
import type { Expr } from "@pharos/promql";

export interface RuleSample {
  labels: Labels;
  value: number;
  histogram?: import("@pharos/model").FloatHistogram;
}

/** Instant query for rules: a scalar becomes one sample without labels; anything else is an error. */
export type RuleQuery = (
  expr: Expr | string,
  timeMs: number,
  signal?: AbortSignal,
) => Promise<{
  samples: RuleSample[];
  warnings: string[];
  /** Samples that the selectors found, where it is known. */
  samplesRead?: number;
}>;

export interface RuleContext {
  query: RuleQuery;
  appendable: Appendable;
  /** Where alert state is restored from after a restart. */
  queryable: Queryable;
  notify: (alerts: Alert[]) => void;
  /** Base URL of the server without a trailing slash, for links in alerts and templates; known once it listens. */
  externalUrl: () => string;
  log: Logger;
  registry: Registry;
  now: () => number;
  /** ms: how often a firing alert is sent again. */
  resendDelay: number;
  /** ms: how long an outage may last for `for` state to be restored. */
  outageTolerance: number;
  /** ms: shortest time between restoration and firing. */
  forGracePeriod: number;
  /** Rules of all groups that may run beside those whose turn it is; 1, the default: none, in their order. */
  maxConcurrentEvals?: number;
  /** Told of each template that was expanded, and whether that went well. */
  expanded?: (good: boolean) => void;
  /** Runs an evaluation of a group in a context that says so, for a log of queries. */
  inGroup?: <T>(group: { file: string; name: string }, work: () => Promise<T>) => Promise<T>;
}
