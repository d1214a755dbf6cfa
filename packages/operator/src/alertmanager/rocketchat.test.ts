import { loadAlertmanagerConfig } from "@pharos/alertmanager";
import { expect, test } from "vitest";
import { toYaml } from "../prometheus/config.ts";
import { alertmanagerConfig, alertmanagerScope } from "../testing/objects.ts";
import { generateAlertmanagerConfig } from "./config.ts";
import { withReadableActions } from "./rocketchat.ts";

const BASE = { route: { receiver: "null" }, receivers: [{ name: "null" }] };

test("actions can be read, and say what they said", () => {
  const token = { name: "chat", key: "token" };
  const actions = [{ text: "Silence", url: "https://x.example/", msg: "silence it" }];
  const rocketchatConfigs = [{ token, tokenID: token, channel: "#a", actions }];
  const object = alertmanagerConfig({ route: { receiver: "r" }, receivers: [{ name: "r", rocketchatConfigs }] });
  const scope = alertmanagerScope(undefined, { "Secret/default/chat": { token: "secret" } });
  const config = withReadableActions(generateAlertmanagerConfig(scope, BASE, [object]));
  expect(() => loadAlertmanagerConfig(toYaml(config), { file: "" })).not.toThrow();
  const receivers = config.receivers as { rocketchat_configs?: { channel: string; actions: object[] }[] }[];
  expect(receivers[1].rocketchat_configs?.[0]).toMatchObject({ channel: "#a", actions });
});

test("whatever has no such receivers stays as it is", () => {
  for (const config of [BASE, {}, { receivers: "x" }]) expect(withReadableActions(config)).toBe(config);
});
