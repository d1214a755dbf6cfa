/** Signed JSON web tokens (RFC 7515), as OAuth servers take them for a proof of identity. */
import { createSign, type KeyLike } from "node:crypto";

export type JwtAlgorithm = "RS256" | "RS384" | "RS512";

/** A compact token. `header` adds to `alg` and `typ`; throws what node:crypto throws for a key it cannot use. */
export function signJwt(
  algorithm: JwtAlgorithm,
  header: Readonly<Record<string, string>>,
  claims: Readonly<Record<string, unknown>>,
  key: KeyLike,
): string {
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${encode({ alg: algorithm, typ: "JWT", ...header })}.${encode(claims)}`;
  return `${signed}.${createSign(`RSA-SHA${algorithm.slice(2)}`)
    .update(signed)
    .sign(key, "base64url")}`;
}
