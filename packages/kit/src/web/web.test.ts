import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { Agent, request as httpsRequest } from "node:https";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { UserError } from "@pharos/model";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createHttpServer } from "../http/server.ts";
import { silentLogger } from "../log/logger.ts";
import { PasswordChecker, parseBasicAuth } from "./basic-auth.ts";
import { RateLimiter } from "./rate-limiter.ts";
import * as certificates from "./test-certificates.ts";
import { parseWebConfig } from "./web-config.ts";
import { listenWeb, type WebListener } from "./web-listener.ts";
import { prepareWeb } from "./web-server.ts";

/** bcrypt of "lighthouse", cost 4. */
const HASH = "$2b$04$eGV9ZHJJ2AusBn0ysx5fW.ZsaNk1N9X3h6TgMx9f4nWmcVbMtYnsa";

let dir: string;
let listener: WebListener | undefined;
const file = (name: string): string => join(dir, name);
const write = (name: string, text: string): void => writeFileSync(file(name), text);

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "pharos-web-"));
  write("server.pem", certificates.SERVER_CERT);
  write("server.key", certificates.SERVER_KEY);
  write("ca.pem", certificates.CA);
});
afterEach(async () => {
  await listener?.close();
  listener = undefined;
  rmSync(dir, { recursive: true });
});

const TLS = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n";

async function start(config: string | undefined): Promise<string> {
  if (config !== undefined) write("web.yml", config);
  listener = await listenWeb(
    { addresses: ["127.0.0.1:0"], configFile: config === undefined ? "" : file("web.yml"), log: silentLogger },
    (request, response) => response.end(`hello from ${request.httpVersion}`),
  );
  return listener.urls[0];
}

interface Answer {
  status: number;
  body: string;
  headers: NodeJS.Dict<string | string[]>;
  subject?: string;
}

function get(url: string, options: Parameters<typeof httpsRequest>[1] = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest(url, { ca: certificates.CA, agent: false, ...options }, (response) => {
      const socket = response.socket as import("node:tls").TLSSocket;
      const subject = String(socket.getPeerCertificate().subject.CN);
      let body = "";
      response.on("data", (chunk: Buffer) => {
        body += chunk.toString();
      });
      response.on("end", () => resolve({ status: response.statusCode!, body, headers: response.headers, subject }));
    });
    request.on("error", reject);
    request.end();
  });
}

describe("the file", () => {
  const bad = (text: string): string => {
    try {
      parseWebConfig(text, "/etc/web.yml");
    } catch (error) {
      expect(error).toBeInstanceOf(UserError);
      return (error as UserError).describe();
    }
    return "no complaint";
  };

  test.each([
    ["tls_server_config:\n  cert_file: a\n", "missing one of key or key_file"],
    ["tls_server_config:\n  key: a\n  cert: ''\n", "missing one of cert or cert_file"],
    ["tls_server_config:\n  cert: a\n  key: a\n  client_ca: x\n", "client CA's have been configured without"],
    ["tls_server_config:\n  cert: a\n  key: a\n  client_auth_type: Maybe\n", "invalid ClientAuth: Maybe"],
    ["tls_server_config:\n  cert: a\n  key: a\n  cipher_suites: [ROT13]\n", "unknown cipher: ROT13"],
    ["tls_server_config:\n  cert: a\n  key: a\n  curve_preferences: [Circle]\n", "unknown curve: Circle"],
    ["tls_server_config:\n  cert: a\n  key: a\n  min_version: TLS14\n", "unknown TLS version: TLS14"],
    [
      "tls_server_config:\n  cert: a\n  key: a\n  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]\n",
      "missing an HTTP/2-required",
    ],
    ["basic_auth_users:\n  a: secret\n", "hashedSecret too short to be a bcrypted password"],
    [`basic_auth_users:\n  a: ${"x".repeat(60)}\n`, "bcrypt hashes must start with"],
    ["http_server_config:\n  headers:\n    Content-Type: a\n", 'HTTP header "Content-Type" can not be configured'],
    ["http_server_config:\n  headers:\n    X-Frame-Options: b\n", "invalid value for X-Frame-Options"],
    ["tls_server_configs: {}\n", "field tls_server_configs not found in type web.Config"],
    ["rate_limit:\n  interval: soon\n", "not a duration"],
    ["a: [", "/etc/web.yml"],
  ])("%j", (text, complaint) => {
    const message = bad(text);
    expect(message).toContain(complaint);
    expect(message).toContain("/etc/web.yml");
  });

  test("a complaint about a hash does not tell it", () => {
    expect(bad("basic_auth_users:\n  a: correct horse\n")).not.toContain("horse");
  });

  test("what is not there has upstream's defaults; paths are relative to the file", () => {
    expect(parseWebConfig("", "/etc/web.yml")).toMatchObject({ tls: undefined, http2: true, headers: {} });
    const { tls } = parseWebConfig(`${TLS}  client_auth_type: RequireClientCert\n`, "/etc/web.yml");
    expect(tls).toMatchObject({
      cert: { path: "/etc/server.pem" },
      key: { path: "/etc/server.key" },
      clientAuth: "RequireAnyClientCert",
      minVersion: "TLSv1.2",
      maxVersion: "TLSv1.3",
    });
  });

  test("any text gives a configuration or a UserError", () => {
    const word = fc.constantFrom(
      "tls_server_config",
      "cert",
      "basic_auth_users",
      "http2",
      ":",
      "\n",
      " ",
      "- ",
      "{",
      "[",
      "x",
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(word, fc.string({ maxLength: 3 })), { maxLength: 30 }), (parts) => {
        try {
          parseWebConfig(parts.join(""), "f");
        } catch (error) {
          expect(error).toBeInstanceOf(UserError);
        }
      }),
      { seed: 1, numRuns: 300 },
    );
  });
});

describe("serving", () => {
  test("without a file: plain HTTP", async () => {
    const url = await start(undefined);
    expect(url).toMatch(/^http:/);
    expect(await (await fetch(url)).text()).toBe("hello from 1.1");
  });

  test("TLS, HTTP/1.1 and HTTP/2 on one port", async () => {
    const url = await start(TLS);
    expect(url).toMatch(/^https:/);
    expect(await get(url)).toMatchObject({ status: 200, body: "hello from 1.1", subject: "server" });
    const session = connectHttp2(url, { ca: certificates.CA });
    const stream = session.request({ ":path": "/" });
    let body = "";
    for await (const chunk of stream) body += String(chunk);
    session.close();
    expect(body).toBe("hello from 2.0");
  });

  test("HTTP/2 can be switched off", async () => {
    const url = await start(`${TLS}http_server_config:\n  http2: false\n`);
    const session = connectHttp2(url, { ca: certificates.CA });
    await expect(new Promise((_resolve, reject) => session.on("error", reject))).rejects.toThrow();
    session.destroy();
    expect((await get(url)).status).toBe(200);
  });

  test("a new certificate is used without a restart; a broken one closes the door until it is repaired", async () => {
    const url = await start(TLS);
    expect((await get(url)).subject).toBe("server");
    write("server.key", certificates.RENEWED_KEY);
    write("server.pem", certificates.RENEWED_CERT);
    expect((await get(url)).subject).toBe("renewed");
    write("server.pem", "no certificate");
    await expect(get(url)).rejects.toThrow();
    write("server.pem", certificates.RENEWED_CERT);
    expect((await get(url)).subject).toBe("renewed");
  });

  test("versions and suites are those of the file", async () => {
    const url = await start(
      `${TLS}  max_version: TLS12\n  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]\n  curve_preferences: [CurveP384]\n`,
    );
    const { port } = new URL(url);
    const negotiate = (options: object): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = connectTls({ host: "127.0.0.1", port: Number(port), ca: certificates.CA, ...options }, () => {
          const { name } = socket.getCipher();
          const key = socket.getEphemeralKeyInfo() as { name?: string };
          resolve(`${socket.getProtocol()} ${name} ${key.name}`);
          socket.destroy();
        });
        socket.on("error", reject);
      });
    expect(await negotiate({})).toBe("TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256 secp384r1");
    await expect(negotiate({ minVersion: "TLSv1.3" })).rejects.toThrow();
    await expect(negotiate({ ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384" })).rejects.toThrow();
  });

  test("a connection stays open from one request to the next", async () => {
    const url = await start(TLS);
    const agent = new Agent({ keepAlive: true, ca: certificates.CA });
    const ports = new Set<number | undefined>();
    for (let i = 0; i < 2; i++) {
      await new Promise<void>((resolve, reject) => {
        const request = httpsRequest(url, { agent }, (response) => {
          ports.add(response.socket.localPort);
          expect(response.headers["keep-alive"]).toBe("timeout=300");
          response.resume().on("end", resolve);
        });
        request.on("error", reject);
        request.end();
      });
    }
    agent.destroy();
    expect(ports.size).toBe(1);
  });

  test("certificates that do not fit are told at the start", async () => {
    write("server.key", certificates.CLIENT_KEY);
    await expect(start(TLS)).rejects.toThrow("failed to load X509KeyPair");
    await expect(start("tls_server_config:\n  cert_file: gone\n  key_file: server.key\n")).rejects.toThrow(
      "no such file or directory",
    );
  });

  const client = { cert: certificates.CLIENT_CERT, key: certificates.CLIENT_KEY };
  const stranger = { cert: certificates.STRANGER_CERT, key: certificates.STRANGER_KEY };

  test.each([
    ["NoClientCert", "", true, true, true],
    ["RequestClientCert", "", true, true, true],
    ["RequireAnyClientCert", "", false, true, true],
    ["VerifyClientCertIfGiven", "  client_ca_file: ca.pem\n", true, true, false],
    ["RequireAndVerifyClientCert", "  client_ca_file: ca.pem\n", false, true, false],
  ])("client certificates: %s", async (type, more, none, known, unknown) => {
    const url = await start(`${TLS}  client_auth_type: ${type}\n${more}`);
    const served = (options: object): Promise<boolean> =>
      get(url, options).then(
        ({ status }) => status === 200,
        () => false,
      );
    expect([await served({}), await served(client), await served(stranger)]).toEqual([none, known, unknown]);
  });

  test("only clients with an allowed name are served", async () => {
    const config = (san: string): string =>
      `${TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n  client_allowed_sans: ["${san}"]\n`;
    const url = await start(config("spiffe://example/scraper"));
    expect((await get(url, client)).status).toBe(200);
    write("web.yml", config("somebody.else"));
    await expect(get(url, client)).rejects.toThrow();
  });

  test("users, headers, and a file that changes", async () => {
    const headers = "http_server_config:\n  headers:\n    X-Frame-Options: deny\n";
    const url = await start(`${headers}basic_auth_users:\n  ada: ${HASH}\n`);
    const as = (user: string, password: string) =>
      fetch(url, { headers: { authorization: `Basic ${btoa(`${user}:${password}`)}` } });
    const refused = await fetch(url);
    expect(refused.status).toBe(401);
    expect(refused.headers.get("www-authenticate")).toBe("Basic");
    expect(refused.headers.get("x-frame-options")).toBe("deny");
    expect((await as("ada", "lighthouse")).status).toBe(200);
    expect((await as("ada", "wrong")).status).toBe(401);
    expect((await as("bob", "lighthouse")).status).toBe(401);
    write("web.yml", `basic_auth_users:\n  bob: ${HASH}\n`);
    expect((await as("bob", "lighthouse")).status).toBe(200);
    expect((await as("ada", "lighthouse")).status).toBe(401);
    write("web.yml", "junk: 1\n");
    expect((await as("bob", "lighthouse")).status).toBe(500);
  });

  test("a rate limit", async () => {
    const url = await start("rate_limit:\n  burst: 2\n  interval: 1h\n");
    const statuses = [await fetch(url), await fetch(url), await fetch(url)].map(({ status }) => status);
    expect(statuses).toEqual([200, 200, 429]);
  });

  test("sockets that were opened for the program", async () => {
    const opened = createServer().listen(0, "127.0.0.1");
    await once(opened, "listening");
    const { port } = opened.address() as AddressInfo;
    const { fd } = (opened as unknown as { _handle: { fd: number } })._handle;
    const program = `
      import { silentLogger } from ${JSON.stringify(new URL("../log/logger.ts", import.meta.url).href)};
      import { listenWeb } from ${JSON.stringify(new URL("./web-listener.ts", import.meta.url).href)};
      await listenWeb({ addresses: [], systemdSocket: true, log: silentLogger }, (_, response) => response.end("passed on"));
      console.log("ready");`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit", fd],
      env: { ...process.env, LISTEN_PID: String(process.pid), LISTEN_FDS: "1" },
    });
    try {
      await once(child.stdout!, "data");
      opened.close();
      expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe("passed on");
    } finally {
      child.kill();
    }
  });

  test("an address that is taken, or none, is a UserError that names the flag", async () => {
    const url = await start(undefined);
    const options = { log: silentLogger, addresses: [new URL(url).host] };
    await expect(listenWeb(options, () => {})).rejects.toThrow("is taken by another program");
    await expect(listenWeb({ ...options, addresses: ["9100"] }, () => {})).rejects.toThrow("not an address");
    await expect(listenWeb({ ...options, systemdSocket: true }, () => {})).rejects.toThrow("no socket activation");
  });
});

test("a bucket fills one token an interval", () => {
  const limiter = new RateLimiter({ burst: 2, intervalMs: 100 }, 0);
  expect([limiter.allow(0), limiter.allow(0), limiter.allow(50), limiter.allow(100), limiter.allow(120)]).toEqual([
    true,
    true,
    false,
    true,
    false,
  ]);
});

test("credentials of a header", () => {
  expect(parseBasicAuth(`Basic ${btoa("a:b:c")}`)).toEqual({ user: "a", password: "b:c" });
  expect(parseBasicAuth("Bearer x")).toBeUndefined();
  expect(parseBasicAuth(`basic ${btoa("nobody")}`)).toBeUndefined();
});

test("endless passwords are refused", async () => {
  expect(await new PasswordChecker().check(new Map([["a", HASH]]), "a", "x".repeat(1e6))).toBe(false);
});

test("kit's HTTP server serves by a web configuration too", async () => {
  write("web.yml", `${TLS}basic_auth_users:\n  ada: ${HASH}\n`);
  const web = await prepareWeb({ configFile: file("web.yml"), log: silentLogger });
  await using server = createHttpServer({ host: "127.0.0.1", port: 0, log: silentLogger, web });
  server.app.get("/", async () => "hello");
  const url = await server.listen();
  expect(url).toMatch(/^https:/);
  expect((await get(url)).status).toBe(401);
  const headers = { authorization: `Basic ${btoa("ada:lighthouse")}` };
  expect(await get(url, { headers })).toMatchObject({ status: 200, body: "hello" });
  const session = connectHttp2(url, { ca: certificates.CA });
  const stream = session.request({ ":path": "/", ...headers });
  let body = "";
  for await (const chunk of stream) body += String(chunk);
  session.close();
  expect(body).toBe("hello");
});
