import { hostname } from "node:os";
import { parseFlags } from "@pharos/kit";
import { expect, test } from "vitest";
import { alertmanagerFlags, alertmanagerOptions } from "./flags.ts";

const optionsOf = (...argv: string[]) => alertmanagerOptions(parseFlags(alertmanagerFlags, argv).values);

test("without flags it is what upstream is", () => {
  expect(optionsOf()).toMatchObject({
    configFile: "alertmanager.yml",
    listen: { host: "0.0.0.0", port: 9093 },
    cluster: { listen: { host: "0.0.0.0", port: 9094 }, peerTimeout: 15_000, name: undefined, kubernetes: undefined },
    recurringSilences: false,
    silenceReminderMs: 0,
  });
  expect(optionsOf("--cluster.listen-address=").cluster).toBeUndefined();
});

test("in the Kubernetes API a replica has the name of its pod", () => {
  const { cluster } = optionsOf("--cluster.kubernetes", "--cluster.kubernetes-namespace=monitoring");
  expect(cluster?.name).toBe(hostname());
  expect(cluster?.kubernetes).toEqual({ cluster: "alertmanager", namespace: "monitoring", server: "" });
  expect(optionsOf("--cluster.kubernetes", "--cluster.peer-name=me").cluster?.name).toBe("me");
});

test("what cannot be is refused with its flag", () => {
  for (const [flag, message] of [
    ["--cluster.kubernetes-name=Not_A_Name", "not a name"],
    ["--web.listen-address=nowhere", "not an address"],
    ["--web.external-url=alerts.example.com", "not an http or https URL"],
    ["--enable-feature=teleport", "unknown option"],
    ["--enable-feature=classic-mode,utf8-strict-mode", "cannot have both"],
  ])
    expect(() => optionsOf("--cluster.kubernetes", flag)).toThrow(message);
});
