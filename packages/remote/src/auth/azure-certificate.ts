/** Tokens of Microsoft Entra for who has a certificate's key. */
import { createHash, createPrivateKey, createSign, randomUUID, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { formRequest, type HttpClient, requestToken, TokenCache } from "@pharos/kit";
import { UserError } from "@pharos/model";
import type { AzureIdentity } from "./config.ts";

const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const ASSERTION_SECONDS = 600;

export type AzureCertificate = Extract<AzureIdentity, { kind: "certificate" }>;

/** A signed statement that the client has the key. `now`: Unix ms. Throws a UserError for a file that is not PEM. */
export function certificateAssertion(identity: AzureCertificate, audience: string, now: number): string {
  const text = readFileSync(identity.path, "utf8");
  const chain = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  if (!chain) {
    throw new UserError("remote.auth", "the certificate is not in PEM form", {
      where: { file: identity.path },
      fix: "Convert a PFX file with: openssl pkcs12 -in FILE -out certificate.pem -nodes",
    });
  }
  const keyText = identity.keyPath === "" ? text : readFileSync(identity.keyPath, "utf8");
  const passphrase = identity.password.reveal() || undefined;
  const key = createPrivateKey({ key: keyText, passphrase });
  const header = {
    alg: "RS256",
    typ: "JWT",
    x5t: createHash("sha1").update(new X509Certificate(chain[0]).raw).digest("base64url"),
    ...(identity.sendChain ? { x5c: chain.map((one) => new X509Certificate(one).raw.toString("base64")) } : {}),
  };
  const seconds = Math.floor(now / 1000);
  const claims = {
    aud: audience,
    iss: identity.clientId,
    sub: identity.clientId,
    jti: randomUUID(),
    nbf: seconds,
    exp: seconds + ASSERTION_SECONDS,
  };
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${encode(header)}.${encode(claims)}`;
  return `${signed}.${createSign("RSA-SHA256").update(signed).sign(key, "base64url")}`;
}

export function certificateTokens(
  http: HttpClient,
  identity: AzureCertificate,
  authority: string,
  scope: string,
): TokenCache {
  const url = `${authority}/${encodeURIComponent(identity.tenantId)}/oauth2/v2.0/token`;
  return new TokenCache((signal) => {
    const form = {
      grant_type: "client_credentials",
      client_id: identity.clientId,
      scope,
      client_assertion_type: ASSERTION_TYPE,
      client_assertion: certificateAssertion(identity, url, Date.now()),
    };
    return requestToken(http, url, formRequest(form, signal));
  });
}
