/** AWS' chain of credentials: given ones, a profile or the environment, a web identity token; a role is assumed with them. */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { checkStatus, type NotifyClient } from "./http.ts";
import { NotifyError } from "./integration.ts";
import { type AwsCredentials, awsEncode, signV4 } from "./sigv4.ts";

export interface AwsSettings {
  region: string;
  accessKey: string;
  secretKey: string;
  profile: string;
  roleArn: string;
  externalId: string;
}

const FORM = "application/x-www-form-urlencoded; charset=utf-8";
/** Temporary credentials are renewed this long before they end. */
const RENEW_BEFORE_MS = 60_000;

export function formOf(parameters: Record<string, string>): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${awsEncode(name)}=${awsEncode(value)}`)
    .join("&");
}

/** Sections of AWS' ini files. */
function readIni(path: string): Map<string, Map<string, string>> {
  const sections = new Map<string, Map<string, string>>();
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return sections;
  }
  let current = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const section = /^\s*\[\s*(?:profile\s+)?([^\]]+?)\s*\]/.exec(line);
    if (section) sections.set(section[1], (current = sections.get(section[1]) ?? new Map()));
    const pair = /^\s*([A-Za-z_]+)\s*=\s*(.*?)\s*$/.exec(line);
    if (pair) current.set(pair[1].toLowerCase(), pair[2]);
  }
  return sections;
}

function fromProfile(name: string): Map<string, string> {
  const { AWS_SHARED_CREDENTIALS_FILE: credentials, AWS_CONFIG_FILE: config } = process.env;
  return new Map([
    ...(readIni(config ?? join(homedir(), ".aws", "config")).get(name) ?? []),
    ...(readIni(credentials ?? join(homedir(), ".aws", "credentials")).get(name) ?? []),
  ]);
}

function tag(xml: string, name: string): string {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? "";
}

export class CredentialChain {
  readonly #settings: AwsSettings;
  readonly #client: NotifyClient;
  #assumed: { credentials: AwsCredentials; endsAt: number } | undefined;

  constructor(settings: AwsSettings, client: NotifyClient) {
    this.#settings = settings;
    this.#client = client;
  }

  get #profile(): string {
    return this.#settings.profile || process.env.AWS_PROFILE || "default";
  }

  region(): string {
    const { AWS_REGION: region, AWS_DEFAULT_REGION: fallback } = process.env;
    const found = this.#settings.region || region || fallback || fromProfile(this.#profile).get("region");
    if (!found)
      throw new NotifyError("region not configured in sns.sigv4.region or in default credentials chain", {
        retry: true,
      });
    return found;
  }

  async credentials(signal: AbortSignal): Promise<AwsCredentials> {
    const { roleArn, externalId } = this.#settings;
    if (this.#assumed && this.#assumed.endsAt - RENEW_BEFORE_MS > Date.now()) return this.#assumed.credentials;
    const webIdentity = process.env.AWS_WEB_IDENTITY_TOKEN_FILE;
    const base = this.#base();
    if (!base && webIdentity && process.env.AWS_ROLE_ARN) {
      const token = readFileSync(webIdentity, "utf8").trim();
      const identity = await this.#assume(
        { Action: "AssumeRoleWithWebIdentity", RoleArn: process.env.AWS_ROLE_ARN, WebIdentityToken: token },
        undefined,
        signal,
      );
      if (roleArn === "") return identity;
      return this.#assume(this.#roleRequest(roleArn, externalId), identity, signal);
    }
    if (!base)
      throw new NotifyError(
        "no AWS credentials: give access_key and secret_key, a profile, or set them in the environment",
        { retry: true },
      );
    return roleArn === "" ? base : this.#assume(this.#roleRequest(roleArn, externalId), base, signal);
  }

  #roleRequest(roleArn: string, externalId: string): Record<string, string> {
    return { Action: "AssumeRole", RoleArn: roleArn, ...(externalId === "" ? {} : { ExternalId: externalId }) };
  }

  #base(): AwsCredentials | undefined {
    const { accessKey, secretKey, profile } = this.#settings;
    if (accessKey !== "") return { accessKey, secretKey };
    const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: key, AWS_SESSION_TOKEN: token } = process.env;
    if (profile === "" && id && key) return { accessKey: id, secretKey: key, sessionToken: token };
    const found = fromProfile(this.#profile);
    const profileId = found.get("aws_access_key_id");
    if (!profileId) return undefined;
    return {
      accessKey: profileId,
      secretKey: found.get("aws_secret_access_key") ?? "",
      sessionToken: found.get("aws_session_token"),
    };
  }

  async #assume(
    parameters: Record<string, string>,
    base: AwsCredentials | undefined,
    signal: AbortSignal,
  ): Promise<AwsCredentials> {
    const region = this.region();
    const url = new URL(process.env.AWS_ENDPOINT_URL_STS ?? `https://sts.${region}.amazonaws.com/`);
    const body = formOf({ ...parameters, RoleSessionName: `pharos-${Date.now()}`, Version: "2011-06-15" });
    const headers = base ? signV4({ url, body, contentType: FORM, service: "sts", region, now: Date.now() }, base) : {};
    const answer = await this.#client.request(String(url), { body, contentType: FORM, headers, signal });
    checkStatus(answer, { details: (_status, text) => tag(text, "Message") });
    const credentials = {
      accessKey: tag(answer.body, "AccessKeyId"),
      secretKey: tag(answer.body, "SecretAccessKey"),
      sessionToken: tag(answer.body, "SessionToken"),
    };
    const endsAt = Date.parse(tag(answer.body, "Expiration"));
    if (credentials.accessKey === "") throw new NotifyError("STS gave no credentials", { retry: true });
    this.#assumed = { credentials, endsAt: Number.isNaN(endsAt) ? Date.now() + 900_000 : endsAt };
    return credentials;
  }
}
