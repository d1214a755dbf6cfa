/** The long form, by hand: `node packages/tsdb/src/fuzz/fuzz.long.ts [INPUTS PER TARGET] [SEED] [TARGET]`. */
import { fuzz } from "./fuzz.ts";
import { makeTargets } from "./targets.ts";

const [count = "100000", seed = "1", only] = process.argv.slice(2);
const { targets, close } = await makeTargets();
let failed = false;
for (const target of targets) {
  if (only && !target.name.includes(only)) continue;
  const started = performance.now();
  const findings = fuzz([target], Number(seed), Number(count));
  console.log(
    `${target.name}: ${count} inputs in ${((performance.now() - started) / 1000).toFixed(1)} s, ${findings.length} findings`,
  );
  for (const finding of findings.slice(0, 3)) console.error(finding);
  failed ||= findings.length > 0;
}
close();
process.exitCode = failed ? 1 : 0;
