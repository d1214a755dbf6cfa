/**
 * PromQL beside a real Prometheus 3.5 on the same blocks: the compliance tester's queries, and a short run of random ones
 * (`node conformance/promql/fuzz.ts` is the long form). The binary is looked for in `$PHAROS_PEERS`, else in ../peers/bin;
 * without it nothing is checked.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { compareAnswers } from "./promql/compare.ts";
import { DEMO_END, demoData, expandQueries } from "./promql/compliance.ts";
import { runDifferential } from "./promql/differential.ts";
import { World } from "./promql/world.ts";
import type { Suite, SuiteResult } from "./suite.ts";

const peers = process.env.PHAROS_PEERS ?? join(dirname(dirname(import.meta.dirname)), "peers", "bin");
const EXPRESSIONS = 600;
const SEED = 7;

function withoutPeer(): SuiteResult | undefined {
  if (existsSync(join(peers, "prometheus"))) return undefined;
  return { passed: 0, total: 0, failures: [], notRun: "no prometheus to compare with; set PHAROS_PEERS to its folder" };
}

async function compliance(folder: string): Promise<SuiteResult> {
  const missing = withoutPeer();
  if (missing) return missing;
  await using world = await World.open({ peers, series: demoData(), delayedNameRemoval: false });
  const queries = expandQueries(readFileSync(join(folder, "promql-test-queries.yml"), "utf8"));
  const failures: string[] = [];
  for (const query of queries) {
    const range = await world.ask(query, DEMO_END - 600_000, DEMO_END, 10_000);
    const instant = await world.ask(query, DEMO_END, DEMO_END, 0);
    const problem = compareAnswers(range.own, range.peer, 1e-12) ?? compareAnswers(instant.own, instant.peer, 1e-12);
    if (problem !== undefined) failures.push(`${query}: ${problem}`);
  }
  return { passed: queries.length - failures.length, total: queries.length, failures };
}

async function differential(): Promise<SuiteResult> {
  const missing = withoutPeer();
  if (missing) return missing;
  const { queries, differences } = await runDifferential({ peers, seed: SEED, count: EXPRESSIONS });
  const failures = differences.map(({ query, start, step, text }) => `${query} at ${start} by ${step}: ${text}`);
  return { passed: queries - failures.length, total: queries, failures };
}

export const suites: Suite[] = [
  { name: "promql-compliance", data: "prometheus/compliance/promql", run: compliance },
  { name: "promql-differential", data: "prometheus/promqltest", run: differential },
];
