/** Tokens from exec plugins (`client.authentication.k8s.io`): a program is run, and its answer kept until it expires. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { UserError } from "@pharos/model";

export interface ExecPlugin {
  apiVersion?: string;
  command: string;
  args?: string[] | null;
  env?: { name: string; value: string }[] | null;
  /** What to tell people who lack the program. */
  installHint?: string;
}

interface ExecCredential {
  status?: { token?: string; expirationTimestamp?: string; clientCertificateData?: string };
}

/** A token is renewed so long before its end, in milliseconds, that it does not expire on its way. */
const EARLY_MS = 10_000;
const RUN_TIMEOUT_MS = 60_000;
const MAX_OUTPUT = 2 ** 20;
const run = promisify(execFile);

/** Never shows what the program printed: it may be a secret. */
async function ask(plugin: ExecPlugin, resolve: (path: string) => string, fail: (message: string) => UserError) {
  const { apiVersion = "client.authentication.k8s.io/v1", command, args, env, installHint } = plugin;
  const info = JSON.stringify({ kind: "ExecCredential", apiVersion, spec: { interactive: false } });
  const variables = Object.fromEntries((env ?? []).map(({ name, value }) => [name, value]));
  let answer: ExecCredential;
  try {
    const { stdout } = await run(command.includes("/") ? resolve(command) : command, args ?? [], {
      env: { ...process.env, ...variables, KUBERNETES_EXEC_INFO: info },
      timeout: RUN_TIMEOUT_MS,
      maxBuffer: MAX_OUTPUT,
    });
    answer = JSON.parse(stdout) as ExecCredential;
  } catch (error) {
    const { code } = error as { code?: string | number };
    const why =
      error instanceof SyntaxError ? "printed no JSON" : code === "ENOENT" ? "is not installed" : `failed (${code})`;
    throw fail(`the exec plugin ${command} ${why}${installHint ? `: ${installHint}` : ""}`);
  }
  const { token, expirationTimestamp, clientCertificateData } = answer.status ?? {};
  if (!token) {
    throw fail(
      clientCertificateData
        ? `the exec plugin ${command} gives a client certificate; only tokens are supported`
        : `the exec plugin ${command} gave no token`,
    );
  }
  const end = expirationTimestamp ? Date.parse(expirationTimestamp) : Number.POSITIVE_INFINITY;
  return { authorization: `Bearer ${token}`, end };
}

/** Answers the Authorization header; runs the program when it has none, when it expires or when `renew` is asked for. */
export function execCredentials(
  plugin: ExecPlugin,
  resolve: (path: string) => string,
  fail: (message: string) => UserError,
): (renew: boolean) => Promise<string> {
  let current: { authorization: string; end: number } | undefined;
  let pending: Promise<{ authorization: string; end: number }> | undefined;
  return async (renew) => {
    if (current && !renew && Date.now() < current.end - EARLY_MS) return current.authorization;
    // Requests that need one at the same time share one run.
    pending ??= ask(plugin, resolve, fail).finally(() => {
      pending = undefined;
    });
    current = await pending;
    return current.authorization;
  };
}
