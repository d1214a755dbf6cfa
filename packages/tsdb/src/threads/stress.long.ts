/** The long form of the threads' stress test, by hand: `node packages/tsdb/src/threads/stress.long.ts [SECONDS] [THREADS]`. */
import { stress } from "./stress.ts";

const [seconds = "120", threads = "2"] = process.argv.slice(2);
const report = await stress(1000 * Number(seconds), Number(threads));
console.log(report);
process.exitCode = report.problems.length > 0 ? 1 : 0;
