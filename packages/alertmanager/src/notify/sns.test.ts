import { afterEach, beforeEach, expect, test } from "vitest";
import { deliver, HttpRecorder, TEST_GROUP_HASH } from "../testing/index.ts";

let server: HttpRecorder;
beforeEach(async () => {
  server = await HttpRecorder.start(() => ({ body: "<PublishResponse/>" }));
});
afterEach(() => server[Symbol.asyncDispose]());

const config = (more: string): string =>
  `{api_url: "${server.url}", sigv4: {region: eu-west-1, access_key: AK, secret_key: SK}, ${more}}`;
const form = (): Record<string, string> => Object.fromEntries(new URLSearchParams(server.requests.at(-1)!.body));

test("Publish to a FIFO topic, with attributes, signed", async () => {
  await deliver(
    "sns",
    config("topic_arn: 'arn:{{ .Status }}.fifo', message: 'm (!) ä', attributes: {k: '{{ .Status }}'}"),
  );
  expect(form()).toEqual({
    Action: "Publish",
    Version: "2010-03-31",
    TopicArn: "arn:firing.fifo",
    MessageDeduplicationId: TEST_GROUP_HASH,
    MessageGroupId: TEST_GROUP_HASH,
    Message: "m (!) ä",
    Subject: "[FIRING:1] Test ",
    "MessageAttributes.entry.1.Name": "k",
    "MessageAttributes.entry.1.Value.DataType": "String",
    "MessageAttributes.entry.1.Value.StringValue": "firing",
  });
  expect(server.requests[0].headers.authorization).toMatch(
    /^AWS4-HMAC-SHA256 Credential=AK\/\d{8}\/eu-west-1\/sns\/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=[0-9a-f]{64}$/,
  );
});

test("text messages are cut, and say so", async () => {
  await deliver("sns", config(`phone_number: "+1", message: "{{ .Status }}${"ä".repeat(2000)}"`));
  expect(Buffer.byteLength(form().Message)).toBeLessThanOrEqual(1600);
  expect(form()).toMatchObject({ PhoneNumber: "+1", "MessageAttributes.entry.1.Name": "truncated" });
});

test("AWS' words for a refusal; faults are worth another try", async () => {
  server.answer = () => ({
    status: 403,
    body: "<ErrorResponse><Error><Message>no rights</Message></Error></ErrorResponse>",
  });
  await expect(deliver("sns", config("topic_arn: a"))).rejects.toMatchObject({
    retry: false,
    reason: "authError",
    message: "unexpected status code 403: no rights",
  });
  server.answer = () => ({ status: 500 });
  await expect(deliver("sns", config("topic_arn: a"))).rejects.toMatchObject({ retry: true });
});

test("a role is assumed once, and signs with its own credentials", async () => {
  process.env.AWS_ENDPOINT_URL_STS = `${server.url}/sts`;
  try {
    server.answer = ({ url }) =>
      url.startsWith("/sts")
        ? {
            body: "<C><AccessKeyId>TMP</AccessKeyId><SecretAccessKey>S</SecretAccessKey><SessionToken>TOK</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></C>",
          }
        : {};
    await deliver(
      "sns",
      `{api_url: "${server.url}/sns", sigv4: {region: r, access_key: AK, secret_key: SK, role_arn: 'arn:role', external_id: ext}, topic_arn: t}`,
    );
  } finally {
    delete process.env.AWS_ENDPOINT_URL_STS;
  }
  expect(Object.fromEntries(new URLSearchParams(server.requests[0].body))).toMatchObject({
    Action: "AssumeRole",
    RoleArn: "arn:role",
    ExternalId: "ext",
  });
  expect(server.requests[0].headers.authorization).toContain("Credential=AK/");
  expect(server.requests[1].headers).toMatchObject({
    "x-amz-security-token": "TOK",
    authorization: expect.stringContaining("Credential=TMP/"),
  });
});
