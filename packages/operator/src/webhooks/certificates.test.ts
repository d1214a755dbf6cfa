import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer } from "node:tls";
import { silentLogger } from "@pharos/kit";
import type { KubeObject } from "@pharos/kube";
import { expect, test } from "vitest";
import { SECRETS } from "../kinds.ts";
import { TestCluster } from "../testing/cluster.ts";
import { renew, VALIDATING, WebhookCertificates, type WebhookMaterial } from "./certificates.ts";

const NOW = Date.now();
const DAY = 86_400_000;
const NAMES = ["operator.monitoring.svc", "operator.monitoring.svc.cluster.local"];

/** Whether a client that trusts `ca` takes what a server shows. */
function handshake({ cert, key }: WebhookMaterial, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const server = createServer({ cert, key }, (socket) => socket.end());
    server.on("tlsClientError", () => undefined);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      const client = connect({ port, host: "127.0.0.1", servername: NAMES[0], ca, rejectUnauthorized: true });
      const done = (end: () => void): void => {
        client.destroy();
        server.close();
        end();
      };
      client.on("secureConnect", () => {
        const protocol = client.getProtocol() ?? "";
        done(() => resolve(protocol));
      });
      client.on("error", (error) => done(() => reject(error)));
    });
  });
}

test("what is made is taken by clients that know the authority, and by no others", async () => {
  const made = renew(undefined, NAMES, NOW);
  expect(await handshake(made, made.bundle)).toBe("TLSv1.3");
  const other = renew(undefined, NAMES, NOW);
  await expect(handshake(made, other.bundle)).rejects.toThrow();
  const leaf = new X509Certificate(made.cert);
  expect(leaf.subjectAltName).toBe(NAMES.map((name) => `DNS:${name}`).join(", "));
  expect(leaf.ca).toBe(false);
  expect(new X509Certificate(made.authority).ca).toBe(true);
  expect(leaf.checkIssued(new X509Certificate(made.authority))).toBe(true);
});

test("it is renewed long before its end, under the same authority while that lasts", async () => {
  const first = renew(undefined, NAMES, NOW);
  expect(renew(first, NAMES, NOW + 200 * DAY)).toBe(first);
  const second = renew(first, NAMES, NOW + 300 * DAY);
  expect(second.cert).not.toBe(first.cert);
  expect(second.bundle).toBe(first.bundle);
  expect(renew(second, ["other.svc"], NOW + 301 * DAY).cert).not.toBe(second.cert);
  const third = renew(second, NAMES, NOW + 3000 * DAY);
  expect(third.authority).not.toBe(first.authority);
  // Whoever has the old bundle still goes by the old certificate; the new bundle takes both.
  expect(third.bundle).toBe(third.authority + first.authority);
  expect(await handshake(first, third.bundle)).toBe("TLSv1.3");
  expect(renew({ ...first, cert: "junk" }, NAMES, NOW).cert).toContain("BEGIN CERTIFICATE");
});

test("kept in a Secret, shared by operators, announced to whoever calls", async () => {
  await using cluster = await TestCluster.start(["monitoring"]);
  const service = { namespace: "monitoring", name: "operator" };
  const webhook = (name: string, clientConfig: object) => ({
    name,
    clientConfig,
    sideEffects: "None",
    admissionReviewVersions: ["v1"],
    rules: [],
  });
  await cluster.client.create(VALIDATING, {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name: "rules" },
    webhooks: [
      webhook("a.example.com", { service: { ...service, path: "/x" } }),
      webhook("b.example.com", { service: { ...service, name: "other" } }),
    ],
  } as KubeObject);
  const dirs = [0, 1].map(() => mkdtempSync(join(tmpdir(), "pharos-webhooks-")));
  try {
    for (const dir of dirs) {
      await using certificates = new WebhookCertificates({ client: cluster.client, log: silentLogger, service, dir });
      await certificates.start();
    }
    const [first, second] = dirs.map((dir) => readFileSync(join(dir, "tls.crt"), "utf8"));
    expect(first).toBe(second);
    const target = { namespace: "monitoring", name: "operator-webhook-tls" };
    const { data } = (await cluster.client.get(SECRETS, target)) as KubeObject & { data: Record<string, string> };
    const { webhooks } = (await cluster.client.get(VALIDATING, { name: "rules" })) as KubeObject & {
      webhooks: { clientConfig: { caBundle?: string } }[];
    };
    await using later = new WebhookCertificates({ client: cluster.client, log: silentLogger, service, dir: dirs[0] });
    await later.ensure(NOW + 300 * DAY);
    expect(readFileSync(join(dirs[0], "tls.crt"), "utf8")).not.toBe(first);
    expect(webhooks.map(({ clientConfig }) => clientConfig.caBundle)).toEqual([data["bundle.crt"], undefined]);
  } finally {
    for (const dir of dirs) rmSync(dir, { recursive: true });
  }
});
