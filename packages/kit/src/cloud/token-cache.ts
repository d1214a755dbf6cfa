/** A bearer token that is asked for when there is none, and again shortly before it expires. */
import { UserError } from "@pharos/model";
import type { HttpClient, HttpRequest } from "../client/http-client.ts";

export interface BearerToken {
  text: string;
  /** Unix ms. */
  expires: number;
}

/** A token about to expire would be refused on the way. */
const EARLY_MS = 60_000;
const MAX_BYTES = 2 ** 20;

export class TokenCache {
  readonly #ask: (signal: AbortSignal | undefined) => Promise<BearerToken>;
  #token: BearerToken | undefined;
  #pending: Promise<string> | undefined;

  constructor(ask: (signal: AbortSignal | undefined) => Promise<BearerToken>) {
    this.#ask = ask;
  }

  /** A valid token; those who need one at the same time share the asking. */
  get(signal?: AbortSignal): Promise<string> {
    if (this.#token && this.#token.expires - EARLY_MS > Date.now()) return Promise.resolve(this.#token.text);
    this.#pending ??= this.#ask(signal)
      .then((token) => {
        this.#token = token;
        return token.text;
      })
      .finally(() => {
        this.#pending = undefined;
      });
    return this.#pending;
  }
}

/** Asks an OAuth 2 token endpoint, `access_token` and `expires_in` in the answer; a UserError says what it says. */
export async function requestToken(client: HttpClient, url: string, request: HttpRequest): Promise<BearerToken> {
  const { status, body } = await client.fetch(url, { maxBytes: MAX_BYTES, ...request });
  let answer: Record<string, unknown> = {};
  try {
    answer = JSON.parse(body.toString("utf8")) as Record<string, unknown>;
  } catch {
    // The status says what there is to say.
  }
  const { access_token: text, expires_in: seconds, error_description: description, error } = answer;
  if (status !== 200 || typeof text !== "string" || text === "") {
    const why = [description, error].find((reason) => typeof reason === "string");
    throw new UserError(
      "kit.token",
      `${new URL(url).origin} gives no token: HTTP status ${status}${why ? `: ${why}` : ""}`,
    );
  }
  // Managed identities write the number as a text.
  const lifetime = Number(seconds);
  return { text, expires: Date.now() + (Number.isFinite(lifetime) ? lifetime : 3600) * 1000 };
}

/** A form post. */
export function formRequest(parameters: Readonly<Record<string, string>>, signal?: AbortSignal): HttpRequest {
  return {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", accept: "application/json" },
    body: new URLSearchParams(parameters).toString(),
    signal,
  };
}
