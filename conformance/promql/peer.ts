/** A real Prometheus on a folder of blocks, asked over its HTTP API. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface PeerAnswer {
  status: "success" | "error";
  errorType?: string;
  error?: string;
  data?: { resultType: string; result: unknown };
  warnings?: string[];
  infos?: string[];
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

export class PeerPrometheus implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #port: number;
  readonly #agent = new Agent({ keepAlive: true });
  #stderr = "";

  private constructor(child: ChildProcess, port: number) {
    this.#process = child;
    this.#port = port;
    child.stderr?.on("data", (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-4000);
    });
  }

  /**
   * Starts `prometheus` of the folder `peers` on the database in `dir`, or another program that takes its flags. Throws when it
   * does not come up.
   */
  static async start(
    peers: string,
    dir: string,
    features: readonly string[],
    [program, ...words]: readonly string[] = [join(peers, "prometheus")],
  ): Promise<PeerPrometheus> {
    const port = await freePort();
    const config = join(dir, "prometheus.yml");
    writeFileSync(config, "global: {}\n");
    const child = spawn(
      program,
      [
        ...words,
        `--config.file=${config}`,
        `--storage.tsdb.path=${dir}`,
        `--web.listen-address=127.0.0.1:${port}`,
        "--storage.tsdb.retention.time=100y",
        `--enable-feature=${features.join(",")}`,
      ],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    const peer = new PeerPrometheus(child, port);
    for (let attempt = 0; attempt < 200; attempt++) {
      if (child.exitCode !== null) throw new Error(`prometheus did not start: ${peer.#stderr}`);
      if (await peer.#ready()) return peer;
      await sleep(100);
    }
    await peer[Symbol.asyncDispose]();
    throw new Error(`prometheus is not ready after 20 s: ${peer.#stderr}`);
  }

  #ready(): Promise<boolean> {
    return this.#send("GET", "/-/ready", "").then(
      ({ code }) => code === 200,
      () => false,
    );
  }

  #send(method: string, path: string, body: string): Promise<{ code: number; text: string }> {
    return new Promise((resolve, reject) => {
      const headers = {
        "content-type": "application/x-www-form-urlencoded",
        "content-length": Buffer.byteLength(body),
      };
      const call = request(
        { host: "127.0.0.1", port: this.#port, method, path, agent: this.#agent, headers },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("end", () => resolve({ code: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
        },
      );
      call.on("error", reject);
      call.end(body);
    });
  }

  /** Times in ms; a step of 0 is an instant query at `start`. */
  async query(query: string, start: number, end: number, step: number): Promise<PeerAnswer> {
    const seconds = (ms: number) => (ms / 1000).toFixed(3);
    const params: Record<string, string> =
      step === 0
        ? { query, time: seconds(start) }
        : { query, start: seconds(start), end: seconds(end), step: seconds(step) };
    const path = step === 0 ? "/api/v1/query" : "/api/v1/query_range";
    const { text } = await this.#send("POST", path, new URLSearchParams(params).toString());
    return JSON.parse(text) as PeerAnswer;
  }

  /** CPU time it has used, user and system, in ms (by ticks of 10 ms), and the most memory it has had resident, in bytes. */
  usage(): { cpuMs: number; peakBytes: number } {
    const { pid } = this.#process;
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [user, system] = stat.slice(stat.lastIndexOf(")") + 2).split(" ").slice(11, 13); // biome-ignore format: one row
    const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return { cpuMs: 10 * (Number(user) + Number(system)), peakBytes: 1024 * Number(peak) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    if (this.#process.exitCode !== null) return;
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill("SIGTERM");
    await ended;
  }
}
