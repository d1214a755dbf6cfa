/** AWS Signature Version 4, as far as form posts to SNS and STS need it. */
import { createHash, createHmac } from "node:crypto";

export interface AwsCredentials {
  accessKey: string;
  secretKey: string;
  sessionToken?: string;
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const hmac = (key: string | Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();

/** RFC 3986: everything but unreserved characters. */
export function awsEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

export interface SignedRequest {
  url: URL;
  body: string;
  contentType: string;
  service: string;
  region: string;
  /** Unix ms. */
  now: number;
}

/** Headers to send with the request; `host` is the URL's. */
export function signV4(
  request: SignedRequest,
  { accessKey, secretKey, sessionToken }: AwsCredentials,
): Record<string, string> {
  const { url, body, contentType, service, region, now } = request;
  const date = new Date(now).toISOString().replace(/[-:]|\.\d{3}/g, "");
  const day = date.slice(0, 8);
  const headers: Record<string, string> = {
    "content-type": contentType,
    host: url.host,
    "x-amz-date": date,
    ...(sessionToken ? { "x-amz-security-token": sessionToken } : {}),
  };
  const names = Object.keys(headers).sort();
  const signed = names.join(";");
  const path = url.pathname
    .split("/")
    .map((part) => awsEncode(decodeURIComponent(part)))
    .join("/");
  const query = [...url.searchParams]
    .map(([name, value]) => `${awsEncode(name)}=${awsEncode(value)}`)
    .sort()
    .join("&");
  const canonical = [
    "POST",
    path,
    query,
    ...names.map((name) => `${name}:${headers[name].trim()}`),
    "",
    signed,
    sha256(body),
  ].join("\n");
  const scope = `${day}/${region}/${service}/aws4_request`;
  const toSign = `AWS4-HMAC-SHA256\n${date}\n${scope}\n${sha256(canonical)}`;
  const key = hmac(hmac(hmac(hmac(`AWS4${secretKey}`, day), region), service), "aws4_request");
  const signature = createHmac("sha256", key).update(toSign).digest("hex");
  const { host: _host, ...sent } = headers;
  return {
    ...sent,
    authorization: `AWS4-HMAC-SHA256 Credential=${accessKey}/${scope}, SignedHeaders=${signed}, Signature=${signature}`,
  };
}
