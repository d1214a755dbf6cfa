import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { deliver, HttpRecorder } from "../testing/index.ts";

let server: HttpRecorder;
beforeEach(async () => {
  server = await HttpRecorder.start();
});
afterEach(() => server[Symbol.asyncDispose]());

const long = (length: number): string => `{{ .Status }}${"é".repeat(length)}`;
const runes = (text: unknown): number => [...(text as string)].length;

describe("discord", () => {
  test("texts are cut to its limits; color by status", async () => {
    await deliver(
      "discord",
      `{webhook_url: "${server.url}", title: "${long(300)}", message: "${long(5000)}", content: "${long(3000)}", avatar_url: "not a url"}`,
    );
    const [embed] = server.json.embeds as Record<string, unknown>[];
    expect([runes(embed.title), runes(embed.description), runes(server.json.content)]).toEqual([256, 4096, 2000]);
    expect(embed.color).toBe(0x992d22);
    expect(server.json).not.toHaveProperty("avatar_url");
    await deliver("discord", `{webhook_url: "${server.url}"}`, { alerts: [{ resolved: true }] });
    expect((server.json.embeds as Record<string, unknown>[])[0]).toMatchObject({
      title: "[RESOLVED] Test ",
      color: 0x2ecc71,
    });
  });
});

describe("webex", () => {
  test("messages are cut in bytes, between characters", async () => {
    await deliver(
      "webex",
      `{api_url: "${server.url}", room_id: "r {{ .Status }}", message: "${long(5000)}", http_config: {authorization: {credentials: tok}}}`,
    );
    expect(server.json.roomId).toBe("r firing");
    expect(Buffer.byteLength(server.json.markdown as string)).toBeLessThanOrEqual(7439);
    expect(server.json.markdown).toMatch(/^firingé+…$/);
    expect(server.requests[0].headers.authorization).toBe("Bearer tok");
  });
});

describe("Microsoft Teams", () => {
  test("a message card", async () => {
    await deliver("msteams", `{webhook_url: "${server.url}", text: "t {{ .Status }}"}`);
    expect(server.json).toEqual({
      "@context": "http://schema.org/extensions", type: "MessageCard", title: "[FIRING:1] Test ", summary: "[FIRING:1] Test ", text: "t firing", themeColor: "8C1A1A",
    }); // biome-ignore format: a table
  });

  test("an adaptive card", async () => {
    await deliver("msteamsv2", `{webhook_url: "${server.url}", text: t}`, { alerts: [{ resolved: true }] });
    const [{ contentType, contentUrl, content }] = server.json.attachments as Record<string, Record<string, unknown>>[];
    expect([contentType, contentUrl]).toEqual(["application/vnd.microsoft.card.adaptive", null]);
    expect(content).toMatchObject({
      type: "AdaptiveCard",
      body: [{ text: "[RESOLVED] Test ", color: "Good" }, { text: "t" }],
      msteams: { width: "full" },
    });
  });
});

describe("rocketchat", () => {
  const config = (more = ""): string => `{api_url: "${server.url}", token: tok, token_id: id, channel: "#c"${more}}`;

  test("a message with its credentials in headers", async () => {
    server.answer = () => ({ body: '{"success":true}' });
    await deliver(
      "rocketchat",
      config(
        ", short_fields: true, fields: [{title: a, value: b}, {title: c, value: d, short: false}], actions: [{text: x, url: u}]",
      ),
    );
    expect(server.requests[0]).toMatchObject({
      url: "/api/v1/chat.postMessage",
      headers: { "x-auth-token": "tok", "x-user-id": "id" },
    });
    expect(server.json).toMatchObject({
      channel: "#c",
      attachments: [
        {
          color: "red",
          fields: [
            { short: true, title: "a" },
            { short: false, title: "c" },
          ],
          actions: [{ type: "button", text: "x", url: "u" }],
        },
      ],
    });
  });

  test("200 is no success by itself", async () => {
    server.answer = () => ({ body: '{"success":false,"error":"error-room-not-found"}' });
    await expect(deliver("rocketchat", config())).rejects.toMatchObject({
      retry: false,
      reason: "clientError",
      message: expect.stringContaining("error-room-not-found"),
    });
    server.answer = () => ({ body: "<html>" });
    await expect(deliver("rocketchat", config())).rejects.toMatchObject({ retry: true });
  });
});

describe("mattermost", () => {
  test("the text stands in the attachment, or beside attachments of the user's own, cut", async () => {
    await deliver("mattermost", `{webhook_url: "${server.url}", text: "t {{ .Status }}"}`);
    expect(server.json).toMatchObject({
      username: "Alertmanager",
      attachments: [{ text: "t firing", color: "danger" }],
    });
    expect(server.json).not.toHaveProperty("text");
    await deliver(
      "mattermost",
      `{webhook_url: "${server.url}", text: "${long(17_000)}", attachments: [{text: own, fields: [{title: a, value: b}]}]}`,
    );
    expect(runes(server.json.text)).toBe(16_383);
    expect(server.json.attachments).toEqual([{ text: "own", fields: [{ title: "a", value: "b" }] }]);
  });

  test.each([
    ["URGENT", { priority: "urgent", requested_ack: true, persistent_notifications: true }],
    ["important", { priority: "important", requested_ack: true }],
    ["whatever", { priority: "standard" }],
  ])("priority %s", async (priority, sent) => {
    await deliver(
      "mattermost",
      `{webhook_url: "${server.url}", priority: {priority: ${priority}, requested_ack: true, persistent_notifications: true}}`,
    );
    expect(server.json.priority).toEqual(sent);
  });
});

describe("wechat", () => {
  const config = (more = ""): string =>
    `{api_url: "${server.url}/cgi", api_secret: sec, corp_id: corp, to_user: u, message: "m {{ .Status }}"${more}}`;

  test("a token is asked for, then the message is sent with it", async () => {
    server.answer = ({ url }) => ({ body: url.includes("gettoken") ? '{"access_token":"t 1"}' : '{"errcode":0}' });
    await deliver("wechat", config(", message_type: markdown"));
    expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      "GET /cgi/gettoken?corpid=corp&corpsecret=sec",
      "POST /cgi/message/send?access_token=t%201",
    ]);
    expect(server.json).toEqual({
      text: { content: "" },
      touser: "u",
      safe: "0",
      msgtype: "markdown",
      markdown: { content: "m firing" },
    });
  });

  test.each([
    ['{"errcode":42001,"errmsg":"expired"}', true],
    ['{"errcode":40014,"errmsg":"invalid"}', false],
  ])("answer %s", async (body, retry) => {
    server.answer = ({ url }) => ({ body: url.includes("gettoken") ? '{"access_token":"t"}' : body });
    await expect(deliver("wechat", config())).rejects.toMatchObject({ retry });
  });

  test("no token", async () => {
    server.answer = () => ({ body: "{}" });
    await expect(deliver("wechat", config())).rejects.toMatchObject({
      retry: false,
      message: "invalid APISecret for CorpID: corp",
    });
  });
});
