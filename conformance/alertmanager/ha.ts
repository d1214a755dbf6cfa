/**
 * Three replicas of which one after another is killed with SIGKILL, or stopped as a partition would, while alerts come to all of them
 * and their receiver fails now and then. No group that stays firing may go untold, and no silence that was accepted may be lost.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { silentLogger } from "@pharos/kit";
import { createApiServer } from "@pharos/kube";
import type { SuiteResult } from "../suite.ts";
import { randomOf } from "./random.ts";
import { freePort } from "./real.ts";

const MAIN = join(dirname(dirname(import.meta.dirname)), "packages", "pharos", "src", "main.ts");
const REPLICAS = 3;
const START_TIMEOUT_MS = 60_000;
const FIRING_MS = 8000;
const QUIET_MS = 30_000;
const STOPPED_MS = 2500;
const POST_EVERY_MS = 500;
const GROUP_EVERY_MS = 400;
const FAILING_SHARE = 0.3;
const STOP_SHARE = 0.2;
const SHARED_MS = 5000;

class Replica {
  readonly #argv: string[];
  readonly url: string;
  #process: ChildProcess | undefined;
  log = "";

  constructor(argv: string[], url: string) {
    this.#argv = argv;
    this.url = url;
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, this.#argv, { stdio: ["ignore", "ignore", "pipe"] });
    this.#process = child;
    child.stderr.on("data", (chunk) => (this.log = (this.log + chunk).slice(-4000)));
    const end = Date.now() + START_TIMEOUT_MS;
    while (Date.now() < end && child.exitCode === null) {
      if ((await fetch(`${this.url}/-/healthy`).catch(() => undefined))?.ok) return;
      await sleep(50);
    }
    throw new Error(`a replica did not start: ${this.log}`);
  }

  signal(name: NodeJS.Signals): void {
    this.#process?.kill(name);
  }

  async kill(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  }
}

interface Group {
  name: string;
  /** How many kills there had been when it was made. */
  round: number;
  startsAt: number;
  endsAt: number;
}

/** Answers of a webhook that fails now and then, before or after it has taken the message in. */
class FailingReceiver implements AsyncDisposable {
  readonly firing = new Map<string, number>();
  readonly resolved = new Map<string, number>();
  readonly #server: Server;
  readonly url: string;
  failing = true;

  private constructor(server: Server, url: string) {
    this.#server = server;
    this.url = url;
  }

  static async start(random: () => number): Promise<FailingReceiver> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const receiver = new FailingReceiver(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.on("request", async (request, response) => {
      const chunks: Buffer[] = [];
      try {
        for await (const chunk of request) chunks.push(chunk as Buffer);
      } catch {
        return;
      }
      await sleep(random() * 200);
      const isFailing = receiver.failing && random() < FAILING_SHARE;
      if (!isFailing) {
        const { status, groupLabels } = JSON.parse(Buffer.concat(chunks).toString()) as {
          status: "firing" | "resolved";
          groupLabels: { alertname: string };
        };
        const counts = receiver[status];
        counts.set(groupLabels.alertname, (counts.get(groupLabels.alertname) ?? 0) + 1);
      }
      response.writeHead(isFailing ? 503 : 200).end();
    });
    return receiver;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

async function post(url: string, body: unknown): Promise<Response | undefined> {
  return fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(2000),
  }).catch(() => undefined);
}

/** How replicas find each other: by their addresses, or in the Kubernetes API alone, so that no connection between them works. */
export type Meeting = "peers" | "kubernetes";

export async function runHa(kills: number, seed: number, meeting: Meeting = "peers"): Promise<SuiteResult> {
  const random = randomOf(seed);
  const folder = mkdtempSync(join(tmpdir(), "pharos-am-ha-"));
  const failures: string[] = [];
  const failed = new Set<string>();
  await using receiver = await FailingReceiver.start(random);
  const config = join(folder, "config.yml");
  writeFileSync(
    config,
    `route: {receiver: r, group_by: [alertname], group_wait: 500ms, group_interval: 1s, repeat_interval: 1h}
receivers: [{name: r, webhook_configs: [{url: '${receiver.url}/', timeout: 2s}]}]
`,
  );
  await using api =
    meeting === "kubernetes"
      ? await createApiServer({ dir: join(folder, "api"), host: "127.0.0.1", port: 0, log: silentLogger })
      : undefined;
  const ports = await Promise.all(Array.from({ length: REPLICAS * 2 }, () => freePort()));
  const peers = ports.slice(REPLICAS).map((port) => `127.0.0.1:${port}`);
  const replicas = peers.map(
    (peer, i) =>
      new Replica(
        [
          MAIN, "alertmanager", `--config.file=${config}`, `--storage.path=${join(folder, String(i))}`,
          `--web.listen-address=127.0.0.1:${ports[i]}`, `--cluster.listen-address=${peer}`, "--cluster.settle-timeout=5s",
          ...(api
            ? [
                "--cluster.kubernetes", `--cluster.kubernetes-server=${api.url}`, "--cluster.kubernetes-namespace=default",
                `--cluster.peer-name=replica-${i}`, "--cluster.advertise-address=127.0.0.1:1", "--cluster.peer-timeout=3s",
              ]
            : ["--cluster.peer-timeout=1s", ...peers.filter((other) => other !== peer).map((other) => `--cluster.peer=${other}`)]),
        ], // biome-ignore format: a command line
        `http://127.0.0.1:${ports[i]}`,
      ),
  );
  const groups: Group[] = [];
  const silences: { id: string; round: number }[] = [];
  let round = 0;
  let over = false;
  let isMaking = true;
  const postAlerts = async (): Promise<void> => {
    let lastGroup = 0;
    while (!over) {
      const now = Date.now();
      if (isMaking && now - lastGroup >= GROUP_EVERY_MS) {
        lastGroup = now;
        groups.push({ name: `g${groups.length}`, round, startsAt: now, endsAt: now + FIRING_MS });
      }
      // As Prometheus does: what is over is sent for a while still.
      const alerts = groups
        .filter(({ endsAt }) => now < endsAt + FIRING_MS)
        .map(({ name, startsAt, endsAt }) => ({
          labels: { alertname: name },
          startsAt: new Date(startsAt),
          endsAt: new Date(now < endsAt ? now + 60_000 : endsAt),
        }));
      await Promise.all(replicas.map(({ url }) => post(`${url}/api/v2/alerts`, alerts)));
      await sleep(POST_EVERY_MS);
    }
  };
  const makeSilences = async (): Promise<void> => {
    while (isMaking) {
      const made = round;
      const { url } = replicas[Math.floor(random() * REPLICAS)];
      const answer = await post(`${url}/api/v2/silences`, {
        matchers: [{ name: "alertname", value: `s${silences.length}`, isRegex: false, isEqual: true }],
        startsAt: new Date(),
        endsAt: new Date(Date.now() + 3_600_000),
        createdBy: "me",
        comment: "c",
      });
      if (answer?.ok) silences.push({ id: ((await answer.json()) as { silenceID: string }).silenceID, round: made });
      await sleep(POST_EVERY_MS);
    }
  };
  try {
    await Promise.all(replicas.map((replica) => replica.start()));
    const loops = [postAlerts(), makeSilences()];
    for (; round < kills; round++) {
      await sleep(random() * 2000);
      const victim = replicas[Math.floor(random() * REPLICAS)];
      if (random() < STOP_SHARE) {
        victim.signal("SIGSTOP");
        await sleep(STOPPED_MS);
        victim.signal("SIGCONT");
      } else {
        await victim.kill();
        await sleep(random() * 1000);
        await victim.start();
      }
    }
    isMaking = false;
    receiver.failing = false;
    const end = Date.now() + FIRING_MS + QUIET_MS;
    while (Date.now() < end && groups.some(({ name }) => !receiver.resolved.has(name))) await sleep(200);
    over = true;
    await Promise.all(loops);
    const fail = (kind: "groups" | "silences", at: number, message: string): void => {
      failed.add(`${kind} ${Math.min(at, kills - 1)}`);
      failures.push(message);
    };
    for (const { name, round: at } of groups) {
      if (!receiver.firing.has(name)) fail("groups", at, `${name} was never told as firing`);
      if (!receiver.resolved.has(name)) fail("groups", at, `${name} was never told as resolved`);
    }
    // The Kubernetes API has what one of them writes a second later.
    if (api) await sleep(SHARED_MS);
    for (const { url } of replicas) {
      const list = (await (await fetch(`${url}/api/v2/silences`)).json()) as { id: string }[];
      const ids = new Set(list.map(({ id }) => id));
      for (const { id, round: at } of silences)
        if (!ids.has(id)) fail("silences", at, `silence ${id} is lost at ${url}`);
    }
    const told = [...receiver.firing.values(), ...receiver.resolved.values()];
    const twice = told.reduce((sum, count) => sum + count - 1, 0);
    process.stderr.write(
      `alertmanager-ha, ${meeting}: ${kills} kills, ${groups.length} groups, ${silences.length} silences, ${twice} of ${told.length} told twice\n`,
    );
  } finally {
    over = true;
    isMaking = false;
    for (const replica of replicas) replica.signal("SIGCONT");
    await Promise.all(replicas.map((replica) => replica.kill()));
    rmSync(folder, { recursive: true, force: true });
  }
  // How many groups and silences there were is a matter of speed; each kill has to leave those of its time whole.
  const total = kills * 2;
  return { passed: total - failed.size, total, failures };
}
