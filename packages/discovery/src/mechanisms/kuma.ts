/** kuma_sd_configs: monitoring assignments of a Kuma control plane, by xDS over REST with long polling. */
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { type HttpClientConfig, parseHttpClientConfig } from "@pharos/kit";
import { describeError, formatDuration, type TargetLabels, UserError } from "@pharos/model";
import { Api, ApiStatusError } from "../api/client.ts";
import { Json } from "../api/json.ts";
import { prefixed } from "../labels.ts";
import type { Mechanism } from "../mechanism.ts";
import { Settings } from "../settings.ts";

const PREFIX = "__meta_kuma_";
const TYPE = "type.googleapis.com/kuma.observability.v1.MonitoringAssignment";
/** The connection's share, on top of the time the server may take. */
const GRACE_MS = 15_000;

interface KumaConfig {
  server: string;
  clientId: string;
  /** ms */
  refreshInterval: number;
  /** ms */
  fetchTimeout: number;
  client: HttpClientConfig;
}

/** A field by its name in JSON or in protobuf: parsers of protobuf's JSON take both. */
function either(json: Json, camel: string, snake: string): Json {
  const field = json.get(camel);
  return field.exists ? field : json.get(snake);
}

/** Targets of the resources of a discovery response. */
export function assignmentTargets(response: Json): TargetLabels[] {
  const type = either(response, "typeUrl", "type_url").text();
  if (type !== TYPE) {
    throw new UserError("discovery.answer", `received invalid typeURL for Kuma MADS v1 Resource: ${type}`);
  }
  return response.items("resources").flatMap((assignment) => {
    const given = assignment.text("@type");
    if (given !== TYPE) throw new UserError("discovery.answer", `${JSON.stringify(given)} is no monitoring assignment`);
    const common = {
      ...prefixed(`${PREFIX}label_`, assignment.textMap("labels")),
      [`${PREFIX}mesh`]: assignment.text("mesh"),
      [`${PREFIX}service`]: assignment.text("service"),
    };
    return assignment.items("targets").map(
      (target): TargetLabels => ({
        ...prefixed(`${PREFIX}label_`, target.textMap("labels")),
        ...common,
        [`${PREFIX}dataplane`]: target.text("name"),
        __address__: target.text("address"),
        instance: target.text("name"),
        __scheme__: target.text("scheme"),
        __metrics_path__: either(target, "metricsPath", "metrics_path").text(),
      }),
    );
  });
}

export const kumaMechanism: Mechanism<KumaConfig> = {
  name: "kuma",
  parse(node) {
    const settings = new Settings(node);
    const config = {
      server: settings.text("server"),
      clientId: settings.text("client_id"),
      refreshInterval: settings.duration("refresh_interval", 15_000),
      fetchTimeout: settings.duration("fetch_timeout", 120_000),
    };
    const { server } = config;
    if (server === "") throw settings.fail("kuma SD server must not be empty: ");
    if (!/^[a-z][a-z0-9+.-]*:\/\/[^/?#]/i.test(server) || !URL.canParse(server)) {
      throw settings.fail(`kuma SD server must not be empty and have a scheme: ${server}`);
    }
    const client = parseHttpClientConfig(settings.map);
    settings.map.done("xds.plainKumaConf");
    return { ...config, client };
  },
  async run({ server, clientId, refreshInterval, fetchTimeout, client }, context, signal) {
    const { update, explain, log, metrics } = context;
    const url = new URL(server);
    url.pathname = `${url.pathname.replace(/\/+$/, "")}/v3/discovery:monitoringassignments`;
    url.search = new URLSearchParams({ "fetch-timeout": formatDuration(fetchTimeout) }).toString();
    await using api = new Api(client, { timeoutMs: fetchTimeout + GRACE_MS, signal });
    let version = "";
    let nonce = "";

    /** The next state; undefined when it is the known one. */
    async function fetchState(): Promise<Json | undefined> {
      const answer = await api.fetch(String(url), {
        method: "POST",
        headers: { "content-type": "application/json" },
        // What is empty is left out, as protobuf's JSON has it.
        body: JSON.stringify({
          version_info: version || undefined,
          node: { id: clientId || hostname() || "prometheus" },
          type_url: TYPE,
          response_nonce: nonce || undefined,
        }),
      });
      if (answer.status === 304) return undefined;
      if (answer.status !== 200) throw new ApiStatusError(String(url), answer);
      const response = Json.parse(answer.body.toString("utf8"));
      nonce = response.text("nonce");
      version = either(response, "versionInfo", "version_info").text();
      return response;
    }

    while (!signal.aborted) {
      const started = performance.now();
      try {
        const response = await fetchState().finally(() =>
          metrics.kumaFetchDuration.observe((performance.now() - started) / 1000),
        );
        if (response) {
          const targets = assignmentTargets(response);
          explain(targets.length === 0 ? `kuma: ${server} assigns no targets` : "");
          update([{ source: "kuma", labels: {}, targets }]);
        } else metrics.kumaSkippedUpdates.inc();
      } catch (error) {
        if (signal.aborted) return;
        metrics.kumaFetchFailures.inc();
        log.error("error parsing resources", { err: describeError(error) });
        explain(`kuma: cannot ask ${server}: ${describeError(error)}`);
      }
      const rest = refreshInterval - (performance.now() - started);
      await sleep(Math.max(0, rest), undefined, { signal, ref: false }).catch(() => {});
    }
  },
};
