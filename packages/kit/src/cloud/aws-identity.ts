/**
 * Who asks AWS, and in which region: given keys, the environment, a profile, a web identity, the container's or the
 * instance's role, in the order of AWS' own chain; then a role is assumed when one is named. Single sign-on profiles
 * are not followed.
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { UserError } from "@pharos/model";
import type { Secret } from "../client/config.ts";
import type { HttpClient, HttpResponse } from "../client/http-client.ts";
import { type AwsCredentials, awsEncode, signV4 } from "./sigv4.ts";

export interface AwsSettings {
  /** "": from the environment, the profile or the instance. */
  region: string;
  accessKey: string;
  secretKey: Secret | undefined;
  profile: string;
  roleArn: string;
  externalId: string;
  useFipsSts?: boolean;
}

type Profile = ReadonlyMap<string, string>;
type Environment = Readonly<Record<string, string | undefined>>;

interface Lease {
  credentials: AwsCredentials;
  /** Unix ms. */
  endsAt: number;
}

const FORM = "application/x-www-form-urlencoded; charset=utf-8";
/** Temporary credentials are renewed this long before they end. */
const RENEW_BEFORE_MS = 300_000;
const DEFAULT_LEASE_MS = 900_000;
const METADATA_TIMEOUT_MS = 5_000;
const PROCESS_TIMEOUT_MS = 60_000;
const MAX_BYTES = 2 ** 20;
const MAX_CHAIN = 5;

function fail(message: string, fix?: string): UserError {
  return new UserError("kit.aws", message, fix === undefined ? {} : { fix });
}

/** Sections of AWS' ini files; none when there is no such file. */
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
    if (section) {
      current = sections.get(section[1]) ?? new Map();
      sections.set(section[1], current);
    }
    const pair = /^([A-Za-z_]+)\s*=\s*(.*?)\s*$/.exec(line);
    if (pair) current.set(pair[1].toLowerCase(), pair[2]);
  }
  return sections;
}

function tag(xml: string, name: string): string {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? "";
}

export class AwsIdentity {
  readonly #settings: AwsSettings;
  readonly #client: HttpClient;
  readonly #env: Environment;
  #region: string | undefined;
  #lease: Lease | undefined;
  #pending: Promise<AwsCredentials> | undefined;

  constructor(settings: AwsSettings, client: HttpClient, env: Environment = process.env) {
    this.#settings = settings;
    this.#client = client;
    this.#env = env;
  }

  /** Throws a UserError when no region is known. */
  async region(signal?: AbortSignal): Promise<string> {
    this.#region ??=
      this.#settings.region ||
      this.#env.AWS_REGION ||
      this.#env.AWS_DEFAULT_REGION ||
      this.#profile(this.#profileName).get("region") ||
      (await this.#metadata("placement/region", signal).catch(() => "")) ||
      undefined;
    if (this.#region !== undefined) return this.#region;
    throw fail("could not determine AWS region", "Give region, or set AWS_REGION; only on EC2 it is known without");
  }

  /** Valid credentials; those who need them at the same time share the asking. */
  credentials(signal?: AbortSignal): Promise<AwsCredentials> {
    if (this.#lease && this.#lease.endsAt - RENEW_BEFORE_MS > Date.now()) {
      return Promise.resolve(this.#lease.credentials);
    }
    this.#pending ??= this.#ask(signal).finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  /** Forgets the credentials: they were refused. */
  forget(): void {
    this.#lease = undefined;
  }

  get #profileName(): string {
    return this.#settings.profile || this.#env.AWS_PROFILE || "default";
  }

  #profile(name: string): Profile {
    const { AWS_SHARED_CREDENTIALS_FILE: credentials, AWS_CONFIG_FILE: config } = this.#env;
    const home = this.#env.HOME ?? homedir();
    return new Map([
      ...(readIni(config ?? join(home, ".aws", "config")).get(name) ?? []),
      ...(readIni(credentials ?? join(home, ".aws", "credentials")).get(name) ?? []),
    ]);
  }

  async #ask(signal?: AbortSignal): Promise<AwsCredentials> {
    const { roleArn, externalId } = this.#settings;
    let lease = await this.#base(signal);
    if (roleArn !== "") lease = await this.#assumeRole(roleArn, externalId, lease.credentials, signal);
    this.#lease = lease;
    return lease.credentials;
  }

  async #base(signal?: AbortSignal): Promise<Lease> {
    const { accessKey, secretKey, profile } = this.#settings;
    if (accessKey !== "" && secretKey) {
      return { credentials: { accessKey, secretKey: secretKey.reveal() }, endsAt: Number.POSITIVE_INFINITY };
    }
    const env = this.#env;
    if (profile === "") {
      const found = this.#fromEnvironment();
      if (found) return found;
      if (env.AWS_WEB_IDENTITY_TOKEN_FILE && env.AWS_ROLE_ARN) {
        return this.#assumeByToken(env.AWS_ROLE_ARN, env.AWS_WEB_IDENTITY_TOKEN_FILE, signal);
      }
    }
    const found = await this.#fromProfile(this.#profileName, signal);
    if (found) return found;
    if (profile !== "") throw fail(`the AWS profile ${JSON.stringify(profile)} has no credentials`);
    if (env.AWS_CONTAINER_CREDENTIALS_FULL_URI || env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI) {
      return this.#fromContainer(signal);
    }
    return this.#fromInstance(signal);
  }

  #fromEnvironment(): Lease | undefined {
    const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: key, AWS_SESSION_TOKEN: sessionToken } = this.#env;
    if (!id || !key) return undefined;
    return { credentials: { accessKey: id, secretKey: key, sessionToken }, endsAt: Number.POSITIVE_INFINITY };
  }

  async #fromProfile(name: string, signal: AbortSignal | undefined, depth = 0): Promise<Lease | undefined> {
    if (depth > MAX_CHAIN) throw fail(`the AWS profile ${JSON.stringify(name)} refers to itself`);
    const profile = this.#profile(name);
    const roleArn = profile.get("role_arn");
    const tokenFile = profile.get("web_identity_token_file");
    if (roleArn && tokenFile) return this.#assumeByToken(roleArn, tokenFile, signal);
    const from = profile.get("source_profile");
    const source = profile.get("credential_source")?.toLowerCase();
    if (roleArn && (from || source)) {
      // A profile may name itself: its own keys are meant then.
      const base =
        from === name
          ? this.#keysOf(profile)
          : from
            ? await this.#fromProfile(from, signal, depth + 1)
            : await this.#fromSource(source!, signal);
      if (!base) throw fail(`the AWS profile ${JSON.stringify(name)} has no source of credentials`);
      return this.#assumeRole(roleArn, profile.get("external_id") ?? "", base.credentials, signal);
    }
    const command = profile.get("credential_process");
    return this.#keysOf(profile) ?? (command ? this.#fromProcess(command, signal) : undefined);
  }

  /** What the profile's command prints. */
  async #fromProcess(command: string, signal?: AbortSignal): Promise<Lease> {
    const [shell, flag] = process.platform === "win32" ? ["cmd.exe", "/C"] : ["/bin/sh", "-c"];
    const options = { timeout: PROCESS_TIMEOUT_MS, maxBuffer: MAX_BYTES, signal, env: this.#env as NodeJS.ProcessEnv };
    try {
      const { stdout } = await promisify(execFile)(shell, [flag, command], options);
      return leaseOf({ status: 200, headers: {}, body: Buffer.from(stdout) }, "the credentials of credential_process");
    } catch (error) {
      if (error instanceof UserError) throw error;
      throw new UserError("kit.aws", "credential_process of the AWS profile fails", { cause: error });
    }
  }

  #keysOf(profile: Profile): Lease | undefined {
    const accessKey = profile.get("aws_access_key_id");
    if (!accessKey) return undefined;
    const secretKey = profile.get("aws_secret_access_key") ?? "";
    const sessionToken = profile.get("aws_session_token");
    return { credentials: { accessKey, secretKey, sessionToken }, endsAt: Date.now() + 2 * DEFAULT_LEASE_MS };
  }

  #fromSource(source: string, signal?: AbortSignal): Promise<Lease | undefined> | Lease | undefined {
    if (source === "environment") return this.#fromEnvironment();
    return source === "ecscontainer" ? this.#fromContainer(signal) : this.#fromInstance(signal);
  }

  async #fromContainer(signal?: AbortSignal): Promise<Lease> {
    const {
      AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: relative,
      AWS_CONTAINER_CREDENTIALS_FULL_URI: full,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: token,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file,
    } = this.#env;
    const authorization = file ? readFileSync(file, "utf8").trim() : token;
    const answer = await this.#client.fetch(relative ? `http://169.254.170.2${relative}` : (full ?? ""), {
      headers: authorization ? { authorization } : {},
      maxBytes: MAX_BYTES,
      signal,
    });
    return leaseOf(answer, "the container's credentials");
  }

  async #fromInstance(signal?: AbortSignal): Promise<Lease> {
    const nothing = "no AWS credentials were found";
    const fix = "Give access_key and secret_key, a profile or a role, or set them in the environment";
    let role: string;
    try {
      role = (await this.#metadata("iam/security-credentials/", signal)).split("\n")[0].trim();
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new UserError("kit.aws", nothing, { fix, cause: error });
    }
    if (role === "") throw fail(nothing, fix);
    const text = await this.#metadata(`iam/security-credentials/${role}`, signal);
    return leaseOf({ status: 200, headers: {}, body: Buffer.from(text) }, "the instance's credentials");
  }

  /** An entry of the instance metadata service, version 2. */
  async #metadata(path: string, signal?: AbortSignal): Promise<string> {
    if (this.#env.AWS_EC2_METADATA_DISABLED?.toLowerCase() === "true") throw fail("instance metadata is disabled");
    const base = (this.#env.AWS_EC2_METADATA_SERVICE_ENDPOINT ?? "http://169.254.169.254").replace(/\/$/, "");
    const limit = AbortSignal.timeout(METADATA_TIMEOUT_MS);
    const options = { maxBytes: MAX_BYTES, signal: signal ? AbortSignal.any([signal, limit]) : limit };
    const token = await this.#client.fetch(`${base}/latest/api/token`, {
      ...options,
      method: "PUT",
      headers: { "x-aws-ec2-metadata-token-ttl-seconds": "300" },
    });
    if (token.status !== 200) throw fail(`instance metadata answers HTTP status ${token.status}`);
    const answer = await this.#client.fetch(`${base}/latest/meta-data/${path}`, {
      ...options,
      headers: { "x-aws-ec2-metadata-token": token.body.toString("utf8") },
    });
    if (answer.status !== 200) throw fail(`instance metadata answers HTTP status ${answer.status} for ${path}`);
    return answer.body.toString("utf8").trim();
  }

  #assumeByToken(roleArn: string, file: string, signal?: AbortSignal): Promise<Lease> {
    const parameters = {
      Action: "AssumeRoleWithWebIdentity",
      RoleArn: roleArn,
      RoleSessionName: this.#env.AWS_ROLE_SESSION_NAME || `pharos-${Date.now()}`,
      WebIdentityToken: readFileSync(file, "utf8").trim(),
    };
    return this.#sts(parameters, undefined, signal);
  }

  #assumeRole(roleArn: string, externalId: string, base: AwsCredentials, signal?: AbortSignal): Promise<Lease> {
    const parameters = {
      Action: "AssumeRole",
      RoleArn: roleArn,
      RoleSessionName: `pharos-${Date.now()}`,
      ...(externalId === "" ? {} : { ExternalId: externalId }),
    };
    return this.#sts(parameters, base, signal);
  }

  async #sts(parameters: Record<string, string>, base?: AwsCredentials, signal?: AbortSignal): Promise<Lease> {
    const region = await this.region(signal);
    const host = `${this.#settings.useFipsSts ? "sts-fips" : "sts"}.${region}.${awsDomain(region)}`;
    const url = new URL(this.#env.AWS_ENDPOINT_URL_STS ?? `https://${host}/`);
    const body = awsForm({ ...parameters, Version: "2011-06-15" });
    const headers = { "content-type": FORM };
    const signed = base
      ? signV4({ method: "POST", url, headers, body, service: "sts", region, now: Date.now() }, base)
      : headers;
    const answer = await this.#client.fetch(String(url), {
      method: "POST",
      headers: signed,
      body,
      maxBytes: MAX_BYTES,
      signal,
    });
    const text = answer.body.toString("utf8");
    const credentials = {
      accessKey: tag(text, "AccessKeyId"),
      secretKey: tag(text, "SecretAccessKey"),
      sessionToken: tag(text, "SessionToken"),
    };
    if (answer.status !== 200 || credentials.accessKey === "") {
      throw fail(`STS answers HTTP status ${answer.status} to ${parameters.Action}: ${tag(text, "Message")}`);
    }
    const endsAt = Date.parse(tag(text, "Expiration"));
    return { credentials, endsAt: Number.isNaN(endsAt) ? Date.now() + DEFAULT_LEASE_MS : endsAt };
  }
}

/** Parameters of a query API, as a form. */
export function awsForm(parameters: Readonly<Record<string, string>>): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${awsEncode(name)}=${awsEncode(value)}`)
    .join("&");
}

/** Domain of AWS' endpoints in a region. */
export function awsDomain(region: string): string {
  return region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
}

/** Credentials as the metadata services answer them in JSON. */
function leaseOf({ status, body }: HttpResponse, what: string): Lease {
  if (status !== 200) throw fail(`${what}: HTTP status ${status}`);
  let answer: Record<string, unknown>;
  try {
    answer = JSON.parse(body.toString("utf8")) as Record<string, unknown>;
  } catch (error) {
    throw new UserError("kit.aws", `${what} are no JSON`, { cause: error });
  }
  const { AccessKeyId: accessKey, SecretAccessKey: secretKey, Expiration: end } = answer;
  // A process names it otherwise than the services do.
  const sessionToken = answer.Token ?? answer.SessionToken;
  if (typeof accessKey !== "string" || typeof secretKey !== "string") throw fail(`${what} have no keys`);
  const endsAt = Date.parse(String(end));
  return {
    credentials: { accessKey, secretKey, ...(typeof sessionToken === "string" ? { sessionToken } : {}) },
    endsAt: Number.isNaN(endsAt) ? Date.now() + DEFAULT_LEASE_MS : endsAt,
  };
}
