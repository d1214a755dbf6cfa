/** `check metrics`: an exposition on standard input, its names and its size. */
import { type MetricFamily, parseFamilies } from "@pharos/exposition";
import type { FlagSpecs } from "@pharos/kit";
import { UserError } from "@pharos/model";
import { type Subcommand, valuesOf } from "../subcommands/subcommand.ts";
import { FAILURE, LINT, SUCCESS } from "./exit.ts";
import { lintMetrics } from "./metric-lint.ts";
import { formatTable } from "./table.ts";

const FLAGS = {
  extended: { type: "boolean", help: "Print extended information related to the cardinality of the metrics." },
  lint: { type: "string", default: "all", choices: ["all", "none"], help: "Linting checks to apply: all, none." },
} as const satisfies FlagSpecs;

function cardinalityOf(family: MetricFamily): number {
  if (family.type === "histogram" || family.type === "gaugehistogram") {
    return family.metrics.reduce((sum, { buckets }) => sum + 2 + buckets.length, 0);
  }
  if (family.type === "summary") return family.metrics.reduce((sum, { quantiles }) => sum + 2 + quantiles.length, 0);
  return family.metrics.length;
}

function cardinalityTable(families: readonly MetricFamily[]): string {
  const stats = families
    .map((family) => ({ name: family.name, cardinality: cardinalityOf(family) }))
    .sort((a, b) => b.cardinality - a.cardinality);
  const total = stats.reduce((sum, { cardinality }) => sum + cardinality, 0);
  return formatTable([
    ["Metric", "Cardinality", "Percentage"],
    ...stats.map(({ name, cardinality }) => [
      name,
      String(cardinality),
      `${((100 * cardinality) / total).toFixed(2)}%`,
    ]),
    ["Total", String(total), "100%"],
  ]);
}

export const checkMetrics: Subcommand = {
  path: "check metrics",
  summary: "Lint the metrics on standard input for consistency and correctness.",
  usage: "< FILE",
  args: { min: 0, max: 0 },
  flags: FLAGS,
  run(invocation) {
    const { write, warn, readInput } = invocation;
    const { extended, lint } = valuesOf(FLAGS, invocation.values);
    if (!extended && lint === "none") {
      throw new UserError("pharos.check", "at least one of --extended or linting must be enabled", {
        fix: "Use --extended for cardinality analysis, or remove --lint=none",
      });
    }
    const body = readInput();
    let families: MetricFamily[];
    try {
      families = parseFamilies(body, "text");
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      warn(`error while linting: ${error.describe()}\n`);
      return FAILURE;
    }
    const helped = new Set(
      [...body.toString("latin1").matchAll(/^[ \t]*#[ \t]+HELP[ \t]+(\S+)/gm)].map(([, name]) => name),
    );
    const problems =
      lint === "none" ? [] : lintMetrics(families.map((family) => ({ family, hasHelp: helped.has(family.name) })));
    for (const { metric, text } of problems) warn(`${metric} ${text}\n`);
    if (extended) write(cardinalityTable(families));
    return problems.length > 0 ? LINT : SUCCESS;
  },
};
