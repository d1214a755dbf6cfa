/**
 * Requests to API v2. Each answer of Pharos must be one that upstream's openapi.yaml promises; where a real Alertmanager is there,
 * it is asked the same and must answer with the same status and the same content.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createAlertmanager } from "@pharos/alertmanager";
import { silentLogger } from "@pharos/kit";
import { parse } from "yaml";
import type { SuiteResult } from "../suite.ts";
import { peersFolder, RealAlertmanager } from "./real.ts";

interface ApiRequest {
  method?: "POST" | "DELETE" | "PUT";
  /** `{ID}` is the silence made first. */
  path: string;
  body?: unknown;
  text?: string;
  contentType?: string;
}

const CONFIG = `route:
  receiver: first
  group_by: [alertname]
  group_wait: 50ms
  group_interval: 500ms
  routes:
  - {receiver: second, matchers: [team="x"], continue: true}
  - {receiver: third, matchers: [team=~"x|y"], mute_time_intervals: [always]}
inhibit_rules:
- {source_matchers: [severity="critical"], target_matchers: [severity="warning"], equal: [alertname]}
time_intervals: [{name: always, time_intervals: [{times: [{start_time: '00:00', end_time: '24:00'}]}]}]
receivers: [{name: first, labels: {team: x}}, {name: second}, {name: third}]
`;

const FUTURE = "2099-01-01T00:00:00.000Z";
const silence = {
  matchers: [{ name: "alertname", value: "S", isRegex: false, isEqual: true }],
  startsAt: "2098-01-01T00:00:00Z",
  endsAt: FUTURE,
  createdBy: "me",
  comment: "why",
};
const post = (path: string, body: unknown): ApiRequest => ({ method: "POST", path, body });
const alert = (labels: Record<string, string>, more: Record<string, unknown> = {}) => ({
  labels,
  startsAt: "2020-01-01T00:00:00Z",
  endsAt: FUTURE,
  ...more,
});

const REQUESTS: readonly ApiRequest[] = [
  { path: "/status" },
  { path: "/receivers" },
  { path: "/receivers?receiver_matchers=team%3D%22x%22" },
  { path: "/receivers?receiver_matchers=%7B" },
  { path: "/alerts" },
  { path: "/alerts/groups" },
  { path: "/silences" },
  post("/silences", { ...silence, startsAt: "2020-01-01T00:00:00Z" }),
  post("/silences", silence),
  post("/silences", { ...silence, annotations: { runbook: "http://b" }, comment: "noted" }),
  post("/silences", { ...silence, matchers: [] }),
  post("/silences", { ...silence, matchers: [{ name: "a", value: "(", isRegex: true }] }),
  post("/silences", { ...silence, matchers: [{ name: "", value: "b", isRegex: false }] }),
  post("/silences", { ...silence, matchers: [{ name: "a", value: "", isRegex: false }] }),
  post("/silences", { ...silence, matchers: [{ name: "a", value: ".*", isRegex: true }] }),
  post("/silences", { ...silence, matchers: [{ name: "a", value: "b" }] }),
  post("/silences", { ...silence, matchers: [{ name: "a", value: 1, isRegex: false }] }),
  post("/silences", { ...silence, endsAt: "2097-01-01T00:00:00Z" }),
  post("/silences", { ...silence, startsAt: "2019-01-01T00:00:00Z", endsAt: "2020-01-01T00:00:00Z" }),
  post("/silences", { ...silence, endsAt: "nope" }),
  post("/silences", { ...silence, comment: "" }),
  post("/silences", { ...silence, createdBy: "" }),
  post("/silences", { ...silence, comment: undefined }),
  post("/silences", { ...silence, createdBy: undefined }),
  post("/silences", { ...silence, startsAt: undefined }),
  post("/silences", { ...silence, id: "00000000-0000-0000-0000-000000000000" }),
  post("/silences", { ...silence, id: "nope" }),
  post("/silences", { ...silence, unknown: 1 }),
  post("/silences", []),
  post("/silences", null),
  { method: "POST", path: "/silences", text: "{" },
  { method: "POST", path: "/silences", text: "" },
  { method: "POST", path: "/silences", text: "a=b", contentType: "application/x-www-form-urlencoded" },
  { path: "/silences" },
  { path: "/silences?filter=alertname%3D%22S%22" },
  { path: "/silences?filter=alertname%3D%22T%22" },
  { path: "/silences?filter=%7B" },
  { path: "/silences?active=false" },
  { path: "/silences?pending=false" },
  { path: "/silences?pending=maybe" },
  { path: "/silence/{ID}" },
  { path: "/silence/00000000-0000-0000-0000-000000000000" },
  { path: "/silence/nope" },
  { method: "DELETE", path: "/silence/00000000-0000-0000-0000-000000000000" },
  { method: "DELETE", path: "/silence/nope" },
  post("/alerts", [
    alert({ alertname: "A", team: "x", severity: "critical" }, { annotations: { a: "b", empty: "" } }),
    alert({ alertname: "A", team: "y", severity: "warning" }, { generatorURL: "http://g/x?y=z" }),
    alert({ alertname: "S", empty: "" }),
    alert({ alertname: "Over" }, { endsAt: "2020-01-02T00:00:00Z" }),
    alert({ "a b": "c", alertname: "ä" }),
  ]),
  post("/alerts", []),
  post("/alerts", {}),
  post("/alerts", null),
  post("/alerts", [{}]),
  post("/alerts", [alert({})]),
  post("/alerts", [alert({ a: "" })]),
  post("/alerts", [alert({ alertname: "X" }, { generatorURL: "no url" })]),
  post("/alerts", [alert({ alertname: "X" }, { generatorURL: "" })]),
  post("/alerts", [alert({ alertname: "Y" }, { startsAt: "nope" })]),
  post("/alerts", [alert({ alertname: "Y" }, { startsAt: FUTURE, endsAt: "2090-01-01T00:00:00Z" })]),
  post("/alerts", [{ labels: { alertname: 1 } }]),
  post("/alerts", [{ labels: "x" }]),
  post("/alerts", [alert({ alertname: "Ok" }), alert({})]),
  { method: "POST", path: "/alerts", text: "[" },
  { method: "POST", path: "/alerts", text: "" },
  { method: "POST", path: "/alerts", text: "[]", contentType: "text/plain" },
  { method: "PUT", path: "/alerts", text: "[]" },
  { method: "DELETE", path: "/alerts" },
  { path: "/alerts" },
  { path: "/alerts?active=false" },
  { path: "/alerts?silenced=false" },
  { path: "/alerts?inhibited=false" },
  { path: "/alerts?unprocessed=false" },
  { path: "/alerts?active=nope" },
  { path: "/alerts?receiver=second" },
  { path: "/alerts?receiver=s.*" },
  { path: "/alerts?receiver=(" },
  { path: "/alerts?receiver_matchers=team%3D%22x%22" },
  { path: "/alerts?filter=team%3D~%22x%7Cy%22&filter=severity!%3D%22warning%22" },
  { path: "/alerts?filter=%7Bteam%3D%22x%22%2Cseverity%3D%22critical%22%7D" },
  { path: "/alerts?filter=team" },
  { path: "/alerts/groups" },
  { path: "/alerts/groups?active=false" },
  { path: "/alerts/groups?silenced=false" },
  { path: "/alerts/groups?inhibited=false" },
  { path: "/alerts/groups?muted=false" },
  { path: "/alerts/groups?receiver=third" },
  { path: "/alerts/groups?receiver=[" },
  { path: "/alerts/groups?filter=team%3D%22x%22" },
  { path: "/alerts/groups?filter=!" },
  { method: "DELETE", path: "/silence/{ID}" },
  { method: "DELETE", path: "/silence/{ID}" },
  { path: "/silences?expired=false" },
  { path: "/silence/{ID}" },
  { path: "/nope" },
];

interface Answer {
  status: number;
  body: string;
}

async function ask(base: string, request: ApiRequest, id: string): Promise<Answer> {
  const { method = "GET", path, body, text, contentType = "application/json" } = request;
  const sent = text ?? (body === undefined ? undefined : JSON.stringify(body));
  const answer = await fetch(`${base}/api/v2${path.replace("{ID}", id)}`, {
    method,
    ...(sent === undefined ? {} : { body: sent, headers: { "content-type": contentType } }),
  });
  return { status: answer.status, body: await answer.text() };
}

/** Parameters that this real one does not know yet. */
const NEWER = /^\/silences\?(active|pending|expired)=/u;

/** Content without what differs from run to run, lists without the order that upstream leaves open. */
function normal({ status, body }: Answer): string {
  if (status !== 200 || body === "") return "";
  const sorted = (value: unknown, key = ""): unknown => {
    if (Array.isArray(value)) {
      const list = value.map((one) => sorted(one));
      return key === "" ? list.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : list;
    }
    if (value === null || typeof value !== "object")
      return typeof value === "string" && /^[0-9a-f]{8}-/u.test(value) ? "ID" : value;
    return Object.fromEntries(
      Object.entries(value)
        .filter(([name]) => !["updatedAt", "uptime", "versionInfo", "config", "routeLabels"].includes(name))
        .map(([name, inner]) => [name, sorted(inner, name)])
        .toSorted(([a], [b]) => ((a as string) < (b as string) ? -1 : 1)),
    );
  };
  return JSON.stringify(sorted(JSON.parse(body))).replaceAll(/20(?:2[5-9])-\d\d-\d\dT[\d:.]+Z/gu, "TIME");
}

interface Schema {
  $ref?: string;
  type?: "object" | "array" | "string" | "boolean";
  format?: string;
  enum?: string[];
  properties?: Record<string, Schema>;
  additionalProperties?: Schema;
  required?: string[];
  items?: Schema;
  minItems?: number;
  allOf?: Schema[];
}

interface Spec {
  paths: Record<string, Record<string, { responses?: Record<string, { schema?: Schema; $ref?: string }> }>>;
  responses: Record<string, { schema?: Schema }>;
  definitions: Record<string, Schema>;
}

const last = (reference: string): string => reference.split("/").at(-1)!;

/** What of a value is not as its schema wants it. */
function mistakes(schema: Schema, value: unknown, spec: Spec, at = "answer"): string[] {
  if (schema.$ref) return mistakes(spec.definitions[last(schema.$ref)], value, spec, at);
  if (schema.allOf) return schema.allOf.flatMap((part) => mistakes(part, value, spec, at));
  const type = Array.isArray(value) ? "array" : value === null ? "null" : typeof value;
  if (schema.type && type !== schema.type) return [`${at} is ${type}, not ${schema.type}`];
  if (schema.enum && !schema.enum.includes(value as string)) return [`${at} is none of ${schema.enum.join()}`];
  if (schema.format === "date-time" && !/^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/u.test(value as string))
    return [`${at} is no date-time`];
  if (Array.isArray(value))
    return [
      ...(value.length < (schema.minItems ?? 0) ? [`${at} is too short`] : []),
      ...value.flatMap((one, i) => mistakes(schema.items ?? {}, one, spec, `${at}[${i}]`)),
    ];
  if (type !== "object") return [];
  const { properties = {}, additionalProperties, required = [] } = schema;
  const object = value as Record<string, unknown>;
  return [
    // Upstream's own answers leave out what a schema requires without naming it as a property.
    ...required.filter((name) => name in properties && !(name in object)).map((name) => `${at} lacks ${name}`),
    ...Object.entries(object).flatMap(([name, inner]) =>
      mistakes(properties[name] ?? additionalProperties ?? {}, inner, spec, `${at}.${name}`),
    ),
  ];
}

/** A checker of answers as the file promises them. */
function promises(file: string): (request: ApiRequest, answer: Answer) => string | undefined {
  const spec = parse(readFileSync(file, "utf8")) as Spec;
  return ({ method = "GET", path }, { status, body }) => {
    const bare = path.split("?")[0];
    const known = Object.entries(spec.paths).find(([pattern]) =>
      new RegExp(`^${pattern.replaceAll(/\{\w+\}/gu, "[^/]+")}$`, "u").test(bare),
    );
    const operation = known?.[1][method.toLowerCase()];
    if (!operation) return status === 404 || status === 405 ? undefined : `status ${status} of what is not there`;
    let promised = operation.responses?.[status];
    // The checks of parameters and bodies in front of every operation.
    if (!promised) return [400, 415, 422].includes(status) ? undefined : `status ${status} is not promised`;
    if (promised.$ref) promised = spec.responses[last(promised.$ref)];
    if (!promised.schema || status !== 200) return undefined;
    return mistakes(promised.schema, JSON.parse(body), spec).join("; ") || undefined;
  };
}

export async function checkApi(file: string): Promise<SuiteResult> {
  const folder = mkdtempSync(join(tmpdir(), "pharos-am-api-"));
  const failures: string[] = [];
  const configFile = join(folder, "config.yml");
  writeFileSync(configFile, CONFIG);
  try {
    const broken = promises(file);
    await using pharos = await createAlertmanager({
      configFile,
      storageDir: join(folder, "pharos"),
      listen: { host: "127.0.0.1", port: 0 },
      log: silentLogger,
    });
    await using real = peersFolder()
      ? await RealAlertmanager.start({ configFile, storageDir: join(folder, "real") })
      : undefined;
    let ownId = "";
    let realId = "";
    for (const request of REQUESTS) {
      const { method = "GET", path } = request;
      const what = `${method} ${path} ${request.text ?? JSON.stringify(request.body) ?? ""}`;
      const [answer, theirs] = await Promise.all([
        ask(pharos.url, request, ownId),
        real ? ask(real.url, request, realId) : undefined,
      ]);
      const problem = broken(request, answer);
      if (problem) failures.push(`${what}: ${problem}: ${answer.body.slice(0, 300)}`);
      else if (theirs && !NEWER.test(path) && theirs.status !== answer.status)
        failures.push(`${what}: ${answer.status} ${answer.body.trim()}, not ${theirs.status} ${theirs.body.trim()}`);
      else if (theirs && !NEWER.test(path) && normal(theirs) !== normal(answer))
        failures.push(`${what}:\n    got  ${normal(answer)}\n    want ${normal(theirs)}`);
      if (method === "POST" && path === "/silences" && answer.status === 200) {
        ownId ||= (JSON.parse(answer.body) as { silenceID: string }).silenceID;
        realId ||= theirs ? (JSON.parse(theirs.body) as { silenceID: string }).silenceID : "";
      }
      if (method === "POST" && path === "/alerts") await sleep(150);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { passed: REQUESTS.length - failures.length, total: REQUESTS.length, failures };
}
