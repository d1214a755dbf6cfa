/** Evaluation of a recording rule (upstream's rules/recording.go). */
import { type Labels, LabelsBuilder, METRIC_NAME } from "@pharos/model";
import type { RuleContext, RuleSample } from "./context.ts";
import type { RecordingRuleSpec } from "./rule-file.ts";

export class RecordingRule {
  readonly spec: RecordingRuleSpec;
  /** Samples that the selectors found in the last evaluation, where it is known. */
  samplesRead: number | undefined;

  constructor(spec: RecordingRuleSpec) {
    this.spec = spec;
  }

  get name(): string {
    return this.spec.record;
  }

  /** Samples to be written at `timeMs - queryOffset`. */
  async evaluate(context: RuleContext, timeMs: number, queryOffset: number, limit: number): Promise<RuleSample[]> {
    const { samples, samplesRead } = await context.query(this.spec.expr, timeMs - queryOffset);
    this.samplesRead = samplesRead;
    const seen = new Set<string>();
    const out = samples.map((sample) => {
      const builder = new LabelsBuilder(sample.labels);
      builder.set(METRIC_NAME, this.spec.record);
      for (const [name, value] of Object.entries(this.spec.labels)) builder.set(name, value);
      const labels: Labels = builder.build();
      const key = labels.key();
      if (seen.has(key)) throw new Error("vector contains metrics with the same labelset after applying rule labels");
      seen.add(key);
      return { ...sample, labels };
    });
    if (limit > 0 && out.length > limit) throw new Error(`exceeded limit of ${limit} with ${out.length} series`);
    return out;
  }
}
