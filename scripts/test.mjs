// The whole test command: floors, lint, types, unit tests, end-to-end. `--only a,b` runs some of the steps.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { pinnedNode, root, setUp } from "./setup.mjs";

const only = process.argv.includes("--only") ? process.argv[process.argv.indexOf("--only") + 1].split(",") : undefined;
await setUp();
const node = pinnedNode();
const bin = (name) => join(root, "node_modules", name);
const report = (name) => join(root, "node_modules/.pharos", `${name}.json`);
const vitest = (project) => [
  bin("vitest/vitest.mjs"),
  ...["run", "--project", project, "--reporter=default", "--reporter=json", `--outputFile.json=${report(project)}`],
];
const steps = {
  floors: [join(root, "scripts/check-floors.ts")],
  lint: [bin("@biomejs/biome/bin/biome"), "check", "."],
  types: [bin("typescript/bin/tsc"), "-p", "."],
  "types-ui": [bin("typescript/bin/tsc"), "-p", "ui"],
  unit: vitest("unit"),
  e2e: vitest("e2e"),
};
let tests = 0;
// The pinned Node comes first on the PATH so that whatever a test starts runs on it as well.
const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
for (const [name, args] of Object.entries(steps)) {
  if (only && !only.includes(name)) continue;
  const started = Date.now();
  const { status } = spawnSync(node, args, { cwd: root, stdio: "inherit", env });
  if (status !== 0) {
    console.error(`\n${name}: failed`);
    process.exit(status ?? 1);
  }
  if (name === "unit" || name === "e2e") tests += JSON.parse(readFileSync(report(name), "utf8")).numPassedTests;
  console.log(`${name}: ok in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}
if (tests > 0) console.log(`${tests} passed, 0 failed`);
