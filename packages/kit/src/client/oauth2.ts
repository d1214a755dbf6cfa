/** Tokens of an OAuth 2 server, by client credentials or by a signed assertion, kept until shortly before they expire. */
import { request } from "undici";
import { signJwt } from "../cloud/jwt.ts";
import type { JwtBearerConfig, OAuth2Config, SecretSource } from "./config.ts";
import { Connections } from "./connections.ts";

/** A token about to expire would be refused on the way. */
const EARLY_MS = 10_000;
const ASSERTION_SECONDS = 300;
function assertion(config: OAuth2Config, jwt: JwtBearerConfig, key: string, now: number): string {
  const issuer = jwt.issuer || config.clientId;
  const seconds = Math.floor(now / 1000);
  const claims = {
    iss: issuer,
    sub: config.clientId,
    aud: jwt.audience || config.tokenUrl,
    scope: config.scopes.join(" "),
    iat: seconds,
    exp: seconds + ASSERTION_SECONDS,
    ...jwt.claims,
  };
  return signJwt(jwt.algorithm, jwt.keyId ? { kid: jwt.keyId } : {}, claims, key);
}

export class TokenSource implements AsyncDisposable {
  readonly #config: OAuth2Config;
  readonly #reveal: (source: SecretSource) => string;
  readonly #connections: Connections;
  #token: { text: string; expires: number } | undefined;
  #pending: Promise<string> | undefined;

  constructor(config: OAuth2Config, reveal: (source: SecretSource) => string) {
    this.#config = config;
    this.#reveal = reveal;
    this.#connections = new Connections({ tls: config.tls, proxy: config, followRedirects: true });
  }

  /** A valid token; requests that need one at the same time share the asking. */
  get(signal?: AbortSignal): Promise<string> {
    if (this.#token && this.#token.expires > Date.now()) return Promise.resolve(this.#token.text);
    this.#pending ??= this.#ask(signal).finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  async #ask(signal?: AbortSignal): Promise<string> {
    const { clientId, clientSecret, jwtBearer, tokenUrl, scopes, endpointParams } = this.#config;
    const form = new URLSearchParams(endpointParams);
    const headers: Record<string, string> = {
      "content-type": "application/x-www-form-urlencoded",
      accept: "application/json",
    };
    if (jwtBearer) {
      form.set("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
      form.set("assertion", assertion(this.#config, jwtBearer, this.#reveal(jwtBearer.key), Date.now()));
    } else {
      form.set("grant_type", "client_credentials");
      if (scopes.length > 0) form.set("scope", scopes.join(" "));
      const pair = `${encodeURIComponent(clientId)}:${encodeURIComponent(this.#reveal(clientSecret))}`;
      headers.authorization = `Basic ${Buffer.from(pair).toString("base64")}`;
    }
    const { statusCode, body } = await request(tokenUrl, {
      method: "POST",
      headers,
      body: form.toString(),
      signal,
      dispatcher: this.#connections.to(new URL(tokenUrl)),
    });
    const text = await body.text();
    const answer = parseAnswer(text);
    if (statusCode !== 200 || !answer.access_token) {
      throw new Error(`oauth2: cannot fetch token: status ${statusCode}${answer.error ? ` ${answer.error}` : ""}`);
    }
    this.#token = {
      text: answer.access_token,
      expires: Date.now() + (answer.expires_in ?? 3600) * 1000 - EARLY_MS,
    };
    return answer.access_token;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#connections[Symbol.asyncDispose]();
  }
}

interface TokenAnswer {
  access_token?: string;
  expires_in?: number;
  error?: string;
}

function parseAnswer(text: string): TokenAnswer {
  try {
    return JSON.parse(text) as TokenAnswer;
  } catch {
    return {};
  }
}
