/** A real Alertmanager from `$PHAROS_PEERS`, for suites that compare with it. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Folder with `alertmanager` and `amtool`; undefined when there is none. */
export function peersFolder(): string | undefined {
  const folder = process.env.PHAROS_PEERS ?? join(dirname(dirname(dirname(import.meta.dirname))), "peers", "bin");
  return existsSync(join(folder, "alertmanager")) ? folder : undefined;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export class RealAlertmanager implements AsyncDisposable {
  readonly url: string;
  readonly #process: ChildProcess;
  log = "";

  private constructor(process: ChildProcess, url: string) {
    this.#process = process;
    this.url = url;
    process.stderr?.on("data", (chunk) => (this.log += chunk));
  }

  static async start(options: {
    configFile: string;
    storageDir: string;
    flags?: readonly string[];
  }): Promise<RealAlertmanager> {
    const port = await freePort();
    const flags = options.flags ?? [];
    const isCluster = flags.some((flag) => flag.startsWith("--cluster."));
    const process = spawn(
      join(peersFolder()!, "alertmanager"),
      [
        `--config.file=${options.configFile}`,
        `--storage.path=${options.storageDir}`,
        `--web.listen-address=127.0.0.1:${port}`,
        ...(isCluster ? [] : ["--cluster.listen-address="]),
        ...flags,
      ],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    const server = new RealAlertmanager(process, `http://127.0.0.1:${port}`);
    for (let i = 0; i < 100; i++) {
      const answer = await fetch(`${server.url}/-/ready`).catch(() => undefined);
      if (answer?.ok) return server;
      if (process.exitCode !== null) break;
      await sleep(100);
    }
    await server[Symbol.asyncDispose]();
    throw new Error(`alertmanager did not start: ${server.log.slice(-500)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill("SIGTERM");
    await gone;
  }
}
