import { generateKeyPairSync, verify } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Secret } from "../client/config.ts";
import { HttpClient } from "../client/http-client.ts";
import { AwsIdentity, type AwsSettings } from "./aws-identity.ts";
import { azureTokens } from "./azure-token.ts";
import { googleTokens } from "./google-token.ts";
import { awsEncode, signV4 } from "./sigv4.ts";

const plain = {
  tls: { insecureSkipVerify: false },
  noProxy: "",
  proxyFromEnvironment: false,
  proxyHeaders: {},
  followRedirects: true,
  enableHttp2: true,
  headers: [],
};
const client = new HttpClient(plain);
const folder = mkdtempSync(join(tmpdir(), "pharos-cloud-"));

interface Asked {
  method: string;
  url: string;
  headers: IncomingMessage["headers"];
  body: string;
}
const asked: Asked[] = [];
let answer: (asked: Asked) => { status?: number; body: string };
const server = createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => (body += chunk));
  request.on("end", () => {
    const entry = { method: request.method ?? "", url: request.url ?? "", headers: request.headers, body };
    asked.push(entry);
    const { status = 200, body: text } = answer(entry);
    response.writeHead(status).end(text);
  });
});
let url = "";
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await client[Symbol.asyncDispose]();
  server.close();
  rmSync(folder, { recursive: true });
});

describe("SigV4", () => {
  const credentials = { accessKey: "AKIDEXAMPLE", secretKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };
  const now = Date.UTC(2015, 7, 30, 12, 36);
  const signature = (method: string, target: string, extra: { headers?: Record<string, string>; body?: string } = {}) =>
    signV4(
      { method, url: new URL(target), service: "service", region: "us-east-1", now, ...extra },
      credentials,
    ).authorization.split("Signature=")[1];

  // Of AWS' published test suite for the signature.
  test("AWS' examples", () => {
    expect(signature("GET", "https://example.amazonaws.com/")).toBe(
      "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    );
    expect(signature("GET", "https://example.amazonaws.com/?Param2=value2&Param1=value1")).toBe(
      "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    );
    expect(signature("POST", "https://example.amazonaws.com/")).toBe(
      "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    );
    expect(
      signature("POST", "https://example.amazonaws.com/", {
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: "Param1=value1",
      }),
    ).toBe("ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a");
  });

  test("encodes everything but unreserved characters; a session token is signed and sent", () => {
    expect(awsEncode("a b/c*(d)'!~-_.")).toBe("a%20b%2Fc%2A%28d%29%27%21~-_.");
    const headers = signV4(
      { method: "GET", url: new URL("https://a.example/"), service: "s", region: "r", now },
      { ...credentials, sessionToken: "t" },
    );
    expect(headers["x-amz-security-token"]).toBe("t");
    expect(headers.authorization).toContain("SignedHeaders=host;x-amz-date;x-amz-security-token,");
  });
});

describe("AWS identity", () => {
  const settings = (some: Partial<AwsSettings> = {}): AwsSettings => ({
    region: "eu-west-1",
    accessKey: "",
    secretKey: undefined,
    profile: "",
    roleArn: "",
    externalId: "",
    ...some,
  });
  const sts = (key: string, seconds: number) => ({
    body: `<R><AccessKeyId>${key}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>${new Date(Date.now() + seconds * 1000).toISOString()}</Expiration></R>`,
  });

  test("given keys, then the environment, then the profile", async () => {
    const home = { HOME: folder, AWS_CONFIG_FILE: join(folder, "config"), AWS_EC2_METADATA_DISABLED: "true" };
    writeFileSync(home.AWS_CONFIG_FILE, "[default]\nregion = eu-north-1\n[profile p]\naws_access_key_id = file\n");
    const given = new AwsIdentity(settings({ accessKey: "a", secretKey: new Secret("b") }), client, home);
    expect(await given.credentials()).toEqual({ accessKey: "a", secretKey: "b" });
    const env = { ...home, AWS_ACCESS_KEY_ID: "env", AWS_SECRET_ACCESS_KEY: "k" };
    expect((await new AwsIdentity(settings(), client, env).credentials()).accessKey).toBe("env");
    expect((await new AwsIdentity(settings({ profile: "p" }), client, env).credentials()).accessKey).toBe("file");
    expect(await new AwsIdentity(settings({ region: "" }), client, home).region()).toBe("eu-north-1");
    await expect(new AwsIdentity(settings(), client, home).credentials()).rejects.toThrow("no AWS credentials");
  });

  test.skipIf(process.platform === "win32")("a profile's process", async () => {
    const file = join(folder, "process-config");
    const printed = '{"Version": 1, "AccessKeyId": "p", "SecretAccessKey": "s", "SessionToken": "t"}';
    writeFileSync(
      file,
      `[default]\ncredential_process = echo '${printed}'\n[profile bad]\ncredential_process = exit 3\n`,
    );
    const env = { HOME: folder, AWS_CONFIG_FILE: file, PATH: process.env.PATH };
    expect(await new AwsIdentity(settings(), client, env).credentials()).toEqual({
      accessKey: "p",
      secretKey: "s",
      sessionToken: "t",
    });
    const bad = new AwsIdentity(settings({ profile: "bad" }), client, env);
    await expect(bad.credentials()).rejects.toThrow("credential_process of the AWS profile fails");
  });

  test("a profile may take a role with another profile's keys", async () => {
    const file = join(folder, "chain-config");
    writeFileSync(
      file,
      "[profile role]\nrole_arn = arn:x\nsource_profile = keys\nexternal_id = e\n[profile keys]\naws_access_key_id = k\naws_secret_access_key = s\n[profile loop]\nrole_arn = arn:y\nsource_profile = other\n[profile other]\nrole_arn = arn:z\nsource_profile = loop\n",
    );
    asked.length = 0;
    answer = () => sts("chained", 3600);
    const env = { HOME: folder, AWS_CONFIG_FILE: file, AWS_ENDPOINT_URL_STS: url };
    expect((await new AwsIdentity(settings({ profile: "role" }), client, env).credentials()).accessKey).toBe("chained");
    expect(asked[0].headers.authorization).toContain("Credential=k/");
    expect(asked[0].body).toContain("RoleArn=arn%3Ax");
    const loop = new AwsIdentity(settings({ profile: "loop" }), client, env);
    await expect(loop.credentials()).rejects.toThrow("refers to itself");
  });

  test("assumes a role, keeps it until shortly before its end, asks once for all", async () => {
    asked.length = 0;
    answer = () => sts("role", 3600);
    const env = { AWS_ENDPOINT_URL_STS: url };
    const some = settings({ accessKey: "a", secretKey: new Secret("b"), roleArn: "arn:r", externalId: "x" });
    const identity = new AwsIdentity(some, client, env);
    const [first] = await Promise.all([identity.credentials(), identity.credentials()]);
    expect(first).toEqual({ accessKey: "role", secretKey: "s", sessionToken: "t" });
    await identity.credentials();
    expect(asked).toHaveLength(1);
    expect(asked[0].body).toContain("Action=AssumeRole&RoleArn=arn%3Ar");
    expect(asked[0].body).toContain("ExternalId=x");
    expect(asked[0].headers.authorization).toContain("/eu-west-1/sts/aws4_request");
    answer = () => sts("again", 10);
    identity.forget();
    await identity.credentials();
    await identity.credentials();
    expect(asked).toHaveLength(3);
  });

  test("a web identity needs no signature; a refusal is told", async () => {
    writeFileSync(join(folder, "token"), "jwt\n");
    const env = {
      AWS_ENDPOINT_URL_STS: url,
      AWS_WEB_IDENTITY_TOKEN_FILE: join(folder, "token"),
      AWS_ROLE_ARN: "arn:w",
    };
    asked.length = 0;
    answer = () => sts("web", 3600);
    expect((await new AwsIdentity(settings(), client, env).credentials()).accessKey).toBe("web");
    expect(asked[0].headers.authorization).toBeUndefined();
    expect(asked[0].body).toContain("WebIdentityToken=jwt");
    answer = () => ({ status: 403, body: "<E><Message>not you</Message></E>" });
    await expect(new AwsIdentity(settings(), client, env).credentials()).rejects.toThrow("not you");
  });

  test("the instance's role and region, by metadata with a token", async () => {
    answer = ({ method, url: path, headers }) => {
      if (method === "PUT") return { body: "session" };
      if (headers["x-aws-ec2-metadata-token"] !== "session") return { status: 401, body: "" };
      if (path.endsWith("/placement/region")) return { body: "ap-south-1" };
      if (path.endsWith("/security-credentials/")) return { body: "my-role" };
      return {
        body: JSON.stringify({
          AccessKeyId: "i",
          SecretAccessKey: "s",
          Token: "t",
          Expiration: "2099-01-01T00:00:00Z",
        }),
      };
    };
    const env = { HOME: folder, AWS_CONFIG_FILE: "/nowhere", AWS_EC2_METADATA_SERVICE_ENDPOINT: url };
    const identity = new AwsIdentity(settings({ region: "" }), client, env);
    expect(await identity.region()).toBe("ap-south-1");
    expect(await identity.credentials()).toEqual({ accessKey: "i", secretKey: "s", sessionToken: "t" });
  });
});

test("Google: a service account's assertion is signed; the token is kept", async () => {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const file = join(folder, "key.json");
  const key = {
    type: "service_account",
    client_email: "me@example",
    private_key_id: "k1",
    private_key: privateKey.export({ type: "pkcs8", format: "pem" }),
    token_uri: `${url}/token`,
  };
  writeFileSync(file, JSON.stringify(key));
  asked.length = 0;
  answer = () => ({ body: JSON.stringify({ access_token: "g", expires_in: 3600 }) });
  const tokens = googleTokens(client, ["scope"], { env: { GOOGLE_APPLICATION_CREDENTIALS: file } });
  expect(await tokens.get()).toBe("g");
  expect(await tokens.get()).toBe("g");
  expect(asked).toHaveLength(1);
  const assertion = new URLSearchParams(asked[0].body).get("assertion") ?? "";
  const [header, claims, signature] = assertion.split(".");
  expect(JSON.parse(Buffer.from(claims, "base64url").toString())).toMatchObject({ iss: "me@example", scope: "scope" });
  const good = verify("RSA-SHA256", Buffer.from(`${header}.${claims}`), publicKey, Buffer.from(signature, "base64url"));
  expect(good).toBe(true);
  writeFileSync(file, JSON.stringify({ type: "external_account" }));
  await expect(googleTokens(client, [], { file }).get()).rejects.toThrow("external_account");
});

test("Azure: each method asks its own way", async () => {
  asked.length = 0;
  answer = () => ({ body: JSON.stringify({ access_token: "z", expires_in: "3600" }) });
  const base = { authority: url, tenantId: "t", clientId: "c", resource: "https://r" };
  await azureTokens(client, { ...base, method: "oauth", clientSecret: new Secret("s") }).get();
  expect(asked[0].url).toBe("/t/oauth2/v2.0/token");
  expect(Object.fromEntries(new URLSearchParams(asked[0].body))).toEqual({
    grant_type: "client_credentials",
    client_id: "c",
    client_secret: "s",
    scope: "https://r/.default",
  });
  writeFileSync(join(folder, "federated"), "assertion");
  await azureTokens(
    client,
    { ...base, method: "sdk" },
    { AZURE_FEDERATED_TOKEN_FILE: join(folder, "federated") },
  ).get();
  expect(new URLSearchParams(asked[1].body).get("client_assertion")).toBe("assertion");
  const app = { IDENTITY_ENDPOINT: `${url}/msi`, IDENTITY_HEADER: "h" };
  expect(await azureTokens(client, { ...base, method: "managed-identity" }, app).get()).toBe("z");
  expect(asked[2].url).toBe("/msi?resource=https%3A%2F%2Fr&client_id=c&api-version=2019-08-01");
  expect(asked[2].headers["x-identity-header"]).toBe("h");
  answer = () => ({
    status: 400,
    body: JSON.stringify({ error: "invalid_client", error_description: "wrong secret" }),
  });
  await expect(azureTokens(client, { ...base, method: "oauth" }).get()).rejects.toThrow("wrong secret");
});
