/** The programs at both ends, each a process that can be killed and started again on its folder and port. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Labels } from "@pharos/model";
import { encodeWrite, snappyLiteral, type WriteSeries } from "../lib/remote-write.ts";

const peers = process.env.PHAROS_PEERS ?? join(dirname(dirname(dirname(import.meta.dirname))), "peers", "bin");
const cli = join(dirname(dirname(import.meta.dirname)), "packages", "pharos", "src", "main.ts");

/** Why nothing can be run; undefined when the programs are there. */
export function missingPeers(): string | undefined {
  const missing = ["prometheus", "victoria-metrics", "vmagent"].filter((name) => !existsSync(join(peers, name)));
  return missing.length === 0 ? undefined : `not in ${peers}: ${missing.join(", ")}`;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

export type Kind = "pharos" | "agent" | "prometheus" | "victoria" | "vmagent";

/** One sample a line: labels, ms, value. */
export type Lines = string[];

export class Program implements AsyncDisposable {
  readonly kind: Kind;
  readonly port: number;
  readonly #folder: string;
  readonly #flags: readonly string[];
  #child: ChildProcess | undefined;
  #output = "";

  private constructor(kind: Kind, port: number, folder: string, flags: readonly string[]) {
    this.kind = kind;
    this.port = port;
    this.#folder = folder;
    this.#flags = flags;
  }

  /** `config`: text of prometheus.yml. */
  static async create(kind: Kind, folder: string, config = "", flags: readonly string[] = []): Promise<Program> {
    mkdirSync(folder, { recursive: true });
    const program = new Program(kind, await freePort(), folder, flags);
    writeFileSync(join(folder, "prometheus.yml"), config);
    await program.start();
    return program;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get #command(): [string, string[]] {
    const folder = this.#folder;
    if (this.kind === "victoria") {
      return [
        join(peers, "victoria-metrics"),
        [`-storageDataPath=${join(folder, "data")}`, `-httpListenAddr=127.0.0.1:${this.port}`, "-retentionPeriod=100y"],
      ];
    }
    if (this.kind === "vmagent") {
      return [
        join(peers, "vmagent"),
        [`-remoteWrite.tmpDataPath=${join(folder, "data")}`, `-httpListenAddr=127.0.0.1:${this.port}`, ...this.#flags],
      ];
    }
    const flags = [
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.${this.kind === "agent" ? "agent" : "tsdb"}.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${this.port}`,
      "--web.enable-remote-write-receiver",
      ...this.#flags,
    ];
    if (this.kind === "agent") return [process.execPath, [cli, "prometheus", "--agent", ...flags]];
    return this.kind === "pharos"
      ? [process.execPath, [cli, "prometheus", ...flags]]
      : [
          join(peers, "prometheus"),
          [...flags, "--storage.tsdb.retention.time=100y", "--enable-feature=metadata-wal-records,native-histograms"],
        ];
  }

  async start(): Promise<void> {
    const [command, args] = this.#command;
    const child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"] });
    this.#child = child;
    child.stderr!.on("data", (chunk) => (this.#output = (this.#output + chunk).slice(-4000)));
    const ready = this.kind === "victoria" || this.kind === "vmagent" ? "/health" : "/-/ready";
    for (let i = 0; ; i++) {
      const answer = await fetch(this.url + ready).catch(() => undefined);
      if (answer?.ok) return;
      if (child.exitCode !== null || i > 600)
        throw new Error(`${this.kind} did not start: ${this.#output.slice(-800)}`);
      await sleep(100);
    }
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await gone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill("SIGKILL");
  }

  /** Writes samples, by remote write 1.0; again while the program is away. */
  async write(series: readonly WriteSeries[]): Promise<void> {
    const body = snappyLiteral(encodeWrite(series));
    for (let i = 0; ; i++) {
      const headers = { "content-type": "application/x-protobuf", "content-encoding": "snappy" };
      const answer = await fetch(`${this.url}/api/v1/write`, { method: "POST", body, headers }).catch(() => undefined);
      if (answer?.ok) return;
      // What was taken before a kill is refused when it is repeated.
      if (answer?.status === 400 && i > 0) return;
      if (answer && answer.status < 500) throw new Error(`${this.kind}: ${answer.status} ${await answer.text()}`);
      if (i > 300) throw new Error(`${this.kind} takes no samples`);
      await sleep(100);
    }
  }

  /** Everything of a metric, sorted; a sample that is there twice is there twice. */
  async dump(metric: string): Promise<Lines> {
    const lines: Lines = [];
    if (this.kind === "victoria") {
      const query = new URLSearchParams({ "match[]": metric, reduce_mem_usage: "1" });
      const text = await (await fetch(`${this.url}/api/v1/export?${query}`)).text();
      for (const line of text.split("\n").filter((part) => part !== "")) {
        const {
          metric: labels,
          values,
          timestamps,
        } = JSON.parse(line) as {
          metric: Record<string, string>;
          values: number[];
          timestamps: number[];
        };
        for (const [i, time] of timestamps.entries()) lines.push(`${Labels.from(labels)} ${time} ${values[i]}`);
      }
      return lines.sort();
    }
    const query = new URLSearchParams({ query: `${metric}[1d]`, time: String(Date.now() / 1000 + 600) });
    const answer = await (await fetch(`${this.url}/api/v1/query?${query}`)).json();
    const { data } = answer as {
      data: {
        result: {
          metric: Record<string, string>;
          values?: [number, string][];
          histograms?: [number, { count: string }][];
        }[];
      };
    };
    for (const { metric: labels, values = [], histograms = [] } of data.result) {
      for (const [time, value] of values)
        lines.push(`${Labels.from(labels)} ${Math.round(time * 1000)} ${Number(value)}`);
      for (const [time, { count }] of histograms)
        lines.push(`${Labels.from(labels)} ${Math.round(time * 1000)} histogram ${count}`);
    }
    return lines.sort();
  }
}
