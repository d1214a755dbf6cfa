import { expect, test } from "vitest";
import { redactConfig } from "./redact.ts";

test("hides every secret and keeps the rest", () => {
  const shown = redactConfig(
    [
      "scrape_configs:",
      "- job_name: a",
      "  basic_auth: {username: u, password: p1}",
      "  authorization: {credentials: c1, credentials_file: /etc/token}",
      "  oauth2: {client_id: id, client_secret: s1}",
      "  proxy_url: http://user:p2@proxy:3128",
      "  http_headers: {X-Key: {secrets: [s2, s3]}}",
      "remote_write:",
      "- url: https://u:p3@remote/write",
    ].join("\n"),
  );
  for (const secret of ["p1", "c1", "s1", "p2", "s2", "s3", "p3"]) expect(shown).not.toContain(secret);
  for (const kept of ["username: u", "/etc/token", "client_id: id", "proxy:3128", "remote/write"])
    expect(shown).toContain(kept);
});
