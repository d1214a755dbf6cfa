import { createVerify, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseYaml, Secret } from "@pharos/kit";
import { describeError } from "@pharos/model";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { parseRemoteWriteConfig } from "../send/config.ts";
import { createAuthorizer } from "./authorizer.ts";
import { certificateAssertion } from "./azure-certificate.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "pharos-auth-"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true, force: true });
});

const config = (yaml: string) => parseRemoteWriteConfig(parseYaml(`url: http://x/push\n${yaml}`, "test.yml"));
const problem = (yaml: string): string => {
  try {
    config(yaml);
    return "";
  } catch (error) {
    return describeError(error);
  }
};
const request = {
  url: new URL("https://aps.example/w?a=1"),
  body: Buffer.from("body"),
  contentType: "application/x-protobuf",
};
const signal = AbortSignal.timeout(10_000);
const ID = "00000000-0000-0000-0000-000000000000";

test("sections are checked in upstream's words", () => {
  expect(problem("sigv4: {access_key: a}")).toContain("must provide a AWS SigV4 Access key and Secret Key");
  expect(problem("sigv4: {}\nbasic_auth: {username: u}")).toContain(
    "at most one of basic_auth, authorization, oauth2, sigv4, azuread or google_iam must be configured. Currently configured: [basic_auth sigv4]",
  );
  expect(problem(`azuread: {cloud: Moon, oauth: {client_id: ${ID}}}`)).toContain("must provide a cloud");
  expect(problem("azuread: {managed_identity: {client_id: x}}")).toContain(
    "the provided Azure Managed Identity client_id is invalid",
  );
  expect(problem("headers: {Authorization: x}")).toContain("authorization header must be changed via the basic_auth");
  expect(problem("headers: {X-Amz-Date: x}")).toContain("X-Amz-Date is a reserved header");
  expect(problem("queue_config: {min_backoff: 10s}")).toContain("max_backoff must not be less than min_backoff");
  expect(problem("protobuf_message: v3")).toContain("unknown type for remote write protobuf message v3");
  expect(config("google_iam: {credentials_file: key.json}").cloud.googleIam?.credentialsFile).toBe("key.json");
});

test("AWS signs with the service's name and region", async () => {
  await using authorizer = createAuthorizer(config("sigv4: {region: r, access_key: k, secret_key: s}").cloud)!;
  const headers = await authorizer.headers(request, signal);
  expect(headers.authorization).toMatch(
    /^AWS4-HMAC-SHA256 Credential=k\/\d{8}\/r\/aps\/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=[0-9a-f]{64}$/,
  );
});

test("Azure and Google tokens are asked for once and sent", async () => {
  const asked: string[] = [];
  const server = createServer((incoming, response) => {
    let body = "";
    incoming.on("data", (chunk) => (body += chunk));
    incoming.on("end", () => {
      asked.push(`${incoming.url} ${body}`);
      response.end(JSON.stringify({ access_token: "t", expires_in: 3600 }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  vi.stubEnv("IDENTITY_ENDPOINT", `${url}/msi`);
  vi.stubEnv("IDENTITY_HEADER", "h");
  {
    await using authorizer = createAuthorizer(config(`azuread: {managed_identity: {client_id: ${ID}}}`).cloud)!;
    expect(await authorizer.headers(request, signal)).toEqual({ authorization: "Bearer t" });
    await authorizer.headers(request, signal);
  }
  expect(asked.length).toBe(1);
  expect(asked[0]).toContain("resource=https%3A%2F%2Fmonitor.azure.com%2F");
  const key = join(dir, "key.json");
  const { privateKey } = (await import("node:crypto")).generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" });
  writeFileSync(
    key,
    JSON.stringify({ type: "service_account", client_email: "e", private_key: pem, token_uri: `${url}/google` }),
  );
  await using google = createAuthorizer(config(`google_iam: {credentials_file: ${key}}`).cloud)!;
  expect(await google.headers(request, signal)).toEqual({ authorization: "Bearer t" });
  server.close();
  server.closeAllConnections();
});

/** Made for this test alone. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIB9jCCAV+gAwIBAgIUa9j/r9kfy1JWySjL3+Yvvw6ltaIwDQYJKoZIhvcNAQEL
BQAwDDEKMAgGA1UEAwwBeDAgFw0yNjExMjQxNjU3NTZaGA8yMTI2MTAzMTE2NTc1
NlowDDEKMAgGA1UEAwwBeDCBnzANBgkqhkiG9w0BAQEFAAOBjQAwgYkCgYEAtaVX
tFEjN8uGceDvOFwWzb/zYMS+HySV0EHFKLsTgpDbvGVJ1QJqju77/qFa++DI/GB8
iA8nedJufFA6d14jdeIx8ghUbd73c3Qfeh8WiGdUkrNemXJmzHd/1zDp+6TBZLRD
7Ks5yr6x+4j9IeT6XARwoLR0TmoFA2wZ49pqBFsCAwEAAaNTMFEwHQYDVR0OBBYE
FECcn1HwlzXg7NLlAPUjAxebY/VQMB8GA1UdIwQYMBaAFECcn1HwlzXg7NLlAPUj
AxebY/VQMA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQELBQADgYEAnLlW6qaB
tu+xyFK6hKWm5yGJ+xZK/gyykvuk2u34jYIh5FyC9EpCmZnH2j6W+bVUN5kNwAbd
gxUd4yedQ63/p6B807xqgbTlGP9XTpG8wIaNxvuIHYZmRlD98Ib5vLzqaa2v5oTc
GYtOq8W8gZdcwvbDhy292wAR/AfRts0Xa5U=
-----END CERTIFICATE-----
`;
const KEY = `-----BEGIN PRIVATE KEY-----
MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBALWlV7RRIzfLhnHg
7zhcFs2/82DEvh8kldBBxSi7E4KQ27xlSdUCao7u+/6hWvvgyPxgfIgPJ3nSbnxQ
OndeI3XiMfIIVG3e93N0H3ofFohnVJKzXplyZsx3f9cw6fukwWS0Q+yrOcq+sfuI
/SHk+lwEcKC0dE5qBQNsGePaagRbAgMBAAECgYAgdXZRq3oOm1jf+qDkwlf01kso
TJ/ossHuoAIaQCvBVh9d7/+ch70A46W2H6FBhy6DIr6+FW8pbrf9kNyRvgm51rwN
oXV/OBXTAXaPkh0gdOqzDBiOyOvwPRJiUvToRlenKYKNRneX/tptGqxzfUPinQwl
7v5cYRAh8GpJz3I6QQJBAOcRsp+0cy0y/Sf0/RdAMLyVEzNBH62d8zGc7OBmLB+J
/dtA8czsr8Npl9u2Zp3KmXEWMfhBwwDwpd/PBDZ97jsCQQDJPomRWM+S/ObvSw8K
DT3ksebscGR3fpDOvKbp0AJAYarkx0kaqLAT0nTsC6QXTjEI2tZeiy2JBwJQrQTl
LEBhAkBkVjEEXG0vEVcQhLdp4zvGh81AkmTZFR9HSecqQfOi9l6/WGInJBfmePGy
PHAu0Iz0qDimnpe4zsaYeuJPbzuFAkEArCSukIIjrVxgPrk5+CMzmnkDS6Uoi37c
Z7vAG6kvA9uHz4MY6ZD6bTpNgczDZJwiHaz0SpNLNDemp1QZJ+AegQJBAMSFCqjk
9YbLxg1Q76rUravqUG+Mmzae4hRXkQCX9DK0Z1oyecia6MJgWLcnoP+Z7xOPbRRu
0TCYS7L+RYlkyY0=
-----END PRIVATE KEY-----
`;

test("an Azure certificate's assertion is signed by its key", () => {
  const [certificate, key] = [join(dir, "c.pem"), join(dir, "k.pem")];
  writeFileSync(certificate, CERTIFICATE);
  writeFileSync(key, KEY);
  const identity = {
    kind: "certificate",
    clientId: ID,
    tenantId: ID,
    path: certificate,
    keyPath: key,
    password: new Secret(""),
    sendChain: true,
  } as const;
  const [header, claims, signature] = certificateAssertion(identity, "https://login/token", 1e12).split(".");
  const decode = (part: string) => JSON.parse(Buffer.from(part, "base64url").toString());
  expect(decode(header)).toMatchObject({ alg: "RS256", x5c: [expect.any(String)] });
  expect(decode(claims)).toMatchObject({ aud: "https://login/token", iss: ID, sub: ID, exp: 1e9 + 600 });
  const { publicKey } = new X509Certificate(readFileSync(certificate));
  const verify = createVerify("RSA-SHA256").update(`${header}.${claims}`);
  expect(verify.verify(publicKey, signature, "base64url")).toBe(true);
  writeFileSync(certificate, "PFX");
  expect(() => certificateAssertion(identity, "a", 0)).toThrow("the certificate is not in PEM form");
});
