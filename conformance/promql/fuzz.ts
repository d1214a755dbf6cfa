/**
 * The long form of the differential test: `node conformance/promql/fuzz.ts --peers FOLDER [--seed N] [--count N]`.
 * Prints every difference; exits 1 when there is one.
 */
import { parseArgs } from "node:util";
import { runDifferential } from "./differential.ts";

const { values } = parseArgs({
  options: {
    peers: { type: "string", default: process.env.PHAROS_PEERS ?? "../peers/bin" },
    seed: { type: "string", default: "1" },
    count: { type: "string", default: "20000" },
    show: { type: "string", default: "50" },
  },
});

const report = await runDifferential({
  peers: values.peers,
  seed: Number(values.seed),
  count: Number(values.count),
  onProgress: (done) => {
    if (done % 1000 === 0) console.error(`${done} expressions`);
  },
});
for (const { query, start, end, step, delayedNameRemoval, text } of report.differences.slice(0, Number(values.show))) {
  const when = step === 0 ? `at ${start}` : `from ${start} to ${end} by ${step}`;
  console.log(`${query}\n  ${when}${delayedNameRemoval ? ", delayed names" : ""}\n    ${text}`);
}
const { expressions, queries, filled, failed, newer, undetermined, differences } = report;
for (const [reason, count] of newer) console.log(`${count} newer: ${reason}`);
console.log(
  `${expressions} expressions, ${queries} queries: ${filled} with samples, ${failed} failed alike, ${undetermined} left to chance, ${differences.length} differ`,
);
process.exit(differences.length > 0 ? 1 : 0);
