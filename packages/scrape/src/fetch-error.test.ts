import { expect, test } from "vitest";
import { describeFetchError } from "./fetch-error.ts";

test.each([
  ["ECONNREFUSED", "http://h/m", 'Get "http://h/m": dial tcp h:80: connect: connection refused'],
  ["ENOTFOUND", "https://h:9/m", 'Get "https://h:9/m": dial tcp: lookup h: no such host'],
  [
    "CERT_HAS_EXPIRED",
    "https://h/m",
    'Get "https://h/m": tls: failed to verify certificate: x509: certificate has expired or is not yet valid',
  ],
  [
    "ERR_TLS_CERT_ALTNAME_INVALID",
    "https://h/m",
    'Get "https://h/m": tls: failed to verify certificate: x509: certificate is not valid for h',
  ],
  ["EWHATEVER", "http://h/m", 'Get "http://h/m": strange'],
])("%s", (code, url, message) => {
  expect(describeFetchError(Object.assign(new Error("strange"), { code }), url)).toBe(message);
  expect(describeFetchError(new Error("strange", { cause: { code } }), url)).toBe(message);
});

test("time", () => {
  expect(describeFetchError(AbortSignal.abort().reason, "http://h")).toBe('Get "http://h": context deadline exceeded');
});
