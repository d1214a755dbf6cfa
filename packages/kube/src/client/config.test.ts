import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { resolveTarget } from "./config.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "pharos-kubeconfig-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

function kubeconfig(user: string, more = ""): string {
  const path = join(dir, "config");
  writeFileSync(
    path,
    `apiVersion: v1
kind: Config
current-context: main
contexts:
  - {name: main, context: {cluster: c, user: u, namespace: team}}
  - {name: other, context: {cluster: c, user: nobody}}
clusters:
  - {name: c, cluster: {server: "https://k:6443"${more}}}
users:
  - name: u
    user: ${user}
`,
  );
  return path;
}
const credentials = (user: string) => resolveTarget({ kubeconfigFile: kubeconfig(user) }).credentials;

test("server, namespace, certificates", () => {
  writeFileSync(join(dir, "ca.crt"), "CA");
  const file = kubeconfig(
    `{client-certificate-data: ${btoa("CERT")}, client-key-data: ${btoa("KEY")}}`,
    ", certificate-authority: ca.crt",
  );
  const { server, credentials: found } = resolveTarget({ kubeconfigFile: file });
  expect(server).toBe("https://k:6443");
  expect(resolveTarget({ kubeconfigFile: file, server: "https://other" }).server).toBe("https://other");
  expect(found.namespace).toBe("team");
  expect(found.tls).toMatchObject({ ca: "CA", cert: "CERT", key: "KEY", rejectUnauthorized: true });
});

test("tokens, token files that rotate, basic auth", async () => {
  expect(await credentials("{token: abc}").authorization?.(false)).toBe("Bearer abc");
  writeFileSync(join(dir, "token"), "one\n");
  const { authorization } = credentials("{tokenFile: token}");
  expect(await authorization?.(false)).toBe("Bearer one");
  writeFileSync(join(dir, "token"), "two\n");
  expect(await authorization?.(false)).toBe("Bearer two");
  expect(await credentials("{username: a, password: b}").authorization?.(false)).toBe(`Basic ${btoa("a:b")}`);
  expect(credentials("{}").authorization).toBeUndefined();
});

test.skipIf(process.platform === "win32")(
  "exec plugins are asked once, and again when refused or expired",
  async () => {
    const plugin = join(dir, "plugin");
    writeFileSync(
      plugin,
      `#!/bin/sh
echo x >> "${dir}/runs"
printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"t%s"}}' "$(wc -l < "${dir}/runs" | tr -d ' ')$SUFFIX"
`,
    );
    chmodSync(plugin, 0o755);
    const { authorization } = credentials("{exec: {command: ./plugin, env: [{name: SUFFIX, value: s}]}}");
    expect(await Promise.all([authorization?.(false), authorization?.(false)])).toEqual(["Bearer t1s", "Bearer t1s"]);
    expect(await authorization?.(false)).toBe("Bearer t1s");
    expect(await authorization?.(true)).toBe("Bearer t2s");
  },
);

test("what cannot be used says why", async () => {
  await expect(
    credentials("{exec: {command: no-such-program, installHint: get it}}").authorization?.(false),
  ).rejects.toThrow("the exec plugin no-such-program is not installed: get it");
  expect(() => credentials("{auth-provider: {name: gcp}}")).toThrow("use an exec plugin");
  expect(() => resolveTarget({ kubeconfigFile: kubeconfig("{}"), context: "none" })).toThrow(
    'context "none" is not among',
  );
  expect(() => resolveTarget({ kubeconfigFile: join(dir, "missing") })).toThrow("there is no kubeconfig");
});
