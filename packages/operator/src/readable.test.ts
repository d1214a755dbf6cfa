import { expect, test } from "vitest";
import { checkAlertmanagerReadable, checkReadable } from "./readable.ts";

const job = (rest: string): string => `scrape_configs:\n- job_name: a\n${rest}`;

test.each([
  ["remote_write", "remote_write:\n- url: http://x\n"],
  ["tracing", "tracing:\n  endpoint: x:4317\n"],
  ["another discovery", job("  consul_sd_configs:\n  - server: x\n")],
  [
    "an API server behind a password",
    job("  kubernetes_sd_configs:\n  - role: pod\n    api_server: https://x\n    basic_auth:\n      username: u\n"),
  ],
])("%s is for an upstream image alone", (_name, text) => {
  expect(() => checkReadable(text, "upstream")).not.toThrow();
});

test.each(["upstream", "pharos"] as const)("what nobody can read is refused: %s", (reader) => {
  expect(() => checkReadable("scrape_configs:\n- job_name: a\n  scrape_interval: often\n", reader)).toThrow("often");
  const both = `remote_write:\n- url: http://x\n${job("  metrics_path: [1]\n")}`;
  expect(() => checkReadable(both, reader)).toThrow();
  expect(() => checkAlertmanagerReadable("route:\n  receiver: a\n", reader)).toThrow();
  const traced = "tracing:\n  endpoint: x\nroute:\n  receiver: a\nreceivers:\n- name: b\n";
  expect(() => checkAlertmanagerReadable(traced, reader)).toThrow();
});

test("tracing of Alertmanager is for an upstream image alone", () => {
  const traced = "tracing:\n  endpoint: x\nroute:\n  receiver: a\nreceivers:\n- name: a\n";
  expect(() => checkAlertmanagerReadable(traced, "upstream")).not.toThrow();
});
