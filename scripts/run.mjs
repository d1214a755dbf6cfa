// node scripts/run.mjs COMMAND…            runs `pharos COMMAND…` with the pinned Node, after set-up
// node scripts/run.mjs --script FILE ARG…  runs a TypeScript file of this repository the same way
import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { pinnedNode, root, setUp } from "./setup.mjs";

const args = process.argv.slice(2);
try {
  await setUp();
} catch (error) {
  console.error(`pharos: set-up failed: ${error.message}`);
  process.exit(1);
}
const target =
  args[0] === "--script"
    ? [join(root, args[1]), ...args.slice(2)]
    : [join(root, "packages/pharos/src/main.ts"), ...args];
// A node exporter runs beside everything else and scrapes are rare: small before fast.
const LEAN = ["--max-semi-space-size=1", "--single-threaded", "--no-opt", "--no-maglev", "--expose-gc"];
const flags = args[0] === "node-exporter" ? LEAN : [];
const env = {
  // Modules without their types are kept from start to start: the next one is faster and needs 20 MB less.
  NODE_COMPILE_CACHE: join(root, "node_modules", ".cache", "pharos-compile"),
  // Reads of a device or file system that hangs hold a thread each: the usual four are too few.
  UV_THREADPOOL_SIZE: "8",
  ...process.env,
};
// Sockets that systemd opened lie behind the three streams; the child knows them by this process' id.
const sockets = process.env.LISTEN_PID === String(process.pid) ? Number(process.env.LISTEN_FDS) || 0 : 0;
const stdio = ["inherit", "inherit", "inherit", ...Array.from({ length: sockets }, (_, i) => 3 + i)];
// Node says of node:ffi, which reads the clock, that it may change; the pinned Node does not.
const nodeFlags = ["--disable-warning=ExperimentalWarning", ...flags];
// Taking types out of the sources costs 30 MB that are never given back: where they count, another process does it first.
if (flags.length > 0)
  spawnSync(pinnedNode(), [...nodeFlags, target[0], args[0], "--load-everything"], { stdio: "ignore", env });
const child = spawn(pinnedNode(), [...nodeFlags, ...target], {
  stdio,
  env,
});
// A terminal sends Ctrl-C to the whole group: the child gets it by itself and decides when to end.
process.on("SIGINT", () => {});
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGKILL" ? 137 : 1)));
