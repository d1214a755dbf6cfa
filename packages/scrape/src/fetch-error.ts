/** Why a request failed, in the words of Go's HTTP client, by which people know these errors. */
import { describeError } from "@pharos/model";

const UNVERIFIED = "tls: failed to verify certificate: x509";
const UNKNOWN_AUTHORITY = `${UNVERIFIED}: certificate signed by unknown authority`;

const BY_CODE: Readonly<Record<string, (host: string) => string>> = {
  ECONNREFUSED: (host) => `dial tcp ${host}: connect: connection refused`,
  EHOSTUNREACH: (host) => `dial tcp ${host}: connect: no route to host`,
  ENETUNREACH: (host) => `dial tcp ${host}: connect: network is unreachable`,
  ETIMEDOUT: (host) => `dial tcp ${host}: i/o timeout`,
  UND_ERR_CONNECT_TIMEOUT: (host) => `dial tcp ${host}: i/o timeout`,
  ENOTFOUND: (host) => `dial tcp: lookup ${host.replace(/:\d+$/, "")}: no such host`,
  EAI_AGAIN: (host) => `dial tcp: lookup ${host.replace(/:\d+$/, "")}: server misbehaving`,
  ECONNRESET: () => "read: connection reset by peer",
  EPIPE: () => "write: broken pipe",
  UND_ERR_SOCKET: () => "EOF",
  DEPTH_ZERO_SELF_SIGNED_CERT: () => UNKNOWN_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: () => UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: () => UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: () => UNKNOWN_AUTHORITY,
  CERT_HAS_EXPIRED: () => `${UNVERIFIED}: certificate has expired or is not yet valid`,
  CERT_NOT_YET_VALID: () => `${UNVERIFIED}: certificate has expired or is not yet valid`,
  ERR_TLS_CERT_ALTNAME_INVALID: (host) => `${UNVERIFIED}: certificate is not valid for ${host.replace(/:\d+$/, "")}`,
  ERR_SSL_WRONG_VERSION_NUMBER: () => "http: server gave HTTP response to HTTPS client",
  ERR_INVALID_URL: () => "invalid URL",
  UND_ERR_INVALID_ARG: () => "unsupported protocol scheme or invalid URL",
};

function hostOf(url: string): string {
  if (!URL.canParse(url)) return url;
  const { host, protocol, port } = new URL(url);
  return port === "" ? `${host}:${protocol === "https:" ? 443 : 80}` : host;
}

/** One line for the target's last error. */
export function describeFetchError(error: unknown, url: string): string {
  const prefix = `Get ${JSON.stringify(url)}: `;
  const { name, code, cause } = (error ?? {}) as Error & { code?: string };
  if (name === "TimeoutError" || name === "AbortError") return `${prefix}context deadline exceeded`;
  const inner = code === undefined ? (cause as NodeJS.ErrnoException | undefined)?.code : code;
  const known = inner === undefined || !Object.hasOwn(BY_CODE, inner) ? undefined : BY_CODE[inner](hostOf(url));
  return prefix + (known ?? describeError(error));
}
