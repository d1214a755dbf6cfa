/** /features: what this server can do, as clients ask before they offer something (upstream's util/features). */
import { prometheusFunctions } from "@pharos/gotemplate";
import { FUNCTIONS } from "@pharos/promql";
import type { FastifyInstance } from "fastify";
import type { Features } from "../features.ts";
import type { ApiContext } from "./context.ts";
import { sendData } from "./envelope.ts";

const OPERATORS = [
  "!=", "!~", "%", "*", "+", "-", "/", "<", "</", "<=", "==", "=~", ">", ">/", ">=", "@", "^", "and", "atan2", "or", "unless", "avg",
  "bottomk", "count", "count_values", "group", "max", "min", "quantile", "stddev", "stdvar", "sum", "topk",
]; // biome-ignore format: a list
const EXPERIMENTAL_OPERATORS = ["limitk", "limit_ratio"];
const SYNTAX = [
  "at_modifier", "bool", "by", "duration_expr", "group_left", "group_right", "ignoring", "negative_offset", "offset", "on",
  "per_query_lookback_delta", "subqueries", "without",
]; // biome-ignore format: a list
const DISCOVERY = [
  "aws", "azure", "consul", "digitalocean", "dns", "docker", "dockerswarm", "ec2", "ecs", "elasticache", "eureka", "file", "gce",
  "hetzner", "http", "ionos", "kubernetes", "kuma", "lightsail", "linode", "marathon", "msk", "nerve", "nomad", "oci", "openstack",
  "outscale", "ovhcloud", "puppetdb", "rds", "scaleway", "serverset", "stackit", "static", "triton", "uyuni", "vultr",
]; // biome-ignore format: a list
/** Of the API, beside what flags decide. */
const API = [
  "exclude_alerts", "label_values_match", "query_stats", "query_warnings", "time_range_labels", "time_range_series",
]; // biome-ignore format: a list

type FeatureTable = Record<string, Record<string, boolean>>;

const all = (names: Iterable<string>, enabled: boolean): Record<string, boolean> =>
  Object.fromEntries([...names].map((name) => [name, enabled]));

function language({ has }: Features): FeatureTable {
  const experimental = has("promql-experimental-functions");
  const ranges = has("promql-extended-range-selectors");
  const fill = has("promql-binop-fill-modifiers");
  return {
    promql: {
      ...all(SYNTAX, true),
      ...all(["anchored", "smoothed"], ranges),
      ...all(["fill", "fill_left", "fill_right"], fill),
      delayed_name_removal: has("promql-delayed-name-removal"),
      // Told with stats=all always.
      per_step_stats: true,
      type_and_unit_labels: has("type-and-unit-labels"),
    },
    promql_functions: Object.fromEntries(
      [...FUNCTIONS.values()].map((signature) => [signature.name, !signature.experimental || experimental]),
    ),
    promql_operators: { ...all(OPERATORS, true), ...all(EXPERIMENTAL_OPERATORS, experimental) },
  };
}

/** By category and name, both sorted. */
function featureTable(context: ApiContext): FeatureTable {
  const { features, enableAdminApi, enableLifecycle, remoteWrite } = context;
  const { has } = features;
  const table: FeatureTable = {
    ...language(features),
    api: {
      ...all(API, true),
      admin: enableAdminApi,
      lifecycle: enableLifecycle,
      otlp_write_receiver: context.otlpReceiver,
      remote_write_receiver: remoteWrite.enabled,
      search: has("search-api"),
      search_fuzz_alg_jarowinkler: true,
      search_fuzz_alg_subsequence: true,
    },
    otlp_receiver: {
      delta_conversion: has("otlp-deltatocumulative"),
      native_delta_ingestion: has("otlp-native-delta-ingestion"),
    },
    prometheus: {
      agent_mode: false,
      auto_reload_config: context.autoReload,
      server_mode: true,
    },
    rules: {
      concurrent_rule_eval: has("concurrent-rule-eval"),
      keep_firing_for: true,
      query_offset: true,
    },
    scrape: {
      extra_scrape_metrics: true,
      start_timestamp_zero_ingestion: has("created-timestamp-zero-ingestion"),
      type_and_unit_labels: has("type-and-unit-labels"),
    },
    service_discovery_providers: all(DISCOVERY, true),
    templating_functions: all(
      Object.keys(prometheusFunctions({ query: () => [], timestampMs: 0, externalUrl: "" })),
      true,
    ),
    tsdb: {
      delayed_compaction: has("delayed-compaction"),
      // Exemplars are stored always.
      exemplar_storage: true,
      histograms_st_encoding: has("histograms-st-encoding"),
      isolation: true,
      native_histograms: true,
      st_storage: has("st-storage"),
      use_uncached_io: false,
      xor2_encoding: true,
    },
    ui: { ui_v2: false, ui_v3: false },
  };
  const sorted = <T>(record: Record<string, T>): Record<string, T> =>
    Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
  return sorted(Object.fromEntries(Object.entries(table).map(([name, features]) => [name, sorted(features)])));
}

export function mountFeaturesApi(app: FastifyInstance, context: ApiContext): void {
  app.get("/api/v1/features", async (_request, reply) => sendData(reply, featureTable(context)));
}
