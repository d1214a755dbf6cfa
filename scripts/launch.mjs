// How a command of Pharos is run: with the pinned Node, flags that suit it, and the environment it needs.
// `node scripts/launch.mjs ARG…` sets up and prints that, a line a word; bin/pharos becomes it.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pinnedNode, root, setUp } from "./setup.mjs";

// Node says of node:ffi, which reads the clock, that it may change; the pinned Node does not.
const ALWAYS = ["--disable-warning=ExperimentalWarning"];
// A node exporter runs beside everything else and scrapes are rare: small before fast.
const LEAN = ["--max-semi-space-size=1", "--single-threaded", "--no-opt", "--no-maglev", "--expose-gc"];
// Samples and series are not in JavaScript's heap. What is there is small and stays: room to grow would only be memory that
// is never given back. Measured at 100,000 series: 206 MiB resident instead of 346, for less time.
const STEADY = ["--max-semi-space-size=8", "--heap-growing-percent=20"];

/** Words of the command line before the user's own, and what the environment needs beyond what is set. */
export function launchOf(args) {
  const command = [pinnedNode(), ...ALWAYS];
  if (args[0] === "--script") command.push(join(root, args[1]));
  else command.push(...(args[0] === "node-exporter" ? LEAN : STEADY), join(root, "packages/pharos/src/main.ts"));
  const wanted = {
    // Modules without their types are kept from start to start: the next one is faster and needs 20 MB less.
    NODE_COMPILE_CACHE: join(root, "node_modules", ".cache", "pharos-compile"),
    // Reads of a device or file system that hangs hold a thread each: the usual four are too few.
    UV_THREADPOOL_SIZE: "8",
  };
  const env = Object.fromEntries(Object.entries(wanted).filter(([name]) => process.env[name] === undefined));
  return { command, env };
}

/** Sets up; throws when that cannot be done. */
export async function prepare(args) {
  await setUp();
  if (args[0] !== "node-exporter") return;
  // Taking types out of the sources costs 30 MB that are never given back: where they count, another process does it first.
  const { command, env } = launchOf(args);
  spawnSync(command[0], [...command.slice(1), args[0], "--load-everything"], {
    stdio: "ignore",
    env: { ...process.env, ...env },
  });
}

/** `prepare`, or the end of this process with one line that says why. */
export async function prepareOrExit(args) {
  try {
    await prepare(args);
  } catch (error) {
    console.error(`pharos: set-up failed: ${error.message}`);
    process.exit(1);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const args = process.argv.slice(2);
  await prepareOrExit(args);
  const { command, env } = launchOf(args);
  const words = ["env", ...Object.entries(env).map(([name, value]) => `${name}=${value}`), ...command];
  process.stdout.write(`${words.join("\n")}\n`);
}
