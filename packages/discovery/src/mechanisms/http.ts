/** http_sd_configs: target groups as JSON from a URL, asked for again and again. */
import { refreshMechanism } from "../refresh.ts";
import { checkHttpUrl } from "../settings.ts";
import { readJsonGroups } from "./target-files.ts";

const JSON_TYPE = /^application\/json(;\s*charset="?utf-8"?)?$/i;

export const httpMechanism = refreshMechanism({
  name: "http",
  things: "target groups",
  parse(settings) {
    const url = settings.text("url");
    checkHttpUrl(url, settings);
    return { url };
  },
  place: ({ url }) => url,
  open({ url, refreshInterval }, { api, metrics }) {
    return async () => {
      try {
        const { status, headers, body } = await api.fetch(url, {
          headers: { "x-prometheus-refresh-interval-seconds": String(refreshInterval / 1000) },
        });
        if (status !== 200) throw new Error(`server returned HTTP status ${status}`);
        const type = String(headers["content-type"] ?? "").trim();
        if (!JSON_TYPE.test(type)) throw new Error(`unsupported content type ${JSON.stringify(type)}`);
        const groups = readJsonGroups(body.toString("utf8"), url, { __meta_url: url });
        return { groups, seen: groups.length };
      } catch (error) {
        metrics.httpFailures.inc();
        throw error;
      }
    };
  },
});
