/**
 * `node conformance/alertmanager/load.ts [seconds]`: the same load on Pharos and on a real Alertmanager, one after the other. 100,000
 * alerts in 1,000 groups, sent again as Prometheus does, ten receivers of which three never answer; how long the API takes, and what
 * it costs.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, peersFolder } from "./real.ts";

const ALERTS = 100_000;
const GROUPS = 1000;
const RECEIVERS = 10;
const HANGING = 3;
const BATCH = 250;
const RESEND_MS = 30_000;
const PROBE_EVERY_MS = 100;
const START_MS = 30_000;
const TICKS_PER_SECOND = 100;
const MAIN = join(dirname(dirname(import.meta.dirname)), "packages", "pharos", "src", "main.ts");

interface Figures {
  "ingest of all, s": number;
  "API p50, ms": number;
  "API p99, ms": number;
  "API max, ms": number;
  "CPU, s": number;
  "RSS at its most, MiB": number;
  "groups told": number;
  "notifications told": number;
}

const CONFIG = (url: string): string => `route:
  receiver: r0
  group_by: [alertname]
  group_wait: 5s
  group_interval: 10s
  repeat_interval: 1h
  routes: [${Array.from({ length: RECEIVERS }, (_, i) => `{receiver: r${i}, matchers: ['to="r${i}"']}`).join(", ")}]
inhibit_rules: [{source_matchers: [severity="critical"], target_matchers: [severity="warning"], equal: [alertname]}]
receivers:
${Array.from({ length: RECEIVERS }, (_, i) => `- {name: r${i}, webhook_configs: [{url: '${url}/r${i}'}]}`).join("\n")}
`;

function makeBatches(): string[] {
  const alerts = Array.from({ length: ALERTS }, (_, i) => {
    const group = i % GROUPS;
    return {
      labels: {
        alertname: `Group${group}`,
        to: `r${group % RECEIVERS}`,
        instance: `10.0.${(i / 250) | 0}.${i % 250}:9100`,
        job: "node",
        namespace: `namespace-${i % 50}`,
        severity: i === 7 ? "critical" : "page",
      },
      annotations: {
        summary: `Instance ${i} of group ${group} is in trouble`,
        runbook_url: `http://runbooks/${group}`,
      },
      generatorURL: `http://prometheus:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=${i}`,
    };
  });
  return Array.from({ length: ALERTS / BATCH }, (_, i) => JSON.stringify(alerts.slice(i * BATCH, (i + 1) * BATCH)));
}

async function measure(command: string, argv: readonly string[], seconds: number): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), "pharos-am-load-"));
  const told = new Set<string>();
  let notifications = 0;
  const receiver = createServer((request, response) => {
    const isHanging = Number(request.url?.slice(2)) < HANGING;
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      if (size === 0) told.add(/"alertname":"(\w+)"/u.exec(chunk.toString("latin1"))?.[1] ?? "");
      size += chunk.length;
    });
    request.on("end", () => {
      if (isHanging) return;
      notifications++;
      response.end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  const configFile = join(folder, "config.yml");
  writeFileSync(configFile, CONFIG(`http://127.0.0.1:${(receiver.address() as AddressInfo).port}`));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(
    command,
    [
      ...argv, `--config.file=${configFile}`, `--storage.path=${join(folder, "data")}`, `--web.listen-address=127.0.0.1:${port}`,
      "--cluster.listen-address=",
    ], // biome-ignore format: a command line
    { stdio: "ignore" },
  );
  try {
    const end = Date.now() + START_MS;
    while (Date.now() < end && !(await fetch(`${url}/-/ready`).catch(() => undefined))?.ok) await sleep(50);
    const batches = makeBatches();
    const send = async (): Promise<void> => {
      for (const body of batches)
        await fetch(`${url}/api/v2/alerts`, { method: "POST", headers: { "content-type": "application/json" }, body });
    };
    let highest = 0;
    const cpu = (): number => {
      const fields = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1].split(" ");
      return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    };
    const rss = (): void => {
      const kib = Number(/VmRSS:\s+(\d+)/u.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1]);
      highest = Math.max(highest, kib / 1024);
    };
    const begun = performance.now();
    await send();
    const ingest = (performance.now() - begun) / 1000;
    const times: number[] = [];
    const paths = ["/api/v2/status", `/api/v2/alerts?filter=alertname%3D%22Group17%22`, "/api/v2/silences"];
    let over = false;
    const sending = (async () => {
      while (!over) {
        await sleep(Math.min(RESEND_MS, seconds * 1000), undefined);
        if (!over) await send();
      }
    })();
    const stop = performance.now() + seconds * 1000;
    for (let i = 0; performance.now() < stop; i++) {
      const at = performance.now();
      await (await fetch(url + paths[i % paths.length])).text();
      times.push(performance.now() - at);
      rss();
      await sleep(PROBE_EVERY_MS);
    }
    over = true;
    await sending;
    times.sort((a, b) => a - b);
    const part = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))];
    return {
      "ingest of all, s": ingest,
      "API p50, ms": part(0.5),
      "API p99, ms": part(0.99),
      "API max, ms": part(1),
      "CPU, s": cpu(),
      "RSS at its most, MiB": highest,
      "groups told": told.size,
      "notifications told": notifications,
    };
  } finally {
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    await gone;
    receiver.closeAllConnections();
    receiver.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const DEFAULT_SECONDS = 60;
const seconds = Number(process.argv[2] ?? DEFAULT_SECONDS);
const peers = peersFolder();
const pharos = await measure(process.execPath, [MAIN, "alertmanager"], seconds);
const real = peers ? await measure(join(peers, "alertmanager"), [], seconds) : undefined;
process.stdout.write(`${"".padEnd(24)}${"Pharos".padStart(12)}${"Alertmanager".padStart(16)}\n`);
for (const [name, value] of Object.entries(pharos)) {
  const theirs = real?.[name as keyof Figures];
  process.stdout.write(
    `${name.padEnd(24)}${value.toFixed(1).padStart(12)}${(theirs?.toFixed(1) ?? "-").padStart(16)}\n`,
  );
}
