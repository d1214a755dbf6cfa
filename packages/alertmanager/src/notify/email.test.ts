import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  deliver,
  mailHeaders,
  mailParts,
  SmtpRecorder,
  TEST_CERTIFICATE,
  TEST_GROUP_HASH,
  TEST_KEY,
} from "../testing/index.ts";
import { encodeHeader, mailDate, parseAddresses } from "./mail.ts";

let smtp: SmtpRecorder;
const start = async (options: Parameters<typeof SmtpRecorder.start>[0]): Promise<void> => {
  smtp = await SmtpRecorder.start(options);
};
const tls = { cert: TEST_CERTIFICATE, key: TEST_KEY };
const config = (more = ""): string =>
  `{to: "a@example.com, Bee <b@example.com>", from: am@example.com, smarthost: "127.0.0.1:${smtp.port}"${more}}`;

afterEach(() => smtp?.[Symbol.asyncDispose]());

describe("without encryption", () => {
  beforeEach(() => start({}));

  test("both alternatives, headers, one envelope", async () => {
    await deliver(
      "email",
      config(
        ", require_tls: false, hello: here.example.com, text: 'ä = {{ .Status }}', headers: {x-own: 'Grüße {{ .Status }}'}",
      ),
      {
        alerts: [{ labels: { path: "<script>" } }],
      },
    );
    const [{ data, ...envelope }] = smtp.mails;
    expect(envelope).toMatchObject({
      hello: "here.example.com",
      from: "am@example.com",
      to: ["a@example.com", "b@example.com"],
      secure: false,
    });
    const headers = mailHeaders(data);
    expect(headers).toMatchObject({
      Subject: "[FIRING:1] Test (<script>)",
      To: "a@example.com, Bee <b@example.com>",
      From: "am@example.com",
      "X-Own": "=?utf-8?q?Gr=C3=BC=C3=9Fe_firing?=",
      "MIME-Version": "1.0",
    });
    expect(headers["Message-Id"]).toMatch(/^<\d+\.\d+@\S+>$/);
    expect(Number.isNaN(Date.parse(headers.Date))).toBe(false);
    const parts = mailParts(data);
    expect(Object.keys(parts)).toEqual(["text/plain", "text/html"]);
    expect(parts["text/plain"]).toBe("ä = firing");
    expect(parts["text/html"]).toContain("path = &lt;script&gt;<br");
    expect(parts["text/html"]).toContain('href="http://alertmanager/#/alerts?receiver=team%5C.x"');
    expect(data.split("\r\n").every((line) => line.length <= 998)).toBe(true);
  });

  test("threads: notifications of a group refer to one message, the next day to another", async () => {
    await deliver("email", config(", require_tls: false, threading: {enabled: true, thread_by_date: none}"));
    await deliver("email", config(", require_tls: false, threading: {enabled: true, thread_by_date: daily}"));
    const [all, daily] = smtp.mails.map(({ data }) => mailHeaders(data));
    expect(all.References).toBe(`<alert-${TEST_GROUP_HASH.slice(0, 16)}-@alertmanager>`);
    expect(all["In-Reply-To"]).toBe(all.References);
    expect(daily.References).toMatch(/^<alert-[0-9a-f]{16}-\d{4}-\d\d-\d\d@alertmanager>$/);
  });

  test("TLS is required unless it is switched off; a value cannot make a header", async () => {
    await expect(deliver("email", config())).rejects.toMatchObject({ retry: true });
    await deliver("email", config(', require_tls: false, headers: {Subject: "a\\r\\nBcc: x@y.z"}'));
    expect(mailHeaders(smtp.mails[0].data)).toMatchObject({ Subject: "a Bcc: x@y.z" });
    expect(mailHeaders(smtp.mails[0].data)).not.toHaveProperty("Bcc");
    await expect(
      deliver("email", config(", require_tls: false").replace("am@example.com", "nobody")),
    ).rejects.toMatchObject({
      retry: false,
      message: expect.stringContaining("parse 'from' addresses"),
    });
  });
});

test("STARTTLS, with a certificate that is known", async () => {
  await start({ tls });
  await expect(deliver("email", config())).rejects.toMatchObject({ retry: true });
  await deliver("email", config(", tls_config: {insecure_skip_verify: true}"));
  await deliver(
    "email",
    `${config().slice(0, -1)}, tls_config: {ca: ${JSON.stringify(TEST_CERTIFICATE)}, server_name: localhost}}`,
  );
  expect(smtp.mails.map(({ secure }) => secure)).toEqual([true, true]);
});

test("TLS from the start", async () => {
  await start({ tls, implicitTls: true });
  await deliver("email", config(", force_implicit_tls: true, tls_config: {insecure_skip_verify: true}"));
  expect(smtp.mails[0].secure).toBe(true);
});

describe("users", () => {
  const users = { me: "pass", "me@example.com": "s3cret" };

  test.each([
    [
      ["PLAIN", "LOGIN"],
      "auth_username: me, auth_password: pass, auth_identity: id",
      { mechanism: "PLAIN", user: "me", identity: "id" },
    ],
    [["LOGIN"], "auth_username: me, auth_password: pass", { mechanism: "LOGIN", user: "me" }],
    [
      ["PLAIN", "CRAM-MD5"],
      "auth_username: me@example.com, auth_secret: s3cret",
      { mechanism: "CRAM-MD5", user: "me@example.com" },
    ],
    [["PLAIN"], "hello: h", undefined],
  ])("%j", async (mechanisms, settings, auth) => {
    await start({ tls, mechanisms, users });
    await deliver("email", config(`, tls_config: {insecure_skip_verify: true}, ${settings}`));
    expect(smtp.mails[0].auth).toEqual(auth);
  });

  test("a wrong password is worth another try and is not told", async () => {
    await start({ tls, mechanisms: ["PLAIN"], users });
    const error = await deliver(
      "email",
      config(", tls_config: {insecure_skip_verify: true}, auth_username: me, auth_password: wr0ng"),
    ).catch((caught: Error) => caught);
    expect(error).toMatchObject({ retry: true, message: expect.not.stringContaining("wr0ng") });
    await expect(
      deliver("email", config(", tls_config: {insecure_skip_verify: true}, auth_username: me")),
    ).rejects.toThrow("missing password for PLAIN");
  });
});

test("a refused recipient does not keep the others from knowing", async () => {
  await start({ refuse: { "a@example.com": "550 gone" } });
  expect(await deliver("email", config(", require_tls: false"))).toMatch(/taken.*refused.*550 gone/);
  expect(smtp.mails[0].to).toEqual(["b@example.com"]);
  await smtp[Symbol.asyncDispose]();
  await start({ refuse: { "a@example.com": "451 later" } });
  await expect(deliver("email", config(", require_tls: false"))).rejects.toMatchObject({ retry: true });
});

test("parts of a mail", () => {
  expect(encodeHeader("plain (ascii) =?")).toBe("plain (ascii) =?");
  const long = encodeHeader("ü".repeat(40));
  expect(long.split("\r\n ").every((word) => word.length <= 75)).toBe(true);
  expect(mailDate(Date.UTC(2026, 1, 3, 4, 5, 6))).toMatch(/^(Mon|Tue), 0[23] Feb 2026 \d\d:\d\d:06 [+-]\d{4}$/);
  expect(parseAddresses("a@b.c, ,Name <d@e.f>")).toEqual(["a@b.c", "d@e.f"]);
  expect(() => parseAddresses("nobody")).toThrow("mail: ");
});
