/** `tsdb analyze`: what a block is full of. */
import type { FlagSpecs } from "@pharos/kit";
import { formatGoDuration } from "@pharos/model";
import { parseMetricSelector } from "@pharos/promql";
import { openReadOnly } from "@pharos/tsdb";
import { type Subcommand, valuesOf } from "../subcommands/subcommand.ts";
import { SUCCESS } from "./exit.ts";
import { DEFAULT_DIR } from "./tsdb-list.ts";

const FLAGS = {
  limit: { type: "number", default: "20", help: "How many items to show in each list." },
  match: { type: "string", help: "Series selector to analyze." },
} as const satisfies FlagSpecs;

export const tsdbAnalyze: Subcommand = {
  path: "tsdb analyze",
  summary: "Analyze churn and label pair cardinality of a block.",
  usage: "[DIR] [BLOCK]",
  args: { min: 0, max: 2 },
  flags: FLAGS,
  async run(invocation) {
    const { args, write } = invocation;
    const { limit, match } = valuesOf(FLAGS, invocation.values);
    using db = await openReadOnly({ dir: args[0] ?? DEFAULT_DIR, withHead: false });
    const block = db.analyze(args[1], limit, match === undefined ? [] : parseMetricSelector(match));
    const lines = [
      `Block ID: ${block.ulid}`,
      `Duration: ${formatGoDuration(block.maxTime - block.minTime)}`,
      `Total Series: ${block.totalSeries}`,
      ...(match === undefined ? [] : [`Matcher: ${match}`]),
      `Label names: ${block.labelNames}`,
      ...(match === undefined ? [] : [`Matched series: ${block.matchedSeries}`]),
      `Postings (unique label pairs): ${block.labelPairs}`,
      `Postings entries (total label pairs): ${block.labelPairEntries}`,
    ];
    const lists = [
      ["Label pairs most involved in churning", block.churnByPair],
      ["Label names most involved in churning", block.churnByName],
      ["Most common label pairs", block.seriesByPair],
      ["Label names with highest cumulative label value length", block.valueBytesByName],
      ["Highest cardinality labels", block.valuesByName],
      ["Highest cardinality metric names", block.seriesByMetric],
    ] as const;
    for (const [title, list] of lists) {
      lines.push("", `${title}:`, ...list.map(({ name, value }) => `${value} ${name}`));
    }
    write(`${lines.join("\n")}\n`);
    return SUCCESS;
  },
};
