/** Statistics of a query as upstream's API shows them, and what Pharos has beside. */
import type { QueryStats } from "@pharos/promql";

/** With `perStep`: the samples looked at for each step as well. */
export function statsJson(stats: QueryStats, perStep: boolean): string {
  const { preparationMs, evaluationMs, sortMs, totalSamples, samplesRead, peakSamples, peakBytes } = stats;
  const total = (preparationMs + evaluationMs + sortMs) / 1000;
  const { timestamps, samples } = stats.perStep;
  return JSON.stringify({
    timings: {
      evalTotalTime: total,
      resultSortTime: sortMs / 1000,
      queryPreparationTime: preparationMs / 1000,
      innerEvalTime: evaluationMs / 1000,
      execQueueTime: 0,
      execTotalTime: total,
    },
    samples: {
      ...(perStep && {
        totalQueryableSamplesPerStep: Array.from(samples, (count, i) => [timestamps[i] / 1000, count]),
      }),
      totalQueryableSamples: totalSamples,
      samplesRead,
      peakSamples,
    },
    memory: { peakBytes },
  });
}
