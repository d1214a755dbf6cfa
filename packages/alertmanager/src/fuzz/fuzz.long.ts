/** The long form: `node packages/alertmanager/src/fuzz/fuzz.long.ts [INPUTS PER TARGET] [SEED] [TARGET]`. */
import { fuzz, TARGETS } from "./targets.ts";

const PROGRESS = 100_000;
const [count = "1000000", seed = "1", only] = process.argv.slice(2);
let failed = false;
for (const name of Object.keys(TARGETS)) {
  if (only && name !== only) continue;
  const begun = performance.now();
  const { tried, findings } = await fuzz(name, Number(count), Number(seed), (done) => {
    if (done % PROGRESS === 0) process.stderr.write(`${name}: ${done}\n`);
  });
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  console.log(`${name}: ${tried} inputs from seed ${seed} in ${seconds} s, ${findings.length} findings`);
  for (const finding of findings.slice(0, 3)) console.error(finding);
  failed ||= findings.length > 0;
}
process.exitCode = failed ? 1 : 0;
