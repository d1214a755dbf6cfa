/** The HTTP API beside a real Prometheus: the same requests to both, on the same data, must be answered the same but for times. */
import { parseYaml } from "@pharos/kit";
import { type ApiCase, apiCases } from "./prometheus/api-cases.ts";
import { openPairWorld } from "./prometheus/api-world.ts";
import { difference } from "./prometheus/difference.ts";
import { type Answer, peersFolder } from "./prometheus/pair.ts";
import type { Suite, SuiteResult } from "./suite.ts";

/** Fields that tell when and how long. */
const TIMES = new Set(["lastScrape", "lastScrapeDuration", "evaluationTime", "lastEvaluation", "activeAt", "date"]);
/** Known since 3.6 only, or told otherwise: labels of targets, modifiers of selectors, the limit of a group, its token's hash. */
const NEWER = new Set([
  "anchored",
  "smoothed",
  "limit",
  "offsetExpr",
  "rangeExpr",
  "fillValues",
  "groupNextToken",
  // Settings of jobs, and of OTLP.
  "scrape_native_histograms",
  "extra_scrape_metrics",
  "scrape_protocols",
  "label_name_underscore_sanitization",
  "label_name_preserve_multiple_underscores",
  "__scrape_native_histograms__",
  "__always_scrape_classic_histograms__",
  "__convert_classic_histograms_to_nhcb__",
]);
/** Lists whose order upstream leaves to chance. */
const UNORDERED = new Set(["activeTargets", "droppedTargets", "alerts", "result"]);

function strip(value: unknown, key = ""): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => strip(item));
    return UNORDERED.has(key) || key === "data"
      ? items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
      : items;
  }
  // A configuration inside an answer.
  if (key === "yaml") return strip(parseYaml(String(value)).toValue());
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(
    ([name, inner]) => !TIMES.has(name) && !NEWER.has(name) && !(name === "labels" && JSON.stringify(inner) === "{}"),
  );
  return Object.fromEntries(entries.map(([name, inner]) => [name, strip(inner, name)]).sort());
}

function parse({ body }: Answer): unknown {
  const text = body.toString();
  try {
    return strip(JSON.parse(text));
  } catch {
    return text;
  }
}

const COMPARED_HEADERS = ["content-type", "allow", "access-control-allow-origin", "access-control-allow-methods"];

function compare(peer: Answer, own: Answer, { statusOnly }: ApiCase): string | undefined {
  if (peer.status !== own.status) {
    return `status ${peer.status} there, ${own.status} here: ${peer.body.subarray(0, 200)} | ${own.body.subarray(0, 200)}`;
  }
  if (statusOnly) return undefined;
  for (const name of COMPARED_HEADERS) {
    if (name === "allow") continue;
    if (String(peer.headers[name]) !== String(own.headers[name])) {
      return `${name}: ${peer.headers[name]} there, ${own.headers[name]} here`;
    }
  }
  return difference(parse(peer), parse(own));
}

async function run(): Promise<SuiteResult> {
  const result: SuiteResult = { passed: 0, total: 0, failures: [] };
  const peers = peersFolder();
  if (!peers) return { ...result, notRun: "no prometheus to compare with; set PHAROS_PEERS to its folder" };
  await using world = await openPairWorld(peers);
  for (const item of apiCases(world.end)) {
    const { path, method, form, headers } = item;
    const { peer, own } = await world.servers.both(encodeURI(path).replaceAll("%25", "%"), {
      method,
      headers: form === undefined ? headers : { ...headers, "content-type": "application/x-www-form-urlencoded" },
      body: form,
    });
    result.total++;
    const found = compare(peer, own, item);
    if (found === undefined) result.passed++;
    else result.failures.push(`${method ?? "GET"} ${path} ${form ?? ""}: ${found}`);
  }
  return result;
}

export const suites: Suite[] = [{ name: "prometheus-api", data: "prometheus/openapi", run }];
