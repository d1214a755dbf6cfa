/** http_sd_configs: target groups as JSON from a URL, asked for again and again. */
import { setTimeout as sleep } from "node:timers/promises";
import { HttpClient, type HttpClientConfig, parseHttpClientConfig } from "@pharos/kit";
import { describeError } from "@pharos/model";
import type { Mechanism } from "../mechanism.ts";
import { emptyGroups, readJsonGroups } from "./target-files.ts";

interface HttpConfig {
  url: string;
  /** ms */
  refreshInterval: number;
  client: HttpClientConfig;
}

const TIMEOUT_MS = 30_000;
const MAX_BYTES = 32 * 2 ** 20;
const JSON_TYPE = /^application\/json(;\s*charset="?utf-8"?)?$/i;

export const httpMechanism: Mechanism<HttpConfig> = {
  name: "http",
  parse(node) {
    const map = node.map();
    const url = map.get("url")?.string() ?? "";
    const refreshInterval = map.get("refresh_interval")?.duration() || 60_000;
    const client = parseHttpClientConfig(map);
    map.done("http.plain");
    if (url === "") throw node.error("URL is missing", { code: "discovery.config" });
    if (!/^https?:/i.test(url)) throw node.error("URL scheme must be 'http' or 'https'", { code: "discovery.config" });
    if (/^https?:(?!\/\/[^/?#])/i.test(url)) throw node.error("host is missing in URL", { code: "discovery.config" });
    if (!URL.canParse(url)) {
      throw node.error(`${JSON.stringify(url)} is not a valid URL`, { code: "discovery.config" });
    }
    return { url, refreshInterval, client };
  },
  async run({ url, refreshInterval, client: config }, context, signal) {
    const { update, explain, log, metrics, refreshFailed } = context;
    await using client = new HttpClient(config);
    let before = 0;
    while (!signal.aborted) {
      try {
        const { status, headers, body } = await client.fetch(url, {
          headers: {
            accept: "application/json",
            "user-agent": "Prometheus/3.14.0",
            "x-prometheus-refresh-interval-seconds": String(refreshInterval / 1000),
          },
          maxBytes: MAX_BYTES,
          signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
        });
        if (status !== 200) throw new Error(`server returned HTTP status ${status}`);
        const type = String(headers["content-type"] ?? "").trim();
        if (!JSON_TYPE.test(type)) throw new Error(`unsupported content type ${JSON.stringify(type)}`);
        const groups = readJsonGroups(body.toString("utf8"), url, { __meta_url: url });
        explain(groups.length === 0 ? `${url} answers no target groups` : "");
        update([...groups, ...emptyGroups(url, groups.length, before)]);
        before = groups.length;
      } catch (error) {
        if (signal.aborted) return;
        // What was found last stays.
        metrics.httpFailures.inc();
        refreshFailed();
        log.error("Unable to refresh target groups", { url, err: describeError(error) });
        explain(`${url}: ${describeError(error)}`);
      }
      await sleep(refreshInterval, undefined, { signal, ref: false }).catch(() => {});
    }
  },
};
