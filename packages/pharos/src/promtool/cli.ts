/** promtool's commands. */
import { Program, type Streams } from "../subcommands/subcommand.ts";
import { checkConfig } from "./check-config.ts";
import { checkMetrics } from "./check-metrics.ts";
import { checkRules } from "./check-rules.ts";
import { serverChecks } from "./check-server.ts";
import { checkWebConfig } from "./check-web-config.ts";
import { LANGUAGE_FLAGS } from "./language.ts";
import { promqlCommands } from "./promql.ts";
import { queryCommands } from "./query.ts";
import { testRules } from "./test-rules.ts";
import { tsdbAnalyze } from "./tsdb-analyze.ts";
import { dumpCommands } from "./tsdb-dump.ts";
import { importOpenMetrics } from "./tsdb-import.ts";
import { tsdbList } from "./tsdb-list.ts";

export const promtool = new Program(
  "pharos",
  [
    checkConfig,
    checkRules,
    checkWebConfig,
    checkMetrics,
    ...serverChecks,
    testRules,
    ...queryCommands,
    ...promqlCommands,
    tsdbList,
    tsdbAnalyze,
    ...dumpCommands,
    importOpenMetrics,
  ],
  LANGUAGE_FLAGS,
);

export function runPromtool(argv: readonly string[], streams: Streams): Promise<number> {
  return promtool.run(argv, streams);
}
