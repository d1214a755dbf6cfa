/**
 * The long form of the fuzz test, run by hand: `node packages/gotemplate/src/fuzz/run.ts [COUNT [SEED]]`, a million
 * templates unless told otherwise, as text and as HTML. Prints what ended how, and exits 1 with the text that failed.
 */
import { checkTemplate } from "./check.ts";
import { fuzzTemplate, random } from "./inputs.ts";

/** Resident memory that is too much for templates of at most 2,000 characters. */
const MAX_BYTES = 1.5 * 2 ** 30;

/** ms of this process: how long something takes on a machine that others use as well. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const count = Number(process.argv[2] ?? 1_000_000);
const seed = Number(process.argv[3] ?? 1);
const next = random(seed);
const endings = new Map<string, number>();
let slowest = { milliseconds: 0, text: "" };
for (let i = 0; i < count; i++) {
  const text = fuzzTemplate(next);
  const isHtml = next() < 0.5;
  try {
    const { code, milliseconds } = checkTemplate(text, isHtml, i % 1000 === 0, processorTime);
    endings.set(code ?? "ran", (endings.get(code ?? "ran") ?? 0) + 1);
    if (milliseconds > slowest.milliseconds) slowest = { milliseconds, text };
    if (i % 10_000 === 0 && process.memoryUsage().rss > MAX_BYTES) throw new Error("takes too much memory");
  } catch (error) {
    console.error(`template ${i} of seed ${seed} (${isHtml ? "html" : "text"}): ${JSON.stringify(text)}`);
    console.error(error);
    process.exit(1);
  }
}
const megabytes = Math.round(process.memoryUsage().rss / 2 ** 20);
console.log(`${count} templates from seed ${seed}:`, Object.fromEntries(endings));
console.log(
  `slowest ${Math.round(slowest.milliseconds)} ms: ${JSON.stringify(slowest.text)}; ${megabytes} MiB resident`,
);
