/** http_sd_configs: target groups as JSON from a URL, asked for again and again. */
import { setTimeout as sleep } from "node:timers/promises";
import { HttpClient, type HttpClientConfig, parseHttpClientConfig, parseYaml } from "@pharos/kit";
import { describeError } from "@pharos/model";
import type { Mechanism } from "../mechanism.ts";
import { readTargetGroups } from "./target-files.ts";

interface HttpConfig {
  url: string;
  /** ms */
  refreshInterval: number;
  client: HttpClientConfig;
}

const TIMEOUT_MS = 30_000;
const MAX_BYTES = 32 * 2 ** 20;

export const httpMechanism: Mechanism<HttpConfig> = {
  name: "http",
  parse(node) {
    const map = node.map();
    const url = map.get("url")?.string() ?? "";
    const refreshInterval = map.get("refresh_interval")?.duration() || 60_000;
    const client = parseHttpClientConfig(map);
    map.done("http.plain");
    if (url === "") throw node.error("URL is missing", { code: "discovery.config" });
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
      throw node.error("URL scheme must be 'http' or 'https'", { code: "discovery.config" });
    return { url, refreshInterval, client };
  },
  async run({ url, refreshInterval, client: config }, { update, explain, log }, signal) {
    await using client = new HttpClient(config);
    let groupsBefore = 0;
    while (!signal.aborted) {
      try {
        const { status, headers, body } = await client.fetch(url, {
          headers: {
            accept: "application/json",
            "x-prometheus-refresh-interval-seconds": String(refreshInterval / 1000),
          },
          maxBytes: MAX_BYTES,
          signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
        });
        if (status !== 200) throw new Error(`server returned HTTP status ${status}`);
        if (!String(headers["content-type"]).startsWith("application/json"))
          throw new Error(`unsupported content type ${JSON.stringify(headers["content-type"])}`);
        const groups = readTargetGroups(parseYaml(body.toString("utf8"), url), url);
        for (const group of groups) group.labels.__meta_url = url;
        const count = groups.length;
        for (let i = count; i < groupsBefore; i++) groups.push({ source: `${url}:${i}`, labels: {}, targets: [] });
        groupsBefore = count;
        update(groups);
        explain(count === 0 ? `${url} answers no target groups` : "");
      } catch (error) {
        if (signal.aborted) return;
        log.error("Unable to refresh target groups", { url, err: describeError(error) });
        explain(`${url}: ${describeError(error)}`);
      }
      await sleep(refreshInterval, undefined, { signal, ref: false }).catch(() => {});
    }
  },
};
