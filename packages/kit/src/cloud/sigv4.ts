/** AWS Signature Version 4: any request, its body hashed, the signature in the Authorization header. */
import { createHash, createHmac } from "node:crypto";

export interface AwsCredentials {
  accessKey: string;
  secretKey: string;
  sessionToken?: string;
}

export interface SigV4Request {
  method: string;
  /** The path as it is sent, percent-encoded once. */
  url: URL;
  /** Headers to sign beside `host` and `x-amz-date`, by lower-case name. */
  headers?: Readonly<Record<string, string>>;
  body?: string | Uint8Array;
  /** As in `ec2`, `ecs`, `aps`. */
  service: string;
  region: string;
  /** Unix ms. */
  now: number;
}

/** RFC 3986: everything but unreserved characters. */
export function awsEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

const sha256 = (data: string | Uint8Array): string => createHash("sha256").update(data).digest("hex");
const hmac = (key: string | Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();

/** Sorted as AWS does: by name, then by value, of the encoded forms. */
function canonicalQuery(url: URL): string {
  return [...url.searchParams]
    .map(([name, value]) => [awsEncode(name), awsEncode(value)])
    .sort(([a, x], [b, y]) => (a === b ? (x < y ? -1 : 1) : a < b ? -1 : 1))
    .map((pair) => pair.join("="))
    .join("&");
}

/** Headers to send with the request: the given ones, the date, a session token, and the signature. `host` is the URL's. */
export function signV4(request: SigV4Request, credentials: AwsCredentials): Record<string, string> {
  const { method, url, body = "", service, region, now } = request;
  const { accessKey, secretKey, sessionToken } = credentials;
  const date = new Date(now).toISOString().replace(/[-:]|\.\d{3}/g, "");
  const day = date.slice(0, 8);
  const headers: Record<string, string> = {
    ...request.headers,
    host: url.host,
    "x-amz-date": date,
    ...(sessionToken ? { "x-amz-security-token": sessionToken } : {}),
  };
  const names = Object.keys(headers).sort();
  const canonical = [
    method,
    // All services but S3 encode what is encoded already.
    url.pathname.split("/").map(awsEncode).join("/"),
    canonicalQuery(url),
    ...names.map((name) => `${name}:${headers[name].trim().replace(/ +/g, " ")}`),
    "",
    names.join(";"),
    sha256(body),
  ].join("\n");
  const scope = `${day}/${region}/${service}/aws4_request`;
  const toSign = `AWS4-HMAC-SHA256\n${date}\n${scope}\n${sha256(canonical)}`;
  const key = hmac(hmac(hmac(hmac(`AWS4${secretKey}`, day), region), service), "aws4_request");
  const signature = createHmac("sha256", key).update(toSign).digest("hex");
  const { host: _host, ...sent } = headers;
  return {
    ...sent,
    authorization: `AWS4-HMAC-SHA256 Credential=${accessKey}/${scope}, SignedHeaders=${names.join(";")}, Signature=${signature}`,
  };
}
