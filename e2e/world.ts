/** A running `pharos up` for tests: started as a user starts it, in a directory of its own, on ports of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export const root = dirname(import.meta.dirname);

const STANDARD = {
  prometheus: 9090,
  alertmanager: 9093,
  node: 9100,
  kubeStateMetrics: 8080,
  kubeStateMetricsTelemetry: 8081,
  gpu: 9445,
  ui: 3000,
  api: 8001,
};

/** Whether a port of this machine is free to listen on. */
async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** An offset at which all of Pharos' ports are free. */
export async function freeOffset(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const offset = 10_000 + Math.floor(Math.random() * 30_000);
    const free = await Promise.all(Object.values(STANDARD).map((port) => isFree(port + offset)));
    if (free.every(Boolean)) return offset;
  }
  throw new Error("no free range of ports");
}

/** Polls until `probe` answers something other than undefined; the error carries what it said last. */
export async function eventually<T>(what: string, probe: () => Promise<T | undefined>, timeoutMs = 30_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const found = await probe();
      if (found !== undefined) return found;
      last = "not yet";
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs / 1000} s; last: ${last}`);
    await sleep(200);
  }
}

export class World implements AsyncDisposable {
  readonly dir: string;
  readonly offset: number;
  readonly urls: Readonly<Record<keyof typeof STANDARD, string>>;
  output = "";
  #child: ChildProcess | undefined;

  private constructor(dir: string, offset: number) {
    this.dir = dir;
    this.offset = offset;
    this.urls = Object.fromEntries(
      Object.entries(STANDARD).map(([name, port]) => [name, `http://127.0.0.1:${port + offset}`]),
    ) as World["urls"];
  }

  static async create(): Promise<World> {
    return new World(mkdtempSync(join(tmpdir(), "pharos-e2e-")), await freeOffset());
  }

  /** Starts `pharos up`, with these flags as well, and waits until it says that everything runs. */
  async start(...flags: string[]): Promise<void> {
    this.output = "";
    const args = [
      join(root, "packages/pharos/src/main.ts"),
      "up",
      "--dir",
      this.dir,
      "--port-offset",
      String(this.offset),
      ...flags,
    ];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    child.stdout.on("data", (chunk) => (this.output += chunk));
    child.stderr.on("data", (chunk) => (this.output += chunk));
    await eventually(
      "pharos up",
      async () => {
        if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}:\n${this.output.slice(-4000)}`);
        return this.output.includes("Ctrl-C") ? true : undefined;
      },
      60_000,
    );
  }

  async #signal(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const ended = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
    child.kill(signal);
    return ended;
  }

  /** As the power cut does it. */
  async kill(): Promise<void> {
    await this.#signal("SIGKILL");
  }

  /** As Ctrl-C does it; answers the exit code. */
  stop(): Promise<number | null> {
    return this.#signal("SIGINT");
  }

  async json<T>(server: keyof typeof STANDARD, path: string, init?: RequestInit): Promise<T> {
    const answer = await fetch(`${this.urls[server]}${path}`, init);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  /** Result of an instant query. */
  async query(expr: string): Promise<{ metric: Record<string, string>; value: [number, string] }[]> {
    const path = `/api/v1/query?query=${encodeURIComponent(expr)}`;
    const { data } = await this.json<{
      data: { result: { metric: Record<string, string>; value: [number, string] }[] };
    }>("prometheus", path);
    return data.result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.dir, { recursive: true, force: true });
  }
}
