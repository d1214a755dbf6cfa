/** Ten minutes of the side-by-side run, or as many seconds as the first argument says: `npm run long:side-by-side [-- SECONDS]`. */
import { join } from "node:path";
import { parseArgs } from "node:util";

const { positionals } = parseArgs({ allowPositionals: true });
process.env.PHAROS_SIDE_SECONDS = positionals[0] ?? "600";
const { suites } = await import("../prometheus-side-by-side.ts");
let failed = false;
for (const suite of suites) {
  const { passed, total, failures, notRun } = await suite.run(join(import.meta.dirname, suite.data));
  console.log(`${suite.name}: ${notRun ?? `${passed} of ${total} passed`}`);
  for (const line of failures) console.log(`  ${line}`);
  failed ||= passed < total || notRun !== undefined;
}
process.exit(failed ? 1 : 0);
