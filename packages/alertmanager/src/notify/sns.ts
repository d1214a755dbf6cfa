/** Amazon SNS: Publish, signed with Signature Version 4. */
import { type AwsCredentials, AwsIdentity, awsDomain, awsForm, HttpClient, signV4 } from "@pharos/kit";
import { UserError } from "@pharos/model";
import { block, flag, secret, text, textMap } from "../config/fields.ts";
import { checkStatus, NotifyClient } from "./http.ts";
import { type Delivery, defineIntegration, NotifyError } from "./integration.ts";

/** SNS' limits, in bytes. */
const MAX_MESSAGE = 256 * 1024;
const MAX_SMS = 1600;
const FORM = "application/x-www-form-urlencoded";

/** Upstream cuts at the byte; half a character would not survive the form, so that goes too. */
function truncate(message: string, max: number): { message: string; truncated: boolean } {
  const bytes = Buffer.from(message);
  if (bytes.length <= max) return { message, truncated: false };
  let end = max;
  while (end > 0 && (bytes[end] & 0xc0) === 0x80) end--;
  return { message: bytes.toString("utf8", 0, end), truncated: true };
}

function messageOf(body: string): string {
  return /<Message>([^<]*)<\/Message>/.exec(body)?.[1] ?? body;
}

export const sns = defineIntegration({
  name: "sns",
  sendResolved: true,
  fields: {
    api_url: text(),
    sigv4: block(
      {
        region: text(),
        access_key: text(),
        secret_key: secret(),
        profile: text(),
        role_arn: text(),
        external_id: text(),
        use_fips_sts_endpoint: flag(),
      },
      "sigv4.plain",
    ),
    topic_arn: text(),
    phone_number: text(),
    target_arn: text(),
    subject: text('{{ template "sns.default.subject" . }}'),
    message: text('{{ template "sns.default.message" . }}'),
    attributes: textMap(),
    use_aws_http_client: flag(),
  },
  check({ topic_arn, target_arn, phone_number, sigv4 }, fail) {
    if ((sigv4.access_key === "") !== (sigv4.secret_key === undefined))
      throw fail("must provide a AWS SigV4 Access key and Secret Key if credentials are specified in the SigV4 config");
    const given = [target_arn, topic_arn, phone_number].filter((value) => value !== "").length;
    // Upstream's rule, written with exclusive or: all three together pass as well.
    if (given % 2 === 0) throw fail("must provide either a Target ARN, Topic ARN, or Phone Number for SNS config");
  },
  create(settings, { http, version }) {
    const client = new NotifyClient(http, version);
    const { region, access_key, secret_key, profile, role_arn, external_id, use_fips_sts_endpoint } = settings.sigv4;
    const awsClient = new HttpClient(http);
    const identity = new AwsIdentity(
      {
        region,
        accessKey: access_key,
        secretKey: secret_key,
        profile,
        roleArn: role_arn,
        externalId: external_id,
        useFipsSts: use_fips_sts_endpoint,
      },
      awsClient,
    );

    /** Who we are may be known a moment later: worth another try. */
    async function identify(signal: AbortSignal): Promise<{ region: string; credentials: AwsCredentials }> {
      try {
        return { region: await identity.region(signal), credentials: await identity.credentials(signal) };
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        throw new NotifyError(error.describe(), { retry: true });
      }
    }

    function parametersOf({ data, text }: Delivery): Record<string, string> {
      const parameters: Record<string, string> = { Action: "Publish" };
      const attributes = Object.entries(settings.attributes).map(([name, value]) => [text(name), text(value)]);
      const topic = text(settings.topic_arn);
      if (topic !== "") parameters.TopicArn = topic;
      if (topic.endsWith(".fifo")) {
        parameters.MessageDeduplicationId = data.groupKeyHash;
        parameters.MessageGroupId = data.groupKeyHash;
      }
      const phone = text(settings.phone_number);
      if (phone !== "") parameters.PhoneNumber = phone;
      const target = text(settings.target_arn);
      if (target !== "") parameters.TargetArn = target;
      const { message, truncated } = truncate(text(settings.message), phone === "" ? MAX_MESSAGE : MAX_SMS);
      if (truncated) attributes.push(["truncated", "true"]);
      parameters.Message = message;
      for (const [i, [name, value]] of attributes.entries()) {
        const prefix = `MessageAttributes.entry.${i + 1}`;
        parameters[`${prefix}.Name`] = name;
        parameters[`${prefix}.Value.DataType`] = "String";
        parameters[`${prefix}.Value.StringValue`] = value;
      }
      if (settings.subject !== "") parameters.Subject = text(settings.subject);
      return { ...parameters, Version: "2010-03-31" };
    }

    return {
      async send(delivery) {
        const { text, signal } = delivery;
        const { region, credentials } = await identify(signal);
        const endpoint = text(settings.api_url) || `https://sns.${region}.${awsDomain(region)}/`;
        if (!URL.canParse(endpoint)) throw new NotifyError("api_url is not a URL", { reason: "clientError" });
        const url = new URL(endpoint);
        const body = awsForm(parametersOf(delivery));
        const form = { "content-type": FORM };
        const headers = signV4(
          { method: "POST", url, headers: form, body, service: "sns", region, now: Date.now() },
          credentials,
        );
        const answer = await client.request(String(url), { body, contentType: FORM, headers, signal });
        checkStatus(answer, { details: (_status, answered) => messageOf(answered) });
        return answer.body;
      },
      async [Symbol.asyncDispose]() {
        await client[Symbol.asyncDispose]();
        await awsClient[Symbol.asyncDispose]();
      },
    };
  },
});
