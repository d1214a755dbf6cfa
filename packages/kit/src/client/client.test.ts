import { createVerify, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { UserError } from "@pharos/model";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { parseYaml } from "../yaml/node.ts";
import { parseHttpClientConfig } from "./config.ts";
import { BodyTooLarge, HttpClient } from "./http-client.ts";
import { proxyChoice } from "./proxy.ts";

let dir: string;
let server: Server;
let base: string;
let requests: { url: string; headers: IncomingMessage["headers"]; body: string }[];
let answer: (request: IncomingMessage, response: ServerResponse) => void;

const parse = (yaml: string) => {
  const map = parseYaml(yaml, join(dir ?? "/etc", "c.yml")).map();
  const config = parseHttpClientConfig(map);
  map.done("T");
  return config;
};

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "pharos-client-"));
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", () => {
      requests.push({ url: request.url ?? "", headers: request.headers, body });
      answer(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  base = `http://127.0.0.1:${typeof bound === "object" && bound ? bound.port : 0}`;
});
beforeEach(() => {
  requests = [];
  answer = (_request, response) => response.end("hello");
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(dir, { recursive: true });
});

describe("http_config", () => {
  test.each([
    ["{bearer_token: a, bearer_token_file: b}", "at most one of bearer_token & bearer_token_file must be configured"],
    [
      "{bearer_token: a, basic_auth: {username: b}}",
      "at most one of basic_auth, oauth2, bearer_token & bearer_token_file",
    ],
    [
      "{basic_auth: {password: a, password_file: b}}",
      "at most one of basic_auth password, password_file & password_ref",
    ],
    ["{authorization: {type: Basic}}", 'authorization type cannot be set to "basic"'],
    ["{authorization: {credentials: a}, bearer_token: b}", "authorization is not compatible with bearer_token"],
    ["{basic_auth: {}, authorization: {}}", "at most one of basic_auth, oauth2 & authorization must be configured"],
    ["{oauth2: {token_url: 'http://t'}}", "oauth2 client_id must be configured"],
    ["{oauth2: {client_id: a, token_url: b, grant_type: x}}", "oauth2 grant_type must be"],
    ["{tls_config: {cert: a}}", "exactly one of key or key_file must be configured"],
    ["{tls_config: {ca: a, ca_file: b}}", "at most one of ca, ca_file & ca_ref must be configured"],
    ["{no_proxy: a}", "if no_proxy is configured, proxy_url must also be configured"],
    ["{proxy_url: 'http://p', proxy_from_environment: true}", "proxy_url must not be configured"],
    ["{http_headers: {user-agent: {values: [x]}}}", 'setting header "User-Agent" is not allowed'],
    ["{http_headers: {X: {value: x}}}", "field value not found in type config.Header"],
  ])("%s", (yaml, message) => {
    expect(() => parse(yaml)).toThrow(UserError);
    expect(() => parse(yaml)).toThrow(message);
  });

  test("secrets never print", () => {
    expect(JSON.stringify(parse("{basic_auth: {username: u, password: hidden}}"))).not.toContain("hidden");
  });
});

describe("requests", () => {
  test("authentication and headers, files read at each use", async () => {
    const file = join(dir, "token");
    writeFileSync(file, "one\n");
    await using client = new HttpClient(
      parse(
        `{authorization: {credentials_file: token}, http_headers: {X-Own: {values: [a], secrets: [b], files: [token]}}}`,
      ),
    );
    await client.fetch(base);
    writeFileSync(file, "two\n");
    await client.fetch(base);
    expect(requests.map(({ headers }) => [headers.authorization, headers["x-own"]])).toEqual([
      ["Bearer one", "a, b, one"],
      ["Bearer two", "a, b, two"],
    ]);
    await using basic = new HttpClient(parse("{basic_auth: {username: u, password: ''}}"));
    await basic.fetch(base);
    expect(requests[2].headers.authorization).toBe(`Basic ${Buffer.from("u:").toString("base64")}`);
  });

  test("bodies are decompressed and limited", async () => {
    await using client = new HttpClient(parse("{}"));
    expect((await client.fetch(base, { maxBytes: 5 })).body.toString()).toBe("hello");
    await expect(client.fetch(base, { maxBytes: 4 })).rejects.toThrow(BodyTooLarge);
    answer = (_request, response) => response.setHeader("content-encoding", "gzip").end(gzipSync("x".repeat(100_000)));
    expect((await client.fetch(base, { expectedBytes: 10 })).body.length).toBe(100_000);
    expect((await client.fetch(base, { maxBytes: 100_000 })).body.length).toBe(100_000);
    await expect(client.fetch(base, { maxBytes: 99_999 })).rejects.toThrow("body size limit exceeded");
    answer = (_request, response) => response.setHeader("content-encoding", "br").end("x");
    await expect(client.fetch(base)).rejects.toThrow("unsupported content encoding");
  });

  test("redirects are followed, or not", async () => {
    answer = (request, response) =>
      request.url === "/a" ? response.writeHead(302, { location: "/b" }).end() : response.end("b");
    await using client = new HttpClient(parse("{}"));
    expect((await client.fetch(`${base}/a`)).body.toString()).toBe("b");
    await using other = new HttpClient(parse("{follow_redirects: false}"));
    expect((await other.fetch(`${base}/a`)).status).toBe(302);
  });

  test("oauth2: the token is asked for once and kept", async () => {
    answer = (request, response) =>
      request.url === "/token"
        ? response.setHeader("content-type", "application/json").end('{"access_token":"t","expires_in":3600}')
        : response.end("ok");
    await using client = new HttpClient(
      parse(
        `{oauth2: {client_id: id, client_secret: 's p', token_url: '${base}/token', scopes: [a, b], endpoint_params: {x: y}}}`,
      ),
    );
    await Promise.all([client.fetch(`${base}/1`), client.fetch(`${base}/2`)]);
    const [token, ...others] = requests;
    expect(token.headers.authorization).toBe(`Basic ${Buffer.from("id:s%20p").toString("base64")}`);
    expect(Object.fromEntries(new URLSearchParams(token.body))).toEqual({
      grant_type: "client_credentials",
      scope: "a b",
      x: "y",
    });
    expect(others.map(({ headers }) => headers.authorization)).toEqual(["Bearer t", "Bearer t"]);
    answer = (_request, response) => response.writeHead(400).end('{"error":"invalid_client"}');
    await using refused = new HttpClient(parse(`{oauth2: {client_id: id, token_url: '${base}/token'}}`));
    await expect(refused.fetch(base)).rejects.toThrow("oauth2: cannot fetch token: status 400 invalid_client");
  });

  test("oauth2: a signed assertion in place of a secret", async () => {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    writeFileSync(join(dir, "key.pem"), privateKey.export({ type: "pkcs8", format: "pem" }));
    answer = (_request, response) => response.end('{"access_token":"t"}');
    await using client = new HttpClient(
      parse(
        `{oauth2: {client_id: id, token_url: '${base}/token', grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', client_certificate_key_file: key.pem, client_certificate_key_id: k, claims: {extra: 1}}}`,
      ),
    );
    await client.fetch(base);
    const [header, claims, signature] = new URLSearchParams(requests[0].body).get("assertion")!.split(".");
    const decode = (part: string): unknown => JSON.parse(Buffer.from(part, "base64url").toString());
    expect(decode(header)).toEqual({ alg: "RS256", typ: "JWT", kid: "k" });
    expect(decode(claims)).toMatchObject({ iss: "id", sub: "id", aud: `${base}/token`, extra: 1 });
    expect(createVerify("RSA-SHA256").update(`${header}.${claims}`).verify(publicKey, signature, "base64url")).toBe(
      true,
    );
  });

  test("through a proxy", async () => {
    await using client = new HttpClient(parse(`{proxy_url: '${base}', proxy_connect_header: {X-P: [v]}}`));
    const seen = new Promise<IncomingMessage>((resolve) => {
      server.once("connect", (request, socket) => {
        socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
        resolve(request);
      });
      answer = (request, response) => {
        resolve(request);
        response.end();
      };
    });
    await client.fetch("http://does.not.exist.invalid/path").catch(() => {});
    expect((await seen).url).toContain("does.not.exist.invalid");
  });
});

test("which proxy, if any", () => {
  const proxy = (settings: Partial<Parameters<typeof proxyChoice>[0]>, env: Record<string, string> = {}) =>
    proxyChoice({ noProxy: "", proxyFromEnvironment: false, proxyHeaders: {}, ...settings }, env);
  const plain = proxy({ proxyUrl: "http://p:1" })!;
  expect([plain(new URL("http://a")), plain(new URL("http://localhost"))]).toEqual(["http://p:1", "http://p:1"]);
  const spared = proxy({ proxyUrl: "http://p:1", noProxy: "a.b, .c.d, 10.0.0.0/8, [::5], e:81, 1.2.3.4" })!;
  const through = (url: string): boolean => spared(new URL(url)) !== undefined;
  expect(
    [
      "http://a.b",
      "http://x.a.b",
      "http://x.c.d",
      "http://10.1.1.1",
      "http://[::5]",
      "http://e:81",
      "http://1.2.3.4:9",
      "http://127.0.0.1",
    ].filter(through),
  ).toEqual([]);
  expect(["http://xa.b", "http://c.d", "http://11.0.0.1", "http://e:82", "http://f"].every(through)).toBe(true);
  const env = proxy({ proxyFromEnvironment: true }, { HTTP_PROXY: "h:1", https_proxy: "http://s:2", no_proxy: "x" })!;
  expect(["http://a", "https://a", "http://x", "http://localhost"].map((url) => env(new URL(url)))).toEqual([
    "http://h:1",
    "http://s:2",
    undefined,
    undefined,
  ]);
  expect(proxy({})).toBeUndefined();
  expect(proxy({ proxyUrl: "http://p", noProxy: "*" })!(new URL("http://a"))).toBeUndefined();
});
