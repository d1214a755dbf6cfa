import { createLogger, silentLogger } from "@pharos/kit";
import { UserError } from "@pharos/model";
import fc from "fast-check";
import { expect, test } from "vitest";
import { render } from "../render.ts";
import { parseCustomResourceState } from "./config.ts";
import { isWanted, servedKinds } from "./discovery.ts";
import { goText, toNumber } from "./go-value.ts";
import { ValuePath } from "./path.ts";

const KIND = { group: "example.com", version: "v1", kind: "Foo" };

const OBJECT = {
  apiVersion: "example.com/v1",
  kind: "Foo",
  metadata: {
    name: "foo",
    namespace: "default",
    labels: { team: "a", "x.y": "z" },
    creationTimestamp: "2022-06-28T00:00:00Z",
  },
  spec: {
    version: "v1.2.3",
    replicas: 3,
    order: [
      { id: 1, value: true },
      { id: 3, value: false },
    ],
  },
  status: {
    phase: "Pending",
    active: { "type-a": 1, "type-b": 3 },
    sub: { "type-a": { active: 2, ready: "50%" }, "type-b": { active: 4 }, note: "text" },
    conditions: [
      { name: "a", value: 45 },
      { name: "b", value: 66 },
    ],
    uptime: 43.21,
    quantities: ["250m", "5Gi"],
    ready: "True",
  },
};

/** Labels that all series have. */
const IDENTITY = /(,)?customresource_group="example.com",customresource_kind="Foo",customresource_version="v1"(,)?/;

function lines(metrics: string, resource = "", errors: string[] = []): string[] {
  const text = `
kind: CustomResourceStateMetrics
spec:
  resources:
    - groupVersionKind: { group: example.com, version: v1, kind: Foo }
${resource.replaceAll(/^/gm, "      ")}
      metrics:
${metrics.replaceAll(/^/gm, "        ")}
`;
  const [custom] = parseCustomResourceState(text, "crs.yaml", silentLogger, (_level, metric, message) =>
    errors.push(`${metric}: ${message}`),
  );
  const plan = { families: custom.families(KIND), identity: () => [], allowed: {} };
  const bytes = render(OBJECT, plan, (error) => errors.push(String(error)));
  return bytes
    .subarray(4 * plan.families.length)
    .toString()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.replace(IDENTITY, (_all, before, after) => (before && after ? "," : "")));
}

const gauge = (name: string, body: string): string => `- name: ${name}\n  each: { type: Gauge, gauge: ${body} }`;

test("gauges: single values, lists, maps, keys as labels, labels from paths", () => {
  expect(lines(gauge("uptime", "{ path: [status, uptime] }"))).toEqual(["kube_customresource_uptime{} 43.21"]);
  expect(lines(gauge("active", "{ path: [status, active], labelFromKey: type }"))).toEqual([
    'kube_customresource_active{type="type-a"} 1',
    'kube_customresource_active{type="type-b"} 3',
  ]);
  expect(lines(gauge("sub", "{ path: [status, sub], labelFromKey: type, valueFrom: [active] }"))).toEqual([
    'kube_customresource_sub{type="type-a"} 2',
    'kube_customresource_sub{type="type-b"} 4',
  ]);
  expect(
    lines(gauge("cond", "{ path: [status, conditions], labelsFromPath: { name: [name] }, valueFrom: [value] }")),
  ).toEqual(['kube_customresource_cond{name="a"} 45', 'kube_customresource_cond{name="b"} 66']);
  expect(lines(gauge("quantity", "{ path: [status, quantities] }"))).toEqual([
    "kube_customresource_quantity{} 0.25",
    "kube_customresource_quantity{} 5.36870912e+09",
  ]);
  expect(lines(gauge("created", "{ path: [metadata, creationTimestamp] }"))).toEqual([
    "kube_customresource_created{} 1.6563744e+09",
  ]);
  expect(lines(gauge("b", '{ path: [status, conditions, "[name=b]", value] }'))).toEqual([
    "kube_customresource_b{} 66",
  ]);
  expect(lines(gauge("last", '{ path: [spec, order, "-1", value] }'))).toEqual(["kube_customresource_last{} 0"]);
  expect(lines(gauge("by_id", '{ path: [spec, order, "[id=3]", id] }'))).toEqual(["kube_customresource_by_id{} 3"]);
});

test("labels of the entries of maps; a value that must be as given", () => {
  const labels = "{ path: [status, sub], labelFromKey: type, labelsFromPath: { ready: [ready] }, valueFrom: [active] }";
  expect(lines(gauge("sub", labels))).toEqual([
    'kube_customresource_sub{ready="50%",type="type-a"} 2',
    'kube_customresource_sub{type="type-b"} 4',
  ]);
  const info = (body: string): string => `- name: facts\n  each: { type: Info, info: ${body} }`;
  expect(lines(info("{ path: [status, sub], labelsFromPath: { active: [active] } }"))).toEqual([
    'kube_customresource_facts{active="2"} 1',
    'kube_customresource_facts{active="4"} 1',
  ]);
  expect(lines(info("{ path: [status, active], labelFromKey: type }"))).toHaveLength(2);
  expect(lines(info('{ labelsFromPath: { team: [metadata, labels, "team=a"] } }'))).toEqual([
    'kube_customresource_facts{team="a"} 1',
  ]);
  expect(lines(info('{ labelsFromPath: { team: [metadata, labels, "team=b"] } }'))).toEqual([]);
});

test("a key of the map at hand can be the value", () => {
  expect(lines(gauge("direct", "{ path: [status, active], valueFrom: [type-b] }"))).toEqual([
    "kube_customresource_direct{} 3",
  ]);
});

test("what is not there: an error, or zero on request", () => {
  const errors: string[] = [];
  expect(lines(gauge("none", "{ path: [status, nothing] }"), "", errors)).toEqual([]);
  expect(errors).toEqual(["kube_customresource_none: [status,nothing]: got nil while resolving path"]);
  expect(lines(gauge("zero", "{ path: [status, nothing], nilIsZero: true }"))).toEqual([
    "kube_customresource_zero{} 0",
  ]);
  errors.length = 0;
  expect(lines(gauge("text", "{ path: [spec, version] }"), "", errors)).toEqual([]);
  expect(errors[0]).toContain("expected number but was v1.2.3");
});

test("state sets and infos", () => {
  const stateSet = `- name: phase
  help: The phase
  each: { type: StateSet, stateSet: { labelName: phase, path: [status, phase], list: [Pending, Bar] } }`;
  expect(lines(stateSet)).toEqual([
    'kube_customresource_phase{phase="Bar"} 0',
    'kube_customresource_phase{phase="Pending"} 1',
  ]);
  expect(lines(stateSet.replace("status, phase", "status, nothing"))).toEqual([]);
  expect(
    lines("- name: version\n  each: { type: info, info: { path: [spec], labelsFromPath: { version: [version] } } }"),
  ).toEqual(['kube_customresource_version{version="v1.2.3"} 1']);
});

test("labels: common ones, from paths, whole maps, the nearer one wins", () => {
  const resource = `commonLabels: { shared: everywhere, level: resource }
labelsFromPath: { "*": [metadata, labels], "label_*": [metadata, labels], name: [metadata, name] }`;
  const metric = `${gauge("uptime", "{ path: [status, uptime] }")}\n  commonLabels: { level: metric }`;
  expect(lines(metric, resource)).toEqual([
    'kube_customresource_uptime{label_team="a",label_x_y="z",level="metric",name="foo",shared="everywhere",team="a",x_y="z"} 43.21',
  ]);
  expect(lines(gauge("a", "{ path: [status, uptime] }"), "metricNamePrefix: mine")[0]).toMatch(/^mine_a\{/);
  expect(lines(gauge("a", "{ path: [status, uptime] }"), 'metricNamePrefix: ""')[0]).toMatch(/^a\{/);
});

test.each([
  ["spec: { resources: [{ groupVersionKind: { group: '', version: v1, kind: A } }] }", "a group is required"],
  ["spec: { resources: [{}] }", "groupVersionKind is missing"],
  ["kind: Other", "kind must be CustomResourceStateMetrics"],
  ["spec: [1", "crs.yaml"],
])("%j is refused with its place", (text, message) => {
  const parse = () => parseCustomResourceState(text, "crs.yaml", silentLogger, () => {});
  expect(parse).toThrow(UserError);
  try {
    parse();
  } catch (error) {
    expect((error as UserError).describe()).toContain(message);
  }
});

test.each([
  [gauge("a", '{ path: ["[x]"] }'), "invalid list lookup: [x]"],
  ["- name: a\n  each: { type: Histogram }", "unknown metric type"],
  ["- name: a\n  each: { type: Gauge }", "needs its own settings"],
  [gauge("a-b", "{ path: [x] }"), "is not a metric name"],
  [gauge("a", "{ path: [x], labelFromKey: a-b }"), "is not a label name"],
])("%j is refused", (metric, message) => {
  expect(() => lines(metric)).toThrow(message);
});

test("unknown fields are passed over aloud", () => {
  const said: string[] = [];
  const log = createLogger({ write: (line) => said.push(line) });
  parseCustomResourceState("spec: { resources: [], more: 1 }", "crs.yaml", log, () => {});
  expect(said.join()).toContain("more");
});

test("values as Go prints and reads them", () => {
  expect(goText({ b: [1, true, null], a: "x" })).toBe("map[a:x b:[1 true <nil>]]");
  expect([1e20, 1e21, 0.00001, 1.5, -0.25].map(goText)).toEqual([
    "100000000000000000000",
    "1e+21",
    "1e-05",
    "1.5",
    "-0.25",
  ]);
  expect(["Yes", "unknown", "10%", "1e3", "inf", "5Gi"].map((text) => toNumber(text, false))).toEqual([
    1,
    0,
    0.1,
    1000,
    Number.POSITIVE_INFINITY,
    5 * 2 ** 30,
  ]);
  expect(toNumber(null, true)).toBe(0);
  expect(() => toNumber({}, false)).toThrow("expected number");
});

test("paths never throw, whatever they meet", () => {
  fc.assert(
    fc.property(fc.array(fc.string()), fc.jsonValue(), (parts, value) => {
      let path: ValuePath;
      try {
        path = new ValuePath(parts);
      } catch (error) {
        expect((error as Error).message).toContain("invalid list lookup");
        return;
      }
      path.get(value);
    }),
    { seed: 13, numRuns: 500 },
  );
});

test("any configuration is read or refused", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const text = JSON.stringify({ spec: { resources: value } });
      try {
        parseCustomResourceState(text, "crs.yaml", silentLogger, () => {});
      } catch (error) {
        expect(error).toBeInstanceOf(UserError);
      }
    }),
    { seed: 17, numRuns: 300 },
  );
});

test("which kinds are served and wanted", () => {
  const definition = (spec: unknown) => ({ apiVersion: "", kind: "", metadata: {}, spec });
  const versions = [{ name: "v1", served: true }, { name: "v2", served: false }, { name: "v3" }];
  const kinds = servedKinds(
    definition({ group: "example.com", scope: "Cluster", names: { kind: "Foo", plural: "foos" }, versions }),
  );
  expect(kinds.map(({ version, namespaced }) => `${version} ${namespaced}`)).toEqual(["v1 false", "v3 false"]);
  expect(servedKinds(definition({ group: "x" }))).toEqual([]);
  const wanted = (version: string, kind: string) => isWanted({ group: "example.com", version, kind }, kinds[0]);
  expect([wanted("*", "*"), wanted("v1", "*"), wanted("v2", "Foo"), wanted("*", "Bar")]).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
