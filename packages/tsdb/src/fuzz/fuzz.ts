/** Runs targets on damaged inputs and tells what no input may cause. */
import { UserError } from "@pharos/model";
import { mutate, Random } from "./mutate.ts";
import type { FuzzTarget } from "./targets.ts";

export interface FuzzFinding {
  target: string;
  /** The seed and the number of the input: enough to make it again. */
  seed: number;
  input: number;
  problem: string;
  bytes: string;
}

/** An input that takes more CPU, ms, counts as a hang. */
const LONG_MS = 2_000;
/** What one input may make resident beyond what is usual. */
const MUCH_BYTES = 512 * 2 ** 20;

/** Errors that say what is wrong with the input; anything else is a bug. */
function expected(error: unknown): boolean {
  if (error instanceof UserError) return true;
  if (!(error instanceof Error)) return false;
  // Decoders of records throw plain errors with these words, which the log's reader turns into a report.
  return !(
    error instanceof TypeError ||
    error instanceof ReferenceError ||
    error.message.includes("Invalid array length")
  );
}

/** `count` inputs for each target. */
export function fuzz(targets: readonly FuzzTarget[], seed: number, count: number): FuzzFinding[] {
  const findings: FuzzFinding[] = [];
  for (const target of targets) {
    const random = new Random(seed);
    let usual = process.memoryUsage().rss;
    for (let input = 0; input < count; input++) {
      const bytes = mutate(target.seeds[random.below(target.seeds.length)], random);
      if (target.reseal && random.below(4) > 0) target.reseal(bytes, random);
      const found = (problem: string): void => {
        findings.push({ target: target.name, seed, input, problem, bytes: bytes.subarray(0, 400).toString("hex") });
      };
      const started = process.cpuUsage();
      try {
        target.run(bytes);
      } catch (error) {
        if (!expected(error)) found(error instanceof Error ? (error.stack ?? error.message) : String(error));
      }
      const { user, system } = process.cpuUsage(started);
      if (user + system > 1000 * LONG_MS) found(`took ${Math.round((user + system) / 1000)} ms`);
      if (input % 256 === 0) {
        const { rss } = process.memoryUsage();
        if (rss > usual + MUCH_BYTES) found(`made ${Math.round((rss - usual) / 2 ** 20)} MiB resident`);
        usual = Math.max(usual, rss);
      }
      if (findings.length > 20) return findings;
    }
  }
  return findings;
}
