/** Whatever comes in is refused with a reason or taken; `PHAROS_FUZZ` is how many times more than in short. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@pharos/kit";
import { UserError } from "@pharos/model";
import fc from "fast-check";
import { expect, test } from "vitest";
import { loadAlertmanagerConfig } from "./config/config.ts";
import { MatcherSyntax } from "./matcher/compat.ts";
import { createAlertmanager } from "./server.ts";

const MORE = Number(process.env.PHAROS_FUZZ ?? 1);

const CONFIG = `global: {resolve_timeout: 5m, smtp_smarthost: 'h:25', smtp_from: a@b, slack_api_url: 'http://s/x'}
templates: ['*.tmpl']
route:
  receiver: r
  group_by: [alertname, '...']
  group_wait: 30s
  routes:
  - {receiver: s, matchers: ['a="b"', c=~"d|e"], continue: true, mute_time_intervals: [nights]}
  - {receiver: r, match_re: {f: g.*}, repeat_interval: 1h}
inhibit_rules:
- {source_matchers: [severity="critical"], target_match: {severity: warning}, equal: [alertname]}
time_intervals:
- name: nights
  time_intervals: [{times: [{start_time: '22:00', end_time: '24:00'}], weekdays: ['monday:friday'], days_of_month: ['1:5', '-3:-1'], months: [may], years: [2026], location: Europe/Berlin}]
receivers:
- name: r
  webhook_configs: [{url: 'http://h/x', http_config: {basic_auth: {username: u, password: p}, proxy_url: 'http://p:1'}, max_alerts: 3}]
  email_configs: [{to: x@y, headers: {Subject: '{{ .Status }}'}, tls_config: {insecure_skip_verify: true}}]
- name: s
  slack_configs: [{channel: '#c', fields: [{title: t, value: v}], actions: [{type: button, text: x, url: 'http://u'}]}]
  pagerduty_configs: [{routing_key: k, details: {a: {b: [1]}}}]
  opsgenie_configs: [{api_key: k, responders: [{type: team, name: n}]}]
`;

function expectUserError(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    expect(error.message).not.toBe("");
  }
}

test("a configuration that was bent is refused with a reason", () => {
  const words = [
    "", "null", "[]", "{}", "'", "-", ":", "\n", "  ", "x", "1h", "-1", "true", "{{", "&a", "*a", "!!", "global:", "receivers:", "\0", "ä",
  ]; // biome-ignore format: a list
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat({ max: CONFIG.length }), fc.nat({ max: 12 }), fc.constantFrom(...words)), {
        minLength: 1,
        maxLength: 3,
      }),
      (edits) => {
        let text = CONFIG;
        for (const [place, length, word] of edits) text = text.slice(0, place) + word + text.slice(place + length);
        expectUserError(() => loadAlertmanagerConfig(text, { file: "/nowhere/config.yml", withoutTemplates: true }));
      },
    ),
    { seed: 1, numRuns: 1500 * MORE },
  );
}, 600_000);

test("matchers are read or refused, in every syntax, and what is read is read the same again", () => {
  const piece = fc.constantFrom(
    "a", "=", "!", "~", "=~", "!~", "!=", '"', "'", "\\", "{", "}", ",", " ", "\n", "ä", "(", ")", "|", ".*", "[", "\\n", "\\x", "😀",
  ); // biome-ignore format: a list
  for (const mode of ["fallback", "classic", "utf8-strict"] as const) {
    const syntax = new MatcherSyntax(mode);
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
        expectUserError(() => {
          for (const matcher of syntax.matchers(pieces.join(""), "fuzz")) {
            if (mode === "classic") continue;
            const [again] = syntax.matchers(String(matcher), "fuzz");
            expect(String(again)).toBe(String(matcher));
          }
        });
      }),
      { seed: 2, numRuns: 3000 * MORE },
    );
  }
}, 600_000);

test("no request makes the API fail", async () => {
  const folder = mkdtempSync(join(tmpdir(), "pharos-am-fuzz-"));
  const configFile = join(folder, "config.yml");
  writeFileSync(configFile, "route: {receiver: r, group_by: [a], group_wait: 10ms}\nreceivers: [{name: r}]\n");
  try {
    await using server = await createAlertmanager({
      configFile,
      storageDir: join(folder, "data"),
      listen: { host: "127.0.0.1", port: 0 },
      log: silentLogger,
    });
    const time = fc.oneof(
      fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
      fc.constantFrom("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "", "2026-01-01T00:00:00.123456789+14:00"),
    );
    const any = fc.anything({ maxDepth: 2, withNullPrototype: false });
    const labels = fc.oneof(
      fc.dictionary(fc.string({ maxLength: 5 }), fc.string({ maxLength: 5 }), { maxKeys: 3 }),
      any,
    );
    const alert = fc.record(
      { labels, annotations: labels, startsAt: fc.oneof(time, any), endsAt: fc.oneof(time, any), generatorURL: any },
      { requiredKeys: [] },
    );
    const matcher = fc.record(
      {
        name: fc.oneof(fc.string({ maxLength: 4 }), any),
        value: fc.oneof(fc.string({ maxLength: 4 }), any),
        isRegex: fc.oneof(fc.boolean(), any),
        isEqual: fc.oneof(fc.boolean(), any),
      },
      { requiredKeys: [] },
    );
    const silence = fc.record(
      {
        id: fc.oneof(fc.uuid(), any),
        matchers: fc.oneof(fc.array(matcher, { maxLength: 2 }), any),
        startsAt: fc.oneof(time, any),
        endsAt: fc.oneof(time, any),
        createdBy: fc.oneof(fc.string(), any),
        comment: fc.oneof(fc.string(), any),
        annotations: labels,
      },
      { requiredKeys: [] },
    );
    const request = fc.oneof(
      fc.tuple(fc.constant("/api/v2/alerts"), fc.oneof(fc.array(alert, { maxLength: 3 }), any)),
      fc.tuple(fc.constant("/api/v2/silences"), fc.oneof(silence, any)),
      fc.tuple(fc.constant("/api/v1/pharos/receivers/r/test"), fc.oneof(alert, any)),
    );
    const write = (body: unknown): string =>
      JSON.stringify(body, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value)) ?? "null";
    await fc.assert(
      fc.asyncProperty(request, async ([path, body]) => {
        const headers = { "content-type": "application/json" };
        const answer = await fetch(server.url + path, { method: "POST", headers, body: write(body) });
        const text = await answer.text();
        expect(answer.status, text).toBeLessThan(500);
      }),
      { seed: 3, numRuns: 400 * MORE },
    );
    const paths = fc.constantFrom("alerts", "alerts/groups", "silences", "receivers");
    const names = fc.constantFrom("filter", "receiver", "receiver_matchers", "active", "silenced", "expired", "muted");
    await fc.assert(
      fc.asyncProperty(
        paths,
        fc.array(fc.tuple(names, fc.string({ maxLength: 8 })), { maxLength: 3 }),
        async (path, pairs) => {
          const answer = await fetch(`${server.url}/api/v2/${path}?${new URLSearchParams(pairs)}`);
          expect(answer.status, await answer.text()).toBeLessThan(500);
        },
      ),
      { seed: 4, numRuns: 200 * MORE },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 600_000);
