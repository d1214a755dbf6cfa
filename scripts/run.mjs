// node scripts/run.mjs COMMAND…            runs `pharos COMMAND…` with the pinned Node, after set-up
// node scripts/run.mjs --script FILE ARG…  runs a TypeScript file of this repository the same way
//
// What npm's scripts call, as that works wherever npm does; bin/pharos does the same without staying in memory.
import { spawn } from "node:child_process";
import { launchOf, prepareOrExit } from "./launch.mjs";

const args = process.argv.slice(2);
await prepareOrExit(args);
const { command, env } = launchOf(args);
const child = spawn(command[0], [...command.slice(1), ...args.slice(args[0] === "--script" ? 2 : 0)], {
  stdio: "inherit",
  env: { ...process.env, ...env },
});
// A terminal sends Ctrl-C to the whole group: the child gets it by itself and decides when to end.
process.on("SIGINT", () => {});
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGKILL" ? 137 : 1)));
