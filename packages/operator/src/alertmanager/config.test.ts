import { loadAlertmanagerConfig } from "@pharos/alertmanager";
import { describe, expect, test } from "vitest";
import { toYaml } from "../prometheus/config.ts";
import { alertmanager, alertmanagerConfig, alertmanagerScope } from "../testing/objects.ts";
import { convertAlertmanagerConfig, toAlpha, toBeta } from "./api-versions.ts";
import { baseConfig, generateAlertmanagerConfig, globalAlertmanagerConfig } from "./config.ts";

const BASE = { route: { receiver: "null" }, receivers: [{ name: "null" }] };

const config = (spec: object = {}, namespace = "team") =>
  alertmanagerConfig(
    {
      route: { receiver: "r", matchers: [{ name: "a", value: "b", regex: true }] },
      receivers: [{ name: "r", webhookConfigs: [{ url: "http://x" }] }],
      inhibitRules: [{ sourceMatch: [{ name: "s", value: "1", matchType: "=" }], targetMatch: [], equal: ["e"] }],
      ...spec,
    },
    { namespace, name: "c" },
  );

type Made = Record<string, never> & {
  route: { routes: { matchers?: string[]; match?: object; match_re?: object; continue?: boolean; receiver: string }[] };
  inhibit_rules: { source_matchers?: string[]; target_matchers?: string[] }[];
};

function made(strategy: string | undefined, objects = [config()], version?: string): Made {
  const instance = alertmanager({ alertmanagerConfigMatcherStrategy: strategy ? { type: strategy } : undefined });
  return generateAlertmanagerConfig(alertmanagerScope(instance, {}, version), BASE, objects) as unknown as Made;
}

describe("matcher strategies", () => {
  test.each([
    [undefined, "team", ['a=~"b"', 'namespace="team"']],
    ["OnNamespace", "default", ['a=~"b"', 'namespace="default"']],
    ["OnNamespaceExceptForAlertmanagerNamespace", "default", ['a=~"b"']],
    ["OnNamespaceExceptForAlertmanagerNamespace", "team", ['a=~"b"', 'namespace="team"']],
    ["None", "team", ['a=~"b"']],
  ])("%s in %s", (strategy, namespace, matchers) => {
    const { route, inhibit_rules: rules } = made(strategy, [config({}, namespace)]);
    expect(route.routes[0]).toMatchObject({ matchers, continue: true, receiver: `${namespace}/c/r` });
    const restricted = matchers.length > 1;
    expect(rules[0].source_matchers).toEqual(['s="1"', ...(restricted ? [`namespace="${namespace}"`] : [])]);
    expect(rules[0].target_matchers).toEqual(restricted ? [`namespace="${namespace}"`] : undefined);
  });

  test("before 0.22 in the old maps", () => {
    const object = config({ inhibitRules: [] });
    expect(made(undefined, [object], "v0.21.0").route.routes[0]).toMatchObject({
      match: { namespace: "team" },
      match_re: { a: "b" },
    });
  });

  test("values are quoted as the parser wants", () => {
    const object = config({ route: { receiver: "r", matchers: [{ name: "a", value: 'x"\\\n', matchType: "=" }] } });
    expect(made("None", [object]).route.routes[0].matchers).toEqual(['a="x\\"\\\\\\n"']);
  });
});

describe("the whole", () => {
  test("objects stand before the base's routes, in order of their names", () => {
    const base = { route: { receiver: "null", routes: [{ receiver: "null" }] }, receivers: [{ name: "null" }] };
    const scope = alertmanagerScope();
    const objects = [config({}, "z"), config({}, "a")];
    const out = generateAlertmanagerConfig(scope, base, objects) as unknown as Made;
    expect(out.route.routes.map(({ receiver }) => receiver)).toEqual(["a/c/r", "z/c/r", "null"]);
    expect(base.route.routes).toHaveLength(1);
    expect(() => loadAlertmanagerConfig(toYaml(out), { file: "" })).not.toThrow();
  });

  test("without a route nothing but inhibition is taken", () => {
    const out = made("None", [config({ route: undefined })]) as Record<string, unknown>;
    expect(out.receivers).toEqual([{ name: "null" }]);
    expect(out.inhibit_rules).toHaveLength(1);
  });

  test.each([
    [{ receivers: [] }, /no root route/],
    [{ route: {} }, /no receiver/],
    [{ route: { receiver: "x", continue: true } }, /continue/],
    [{ route: { receiver: "x", matchers: ["a=b"] } }, /matchers/],
  ])("the base %j is refused", (base, message) => {
    expect(() => generateAlertmanagerConfig(alertmanagerScope(), base, [])).toThrow(message);
  });

  test("the base comes from its Secret, else nobody is told", () => {
    expect(baseConfig(alertmanagerScope())).toEqual(BASE);
    const text = "route: {receiver: x}\nreceivers: [{name: x}]\n";
    const secrets = { "Secret/default/mine": { "alertmanager.yaml": text } };
    expect(baseConfig(alertmanagerScope(alertmanager({ configSecret: "mine" }), secrets))).toMatchObject({
      route: { receiver: "x" },
    });
  });

  test("an AlertmanagerConfig as base routes all namespaces, under the global settings", () => {
    const instance = alertmanager({
      alertmanagerConfiguration: {
        name: "c",
        global: {
          resolveTimeout: "1m",
          slackApiUrl: { name: "s", key: "url" },
          smtp: { smartHost: { host: "h", port: "25" } },
        },
      },
    });
    const scope = alertmanagerScope(instance, { "Secret/team/s": { url: " https://slack \n" } });
    const base = config({ route: { receiver: "r" }, inhibitRules: [] });
    expect(globalAlertmanagerConfig(scope, base)).toMatchObject({
      global: { resolve_timeout: "1m", slack_api_url: "https://slack", smtp_smarthost: "h:25" },
      route: { receiver: "team/c/r" },
    });
  });

  test("what a version does not know is left out, or refused where that would change who is told", () => {
    const scope = alertmanagerScope(alertmanager({}), {}, "v0.27.0");
    const object = config({ receivers: [{ name: "r", webhookConfigs: [{ url: "http://x", timeout: "5s" }] }] });
    const out = generateAlertmanagerConfig(scope, BASE, [object]) as { receivers: Record<string, unknown>[] };
    expect(out.receivers[1].webhook_configs).toEqual([{ url: "http://x" }]);
    expect([...scope.gate.ignored.keys()]).toEqual(["webhook_configs.timeout"]);
    const teams = config({ receivers: [{ name: "r", msteamsv2Configs: [{ webhookURL: { name: "s", key: "u" } }] }] });
    const old = alertmanagerScope(alertmanager({}), { "Secret/team/s": { u: "https://x" } }, "v0.27.0");
    expect(() => generateAlertmanagerConfig(old, BASE, [teams])).toThrow(/msteamsv2_configs needs Alertmanager 0.28.0/);
  });
});

describe("API versions", () => {
  const alpha = config({ muteTimeIntervals: [{ name: "m", timeIntervals: [{ months: ["1"] }] }] });

  test("v1beta1 names every operator and calls intervals so", () => {
    const beta = toBeta(alpha);
    expect(beta.spec).toMatchObject({
      route: { matchers: [{ name: "a", value: "b", matchType: "=~" }] },
      timeIntervals: [{ name: "m" }],
    });
    expect(beta.spec).not.toHaveProperty("muteTimeIntervals");
    expect(generateAlertmanagerConfig(alertmanagerScope(), BASE, [toAlpha(beta)])).toEqual(
      generateAlertmanagerConfig(alertmanagerScope(), BASE, [alpha]),
    );
  });

  test("there is no third", () => {
    expect(() => convertAlertmanagerConfig(alpha, "monitoring.coreos.com/v9")).toThrow(/has no version/);
  });
});
