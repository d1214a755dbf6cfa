/** Every answer of the API against Prometheus' own OpenAPI documents: its status, its type and its form. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseYaml } from "@pharos/kit";
import { type ApiCase, apiCases } from "./prometheus/api-cases.ts";
import { openOwnWorld } from "./prometheus/api-world.ts";
import { type Schema, SchemaChecker } from "./prometheus/json-schema.ts";
import { type Answer, ask } from "./prometheus/pair.ts";
import type { Suite, SuiteResult } from "./suite.ts";

interface Document {
  paths: Record<
    string,
    Record<string, { responses: Record<string, { content?: Record<string, { schema: Schema }> }> }>
  >;
  components: { schemas: Record<string, Schema> };
}

const DOCUMENTS = ["openapi_3.1_golden.yaml", "openapi_3.2_golden.yaml"];

/** Answers of upstream itself that its documents do not allow for. */
const BEYOND_THE_DOCUMENT = [/\/targets\?state=(active|nonsense)$/i, /\/query\?query="a"/];

/** Paths that are asked for beside those the other suite compares. */
const MORE: readonly ApiCase[] = [
  { path: "/api/v1/features" },
  { path: "/api/v1/scrape_pools/config?scrapePool=om" },
  { path: "/api/v1/scrape_pools/config?scrapePool=nope" },
  { path: "/api/v1/scrape_pools/config" },
  { path: '/api/v1/targets/relabel_steps?scrapePool=text&labels={"__address__":"dropped.example:80"}' },
  { path: '/api/v1/targets/relabel_steps?scrapePool=text&labels={"__address__":"a:80"}' },
  { path: "/api/v1/targets/relabel_steps?scrapePool=text&labels=x" },
  { path: "/api/v1/targets/relabel_steps?scrapePool=text" },
  { path: "/api/v1/status/tsdb/blocks" },
  { path: "/api/v1/status/tsdb?limit=2" },
  { path: "/api/v1/status/self_metrics" },
  { path: "/api/v1/status/self_metrics?metric_name_pattern=process_.*" },
  { path: "/api/v1/status/self_metrics?metric_name_pattern=(" },
];

function check(documents: readonly Document[], item: ApiCase, answer: Answer): string | undefined {
  const path = item.path
    .slice("/api/v1".length)
    .split("?")[0]
    .replace(/^\/label\/[^/]+\/values$/, "/label/{name}/values");
  const method = (item.method ?? "GET").toLowerCase();
  for (const document of documents) {
    const operation = document.paths[path]?.[method];
    if (!operation) continue;
    // A success without a body is told by 204, whatever the document says.
    if (answer.status === 204 && answer.body.length === 0) continue;
    const response = operation.responses[String(answer.status)] ?? operation.responses.default;
    const schema = response.content?.["application/json"]?.schema;
    if (!schema) return `the document has no answer ${answer.status}`;
    if (answer.headers["content-type"] !== "application/json") return `its type is ${answer.headers["content-type"]}`;
    const found = new SchemaChecker(document.components.schemas).check(JSON.parse(answer.body.toString()), schema);
    if (found) return found;
  }
  return undefined;
}

async function run(folder: string): Promise<SuiteResult> {
  const documents = DOCUMENTS.map(
    (name) => parseYaml(readFileSync(join(folder, name), "utf8"), name).toValue() as unknown as Document,
  );
  const result: SuiteResult = { passed: 0, total: 0, failures: [] };
  await using world = await openOwnWorld();
  for (const item of [...MORE, ...apiCases(world.end)]) {
    if (!item.path.startsWith("/api/v1/") || item.method === "OPTIONS" || item.method === "DELETE") continue;
    if (BEYOND_THE_DOCUMENT.some((pattern) => pattern.test(item.path))) continue;
    const { path, method, form, headers } = item;
    const answer = await ask(world.servers.own.port, encodeURI(path).replaceAll("%25", "%"), {
      method,
      headers: form === undefined ? headers : { ...headers, "content-type": "application/x-www-form-urlencoded" },
      body: form,
    });
    result.total++;
    const found = check(documents, item, answer);
    if (found === undefined) result.passed++;
    else result.failures.push(`${method ?? "GET"} ${path} ${form ?? ""}: ${found}`);
  }
  return result;
}

export const suites: Suite[] = [{ name: "prometheus-openapi", data: "prometheus/openapi", run }];
