/** One entry of `remote_read`. Semantics and complaints are upstream's config.RemoteReadConfig. */
import { type HttpClientConfig, parseHttpClientConfig, type YamlNode } from "@pharos/kit";
import { parseHeaders, parseRemoteUrl } from "../remote-config.ts";

export interface RemoteReadConfig {
  url: string;
  /** "" when none is given. */
  name: string;
  /** ms */
  remoteTimeout: number;
  /** Bytes a frame of a streamed answer may have. */
  chunkedReadLimit: number;
  headers: Record<string, string>;
  /** Whether it is asked for what the local storage has as well. */
  readRecent: boolean;
  /** Equality matchers a selector must have for the endpoint to be asked. */
  requiredMatchers: Record<string, string>;
  /** Whether external labels are added to selectors, and taken off what is found. */
  filterExternalLabels: boolean;
  http: HttpClientConfig;
}

export function parseRemoteReadConfig(node: YamlNode): RemoteReadConfig {
  const map = node.map();
  const config: RemoteReadConfig = {
    url: parseRemoteUrl(map, "remote_read"),
    name: map.get("name")?.string() ?? "",
    remoteTimeout: map.get("remote_timeout")?.duration() ?? 60_000,
    chunkedReadLimit: map.get("chunked_read_limit")?.integer() ?? 50_000_000,
    headers: parseHeaders(map.get("headers")),
    readRecent: map.get("read_recent")?.boolean() ?? false,
    requiredMatchers: map.get("required_matchers")?.stringMap() ?? {},
    filterExternalLabels: map.get("filter_external_labels")?.boolean() ?? true,
    http: parseHttpClientConfig(map),
  };
  map.done("config.plain");
  return config;
}
