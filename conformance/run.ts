/**
 * Runs the peers' data suites: `npm run conformance [-- SUITE…] [--failures N]`, one line a suite, and writes
 * docs/conformance.md when all suites ran. The data is not part of this repository: it is read from
 * `$PHAROS_CONFORMANCE`, else from ../shared/conformance. Exits 1 when a suite has fewer passes than the recorded floor
 * in docs/conformance.md, 2 when the data is missing (0 with `--allow-missing`).
 */
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import type { Suite, SuiteResult } from "./suite.ts";

const root = dirname(import.meta.dirname);
const { values: options, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: { failures: { type: "string", default: "5" }, "allow-missing": { type: "boolean", default: false } },
});
const data = process.env.PHAROS_CONFORMANCE ?? join(dirname(root), "shared", "conformance");
if (!existsSync(data)) {
  console.error(`\n!! NO CONFORMANCE DATA at ${data}: NOTHING WAS CHECKED. Set PHAROS_CONFORMANCE to its folder.\n`);
  process.exit(options["allow-missing"] ? 0 : 2);
}

const suites: Suite[] = [];
for (const file of globSync("*.ts", { cwd: import.meta.dirname }).sort()) {
  if (file === "run.ts" || file === "suite.ts") continue;
  const module = (await import(join(import.meta.dirname, file))) as { suites: Suite[] };
  suites.push(...module.suites);
}
const unknown = wanted.filter((name) => !suites.some((suite) => suite.name === name));
if (unknown.length > 0) {
  console.error(`no suite ${unknown.join(", ")}; there are: ${suites.map((suite) => suite.name).join(", ")}`);
  process.exit(2);
}

const record = join(root, "docs", "conformance.md");
const recorded = new Map<string, { passed: number; total: number }>();
if (existsSync(record)) {
  for (const [, name, passed, total] of readFileSync(record, "utf8").matchAll(/^\| (\S+) \| (\d+) \| (\d+) \|/gm)) {
    recorded.set(name, { passed: Number(passed), total: Number(total) });
  }
}

const results = new Map<string, SuiteResult>();
let failed = false;
for (const suite of suites) {
  if (wanted.length > 0 && !wanted.includes(suite.name)) continue;
  const path = join(data, suite.data);
  if (!existsSync(path)) {
    console.error(`!! ${suite.name}: its data ${suite.data} is missing: NOT CHECKED`);
    failed = true;
    continue;
  }
  const result = await suite.run(path);
  if (result.notRun !== undefined) {
    console.error(`!! ${suite.name}: ${result.notRun}: NOT CHECKED`);
    continue;
  }
  results.set(suite.name, result);
  const floor = recorded.get(suite.name)?.passed ?? 0;
  const regressed = result.passed < floor;
  console.log(
    `${suite.name}: ${result.passed} of ${result.total} passed${regressed ? `, REGRESSED from ${floor}` : ""}`,
  );
  for (const line of result.failures.slice(0, Number(options.failures))) console.log(`  ${line}`);
  if (regressed || result.total === 0) failed = true;
}

if (wanted.length === 0 && !failed) {
  // A suite that could not be run keeps what was last seen.
  const rows = suites
    .flatMap(({ name }) => {
      const result = results.get(name) ?? recorded.get(name);
      return result ? [[name, result] as const] : [];
    })
    .map(([name, { passed, total }]) => `| ${name} | ${passed} | ${total} |`);
  writeFileSync(
    record,
    `# Conformance\n\nThe peers' own test cases, run against Pharos. Written by \`npm run conformance\`; never edited by hand.\n\n| suite | passed | total |\n|---|---:|---:|\n${rows.join("\n")}\n`,
  );
}
const passed = [...results.values()].reduce((sum, result) => sum + result.passed, 0);
const total = [...results.values()].reduce((sum, result) => sum + result.total, 0);
console.log(`${passed} passed, ${total - passed} below upstream in ${results.size} suites`);
process.exit(failed ? 1 : 0);
