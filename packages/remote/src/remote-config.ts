/** What `remote_write` and `remote_read` have in common. */
import type { YamlMap, YamlNode } from "@pharos/kit";

const CODE = "remote.config";

const RESERVED: ReadonlySet<string> = new Set([
  "host",
  "content-encoding",
  "content-length",
  "content-type",
  "user-agent",
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "www-authenticate",
  "accept-encoding",
  "x-prometheus-remote-write-version",
  "x-prometheus-remote-read-version",
  "x-amz-date",
  "x-amz-security-token",
  "x-amz-content-sha256",
]);

/** `url`, which must be there. Upstream also takes a host and port alone, and fails when it is used; so does this. */
export function parseRemoteUrl(map: YamlMap, section: string): string {
  const node = map.get("url");
  if (!node || node.isNull || node.string() === "") {
    throw (node ?? map.node).error(`url for ${section} is empty`, { code: CODE });
  }
  return node.string();
}

export function parseHeaders(node: YamlNode | undefined): Record<string, string> {
  const headers = node?.stringMap() ?? {};
  for (const header of Object.keys(headers)) {
    const lower = header.toLowerCase();
    if (lower === "authorization") {
      throw node!.error(
        "authorization header must be changed via the basic_auth, authorization, oauth2, sigv4, azuread or google_iam parameter",
        { code: CODE },
      );
    }
    if (RESERVED.has(lower)) {
      throw node!.error(`${header} is a reserved header. It must not be changed`, { code: CODE });
    }
  }
  return headers;
}

/** A URL for labels and logs: without the password. */
export function redactUrl(url: string): string {
  if (!URL.canParse(url)) return url;
  const parsed = new URL(url);
  if (parsed.password === "") return url;
  parsed.password = "xxxxx";
  return String(parsed);
}
