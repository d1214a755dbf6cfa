import { expect, test } from "vitest";
import { redactConfig } from "./redact.ts";

test("hides every secret in every style, and keeps the rest", () => {
  const shown = redactConfig(
    [
      'global: {slack_api_url: "https://hooks/s1", victorops_api_key: s2, http_config: {basic_auth: {username: u, password: s3}}}',
      "receivers:",
      "- name: a",
      '  webhook_configs: [{url: "https://hooks/s4"}, {url_file: /etc/url}]',
      "  slack_configs:",
      "  - api_url: >-",
      "      https://hooks/s5",
      '    channel: "#team"',
      "    http_config: {authorization: {credentials: s6}, proxy_url: 'http://u:s7@proxy'}",
      "    actions: [{type: button, text: Go, url: https://kept.example}]",
      "  victorops_configs: [{api_key: s8, api_url: https://vo.example/, routing_key: r}]",
    ].join("\n"),
  );
  for (const secret of ["s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8"]) expect(shown).not.toContain(secret);
  for (const kept of ["username: u", "/etc/url", "#team", "https://kept.example", "https://vo.example/", "proxy"])
    expect(shown).toContain(kept);
});
