/** A real Prometheus and Pharos, started on the same configuration, and asked the same. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const ROOT = dirname(dirname(import.meta.dirname));
const START_ATTEMPTS = 300;

/** Folder of the peers' programs, when it has this one. */
export function peersFolder(program = "prometheus"): string | undefined {
  const folder = process.env.PHAROS_PEERS;
  return folder && existsSync(join(folder, program)) ? folder : undefined;
}

export interface Answer {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: Buffer;
}

export interface Ask {
  method?: string;
  headers?: Readonly<Record<string, string>>;
  body?: string | Buffer;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

export function ask(port: number, path: string, { method = "GET", headers, body }: Ask = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request({ host: "127.0.0.1", port, path, method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
      });
    });
    call.setTimeout(30_000, () => call.destroy(new Error(`no answer to ${path}`)));
    call.on("error", reject);
    call.end(body);
  });
}

/** A server of either kind, a process of its own. */
export class Instance implements AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  readonly #child: ChildProcess;
  #output = "";

  constructor(command: readonly string[], port: number, cwd: string) {
    this.port = port;
    this.#child = spawn(command[0], command.slice(1), { stdio: ["ignore", "pipe", "pipe"], cwd });
    this.pid = this.#child.pid ?? 0;
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on("data", (chunk: Buffer) => (this.#output = (this.#output + chunk.toString()).slice(-8000)));
    }
  }

  get output(): string {
    return this.#output;
  }

  async ready(path = "/-/ready"): Promise<void> {
    for (let attempt = 0; attempt < START_ATTEMPTS; attempt++) {
      if (this.#child.exitCode !== null) throw new Error(`did not start: ${this.#output}`);
      const code = await ask(this.port, path).then(
        ({ status }) => status,
        () => 0,
      );
      if (code === 200) return;
      await sleep(100);
    }
    throw new Error(`is not ready: ${this.#output}`);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 20_000);
    await ended;
    clearTimeout(timer);
  }
}

export interface PairOptions {
  peers: string;
  /** Text of prometheus.yml. */
  config: string;
  /** Pharos' own, where it is another. */
  ownConfig?: string;
  /** Further files beside it, by name. */
  files?: Readonly<Record<string, string>>;
  flags?: readonly string[];
  /** Flags that only the one or the other is given. */
  peerFlags?: readonly string[];
  ownFlags?: readonly string[];
  readyPath?: string;
}

/** A folder with the files, for the servers to run in. */
function makeFolder({
  config,
  ownConfig = config,
  files,
}: Pick<PairOptions, "config" | "ownConfig" | "files">): string {
  const folder = mkdtempSync(join(tmpdir(), "pharos-pair-"));
  for (const [name, text] of Object.entries({ "peer.yml": config, "own.yml": ownConfig, ...files })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

async function startInstance(
  program: readonly string[],
  folder: string,
  data: string,
  flags: readonly string[],
): Promise<Instance> {
  const port = await freePort();
  const own = [
    `--config.file=${data}.yml`,
    `--storage.tsdb.path=${data}`,
    `--web.listen-address=127.0.0.1:${port}`,
    ...flags,
  ];
  return new Instance([...program, ...own], port, folder);
}

const OWN = [process.execPath, join(ROOT, "packages/pharos/src/main.ts"), "prometheus"];

/** Pharos alone. */
export class Single implements AsyncDisposable {
  readonly folder: string;
  readonly own: Instance;

  private constructor(folder: string, own: Instance) {
    this.folder = folder;
    this.own = own;
  }

  static async start(options: Omit<PairOptions, "peers" | "peerFlags">): Promise<Single> {
    const folder = makeFolder(options);
    const flags = [...(options.flags ?? []), ...(options.ownFlags ?? [])];
    const single = new Single(folder, await startInstance(OWN, folder, "own", flags));
    try {
      await single.own.ready(options.readyPath);
    } catch (error) {
      await single[Symbol.asyncDispose]();
      throw error;
    }
    return single;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.own[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export class Pair implements AsyncDisposable {
  readonly folder: string;
  readonly peer: Instance;
  readonly own: Instance;

  private constructor(folder: string, peer: Instance, own: Instance) {
    this.folder = folder;
    this.peer = peer;
    this.own = own;
  }

  /** Starts both in a folder of their own; their working folder is the configuration's. */
  static async start(options: PairOptions): Promise<Pair> {
    const folder = makeFolder(options);
    const { flags = [], peerFlags = [], ownFlags = [], readyPath } = options;
    const real = [join(options.peers, "prometheus")];
    const peer = await startInstance(real, folder, "peer", [...flags, ...peerFlags]);
    const own = await startInstance(OWN, folder, "own", [...flags, ...ownFlags]);
    const pair = new Pair(folder, peer, own);
    try {
      await Promise.all([peer.ready(readyPath), own.ready(readyPath)]);
    } catch (error) {
      await pair[Symbol.asyncDispose]();
      throw error;
    }
    return pair;
  }

  async both(path: string, how: Ask = {}): Promise<{ peer: Answer; own: Answer }> {
    const [peer, own] = await Promise.all([ask(this.peer.port, path, how), ask(this.own.port, path, how)]);
    return { peer, own };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.peer[Symbol.asyncDispose](), this.own[Symbol.asyncDispose]()]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
