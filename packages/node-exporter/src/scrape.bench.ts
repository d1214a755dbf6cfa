/**
 * What a scrape costs: `node packages/node-exporter/src/scrape.bench.ts [SCRAPES [SECONDS]]` starts `pharos node-exporter` as
 * a user does and, with $PHAROS_PEERS/node_exporter, the real one; scrapes both in turn with gzip, SECONDS apart (0), and
 * prints processor time per scrape and resident memory of each.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { get } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const scrapes = Number(process.argv[2] ?? 300);
const pause = Number(process.argv[3] ?? 0) * 1000;
/** The first scrapes load what is loaded at need; they are not counted. */
const WARM_UP = 20;
const root = join(import.meta.dirname, "../../..");

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.on("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function scrape(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { "accept-encoding": "gzip" };
    get({ host: "127.0.0.1", port, path: "/metrics", headers, agent: false }, (response) => {
      let bytes = 0;
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
      });
      response.on("end", () => resolve(bytes));
    }).on("error", reject);
  });
}

interface Program {
  name: string;
  child: ChildProcess;
  port: number;
  pid: number;
}

/** The process that serves: under `pharos` it is the child that the pinned Node runs. */
function servingProcess(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return children === "" ? pid : Number(children.split(" ")[0]);
}

async function start(name: string, command: string, argv: readonly string[]): Promise<Program> {
  const port = await freePort();
  const child = spawn(command, [...argv, `--web.listen-address=127.0.0.1:${port}`], { stdio: "ignore" });
  for (let attempt = 0; ; attempt++) {
    await sleep(200);
    try {
      await scrape(port);
      return { name, child, port, pid: servingProcess(child.pid!) };
    } catch (error) {
      if (attempt > 100) throw error;
    }
  }
}

/** Processor time of a process so far, in ms. */
function cpu({ pid }: Program): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function resident({ pid }: Program): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}

// Installs and builds what is not there yet, however long it takes, and leaves the modules without their types behind.
spawnSync(process.execPath, [join(root, "scripts/run.mjs"), "version"], { stdio: "ignore" });
const first = await start("pharos node-exporter", process.execPath, [join(root, "scripts/run.mjs"), "node-exporter"]);
first.child.kill();
await new Promise((resolve) => first.child.on("exit", resolve));

const programs = [
  await start("pharos node-exporter", process.execPath, [join(root, "scripts/run.mjs"), "node-exporter"]),
];
const peers = process.env.PHAROS_PEERS;
if (peers) programs.push(await start("node_exporter", join(peers, "node_exporter"), []));
else console.log("PHAROS_PEERS is not set: nothing to compare with");

try {
  for (const program of programs) for (let i = 0; i < WARM_UP; i++) await scrape(program.port);
  const before = programs.map(cpu);
  const peak = programs.map(resident);
  for (let i = 0; i < scrapes; i++) {
    for (const [j, program] of programs.entries()) {
      await scrape(program.port);
      peak[j] = Math.max(peak[j], resident(program));
    }
    await sleep(pause);
  }
  for (const [i, program] of programs.entries()) {
    const each = (cpu(program) - before[i]) / scrapes;
    console.log(
      `${program.name}: ${each.toFixed(2)} ms of processor time a scrape, ${resident(program).toFixed(1)} MiB resident, ${peak[i].toFixed(1)} at most`,
    );
  }
} finally {
  for (const { child } of programs) child.kill();
}
