/** The real kubectl against the embedded server. Without kubectl on the machine this says so and checks nothing. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@pharos/kit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ApiServer, createApiServer } from "../index.ts";
import { KUBECTL_CASES } from "./kubectl-cases.ts";

const present = spawnSync("kubectl", ["version", "--client"], { stdio: "ignore" }).status === 0;
if (!present) console.warn("\n!! kubectl is not installed: its contract with the embedded API server is NOT CHECKED\n");

describe.skipIf(!present)("kubectl", () => {
  let folder: string;
  let server: ApiServer;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "pharos-kubectl-"));
    server = await createApiServer({
      dir: join(folder, "resources"),
      host: "127.0.0.1",
      port: 0,
      log: silentLogger,
      admission: (object) =>
        JSON.stringify(object.spec ?? {}).includes("refuse_me") ? new Error("refused by the test") : undefined,
    });
  });
  afterAll(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });

  function start(args: readonly string[]) {
    // Asynchronous: the server lives in this very process.
    return spawn("kubectl", ["--server", server.url, "--cache-dir", join(folder, "cache"), ...args], {
      env: { PATH: process.env.PATH, HOME: folder, KUBECONFIG: join(folder, "no-kubeconfig") },
      timeout: 20_000,
    });
  }

  async function run(args: readonly string[], stdin = "") {
    const child = start(args);
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk) => (stdout += chunk));
    child.stderr.on("data", (chunk) => (stderr += chunk));
    child.stdin.end(stdin);
    const exit = await new Promise<number | null>((resolve) => child.on("close", resolve));
    return { exit, stdout, stderr };
  }

  for (const { name, args, stdin, exit = 0, stdout, stderr } of KUBECTL_CASES) {
    it(name, async () => {
      const got = await run(args, stdin);
      expect({ exit: got.exit, stderr: exit === 0 ? got.stderr : "" }).toEqual({
        exit,
        stderr: exit === 0 && typeof stderr === "string" ? stderr : exit === 0 ? expect.any(String) : "",
      });
      if (typeof stdout === "string") expect(got.stdout).toBe(stdout);
      else if (stdout) expect(got.stdout).toMatch(stdout);
      if (typeof stderr === "string") expect(got.stderr).toBe(stderr);
      else if (stderr) expect(got.stderr).toMatch(stderr);
    });
  }

  it("get --watch sees what changes", async () => {
    const child = start(["get", "cm", "--watch-only", "-o", "name"]);
    let seen = "";
    child.stdout.on("data", (chunk) => (seen += chunk));
    // The watch is on when kubectl has asked for it; a change made earlier would be missed by right.
    await expect.poll(() => server.watches, { timeout: 10_000 }).toBeGreaterThan(0);
    await run(["create", "configmap", "watched"]);
    await expect.poll(() => seen, { timeout: 10_000 }).toContain("configmap/watched");
    child.kill();
    await new Promise((resolve) => child.on("close", resolve));
  });
});
