/**
 * Tokens of Google Cloud by its application default credentials: a key file named by GOOGLE_APPLICATION_CREDENTIALS,
 * that of gcloud, or the metadata server. Federated identities (`external_account`) are refused by name.
 */
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { UserError } from "@pharos/model";
import type { HttpClient } from "../client/http-client.ts";
import { signJwt } from "./jwt.ts";
import { type BearerToken, formRequest, requestToken, TokenCache } from "./token-cache.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const TOKEN_URL = "https://oauth2.googleapis.com/token";
const LIFETIME_SECONDS = 3600;
const METADATA_TIMEOUT_MS = 10_000;

/** Path of the key file; undefined: the metadata server is asked. */
function keyFile(env: Environment): string | undefined {
  if (env.GOOGLE_APPLICATION_CREDENTIALS) return env.GOOGLE_APPLICATION_CREDENTIALS;
  const folder = env.CLOUDSDK_CONFIG ?? join(env.HOME ?? homedir(), ".config", "gcloud");
  const path = join(folder, "application_default_credentials.json");
  return existsSync(path) ? path : undefined;
}

/** A source of tokens for these scopes. With `file`, that key file whatever the environment says. */
export function googleTokens(
  client: HttpClient,
  scopes: readonly string[],
  options: { file?: string; env?: Environment } = {},
): TokenCache {
  const env = options.env ?? process.env;
  return new TokenCache(async (signal) => {
    const path = options.file || keyFile(env);
    if (path === undefined) return fromMetadata(client, scopes, env, signal);
    let key: Record<string, string>;
    try {
      key = JSON.parse(readFileSync(path, "utf8")) as Record<string, string>;
    } catch (error) {
      throw new UserError("kit.google", `cannot read Google credentials: ${(error as Error).message}`, {
        where: { file: path },
        cause: error,
      });
    }
    return fromKey(client, scopes, key, path, signal);
  });
}

function fromKey(
  client: HttpClient,
  scopes: readonly string[],
  key: Readonly<Record<string, string>>,
  file: string,
  signal?: AbortSignal,
): Promise<BearerToken> {
  const url = key.token_uri || TOKEN_URL;
  if (key.type === "service_account") {
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: key.client_email, scope: scopes.join(" "), aud: url, iat: now, exp: now + LIFETIME_SECONDS };
    const assertion = signJwt("RS256", { kid: key.private_key_id ?? "" }, claims, key.private_key);
    return requestToken(
      client,
      url,
      formRequest({ grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion }, signal),
    );
  }
  if (key.type === "authorized_user") {
    const { client_id, client_secret, refresh_token } = key;
    const form = { grant_type: "refresh_token", client_id, client_secret, refresh_token };
    return requestToken(client, url, formRequest(form, signal));
  }
  throw new UserError("kit.google", `Google credentials of type ${JSON.stringify(key.type)} are not supported`, {
    where: { file },
    fix: "Use a service account's key, a user's credentials or the metadata server",
  });
}

function fromMetadata(
  client: HttpClient,
  scopes: readonly string[],
  env: Environment,
  signal?: AbortSignal,
): Promise<BearerToken> {
  const host = env.GCE_METADATA_HOST || "metadata.google.internal";
  const query = scopes.length === 0 ? "" : `?scopes=${encodeURIComponent(scopes.join(","))}`;
  const url = `http://${host}/computeMetadata/v1/instance/service-accounts/default/token${query}`;
  const limit = AbortSignal.timeout(METADATA_TIMEOUT_MS);
  return requestToken(client, url, {
    headers: { "metadata-flavor": "Google" },
    signal: signal ? AbortSignal.any([signal, limit]) : limit,
  });
}
