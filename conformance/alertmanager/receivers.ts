/** Every receiver whose address can be chosen: its requests from a real Alertmanager and from Pharos, compared. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createAlertmanager } from "@pharos/alertmanager";
import { HttpRecorder, mailHeaders, mailParts, type RecordedRequest, SmtpRecorder } from "@pharos/alertmanager/testing";
import { silentLogger } from "@pharos/kit";
import type { SuiteResult } from "../suite.ts";
import { RealAlertmanager } from "./real.ts";

/** `{{URL}}` is the recorder, `{{SMTP}}` the mail server. Names are the paths under which requests are told apart. */
const INTEGRATIONS: Readonly<Record<string, string>> = {
  webhook: "webhook_configs: [{url: '{{URL}}/webhook'}]",
  webhookMax: "webhook_configs: [{url: '{{URL}}/webhookMax', max_alerts: 1}]",
  webhookTemplate: "webhook_configs: [{url: '{{URL}}/webhookTemplate/{{ .GroupLabels.alertname }}?n={{ len .Alerts }}'}]",
  slack: "slack_configs: [{api_url: '{{URL}}/slack', channel: '#alerts', send_resolved: true}]",
  slackAll: `slack_configs:
  - api_url: '{{URL}}/slackAll'
    channel: '#{{ .GroupLabels.alertname }}'
    send_resolved: true
    username: me
    icon_emoji: ':fire:'
    text: '{{ range .Alerts }}{{ .Annotations.summary }} <{{ .GeneratorURL }}|x> & {{ end }}'
    message_text: 'hi {{ .Status }}'
    fields: [{title: 'F {{ .Status }}', value: v, short: true}, {title: G, value: w}]
    short_fields: true
    link_names: true
    mrkdwn_in: [text]
    image_url: http://i
    thumb_url: http://t
    footer: foot
    actions:
    - {type: button, text: 'A', url: 'http://x/{{ .Status }}', style: danger}
    - {type: button, text: B, name: n, value: v, confirm: {text: sure, title: t, ok_text: o, dismiss_text: d}}`,
  victorops: "victorops_configs: [{api_url: '{{URL}}/victorops/', api_key: k, routing_key: 'r-{{ .GroupLabels.alertname }}', custom_fields: {team: '{{ .Status }}', a: '<b>'}}]",
  victoropsWarning: "victorops_configs: [{api_url: '{{URL}}/victoropsWarning', api_key: k, routing_key: r, message_type: WARNING, state_message: '{{ range .Alerts }}{{ .Labels.instance }}{{ end }}'}]",
  pagerduty: "pagerduty_configs: [{url: '{{URL}}/pagerduty', routing_key: key}]",
  pagerdutyAll: `pagerduty_configs:
  - url: '{{URL}}/pagerdutyAll'
    routing_key: key
    severity: '{{ if eq .Status "firing" }}critical{{ else }}info{{ end }}'
    class: c
    component: co
    group: g
    source: s
    client: cl
    client_url: http://cl
    details: {num: '{{ len .Alerts }}', text: 'a: b', nested: {x: ['{{ .Status }}', 1]}, firing: none}
    images: [{src: 'http://i/{{ .Status }}', alt: a, href: h}, {alt: dropped}]
    links: [{href: 'http://l', text: t}, {text: dropped}]`,
  opsgenie: "opsgenie_configs: [{api_url: '{{URL}}/opsgenie', api_key: key}]",
  opsgenieAll: `opsgenie_configs:
  - api_url: '{{URL}}/opsgenieAll/'
    api_key: key
    message: '{{ .GroupLabels.alertname }} ${"long ".repeat(40)}'
    description: d
    details: {k: '{{ .Status }}'}
    responders: [{name: 'a,b', type: teams}, {username: u, type: user}, {id: i, type: escalation}]
    tags: 'a,,b'
    note: n
    priority: P1
    entity: e
    actions: 'x,y'
    update_alerts: true`,
  discord: "discord_configs: [{webhook_url: '{{URL}}/discord', username: bot, avatar_url: http://a, content: '{{ .Status }}'}]",
  webex: "webex_configs: [{api_url: '{{URL}}/webex', room_id: r, http_config: {authorization: {credentials: tok}}}]",
  msteams: "msteams_configs: [{webhook_url: '{{URL}}/msteams'}]",
  msteamsv2: "msteamsv2_configs: [{webhook_url: '{{URL}}/msteamsv2'}]",
  telegram: "telegram_configs: [{api_url: '{{URL}}/telegram', bot_token: tok, chat_id: -1001, message_thread_id: 7, disable_notifications: true}]",
  telegramPlain: "telegram_configs: [{api_url: '{{URL}}/telegramPlain', bot_token: tok, chat_id: 5, parse_mode: '', message: 'a <b> {{ .Status }}'}]",
  wechat: "wechat_configs: [{api_url: '{{URL}}/wechat', api_secret: s, corp_id: c, to_user: u, agent_id: a, send_resolved: true}]",
  rocketchat: "rocketchat_configs: [{api_url: '{{URL}}/rocketchat', token: t, token_id: i, channel: c, send_resolved: true, fields: [{title: a, value: b}], actions: [{text: x, url: u, msg: m}]}]",
  mattermost: "mattermost_configs: [{webhook_url: '{{URL}}/mattermost', channel: c, fields: [{title: a, value: '{{ .Status }}', short: true}], priority: {priority: urgent, requested_ack: true, persistent_notifications: true}, props: {card: card}}]",
  jira: `jira_configs:
  - api_url: '{{URL}}/jira/rest/api/2'
    project: OPS
    issue_type: Bug
    labels: [alertmanager, '{{ .GroupLabels.alertname }}']
    resolve_transition: Done
    reopen_transition: Reopen
    reopen_duration: 1h
    wont_fix_resolution: Won't Do
    fields: {customfield_1: '{{ len .Alerts }}', customfield_2: {value: x}}`,
  incidentio: "incidentio_configs: [{url: '{{URL}}/incidentio', alert_source_token: tok, http_config: {authorization: null}}]",
  sns: "sns_configs: [{api_url: '{{URL}}/sns', sigv4: {region: eu-central-1, access_key: AK, secret_key: SK}, topic_arn: 'arn:aws:sns:eu:1:t.fifo', attributes: {a: '{{ .Status }}'}}]",
  email: "email_configs: [{to: 'a@example.com, Bee <b@example.com>', from: 'me <am@example.com>', smarthost: '{{SMTP}}', require_tls: false, send_resolved: true, text: 'plain {{ .Status }} ä=ö', headers: {x-team: 'Üben {{ .Status }}'}, threading: {enabled: true, thread_by_date: none}}]",
}; // biome-ignore format: a table

const ANSWERS: Readonly<Record<string, { contentType: string; body: string }>> = {
  slack: { contentType: "text/plain", body: "ok" },
  slackAll: { contentType: "application/json", body: '{"ok":true,"ts":"1.2","channel":"C"}' },
  telegram: { contentType: "application/json", body: '{"ok":true,"result":{"message_id":1,"chat":{"id":1}}}' },
  telegramPlain: { contentType: "application/json", body: '{"ok":true,"result":{"message_id":1,"chat":{"id":1}}}' },
  wechat: { contentType: "application/json", body: '{"access_token":"at","errcode":0}' },
  rocketchat: { contentType: "application/json", body: '{"success":true}' },
  sns: { contentType: "text/xml", body: "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult><MessageId>1</MessageId></PublishResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></PublishResponse>" },
}; // biome-ignore format: a table

/** One issue that is there from the second time on. */
function jiraAnswer(request: RecordedRequest, seen: number): { contentType: string; body: string } {
  const issue = { key: "OPS-1", fields: { status: { name: "Open", statusCategory: { key: "new" } } } };
  const body = request.url.includes("/search")
    ? { issues: seen > 1 ? [issue] : [] }
    : request.url.endsWith("/transitions")
      ? {
          transitions: [
            { id: "11", name: "Done" },
            { id: "12", name: "Reopen" },
          ],
        }
      : issue;
  return { contentType: "application/json", body: JSON.stringify(body) };
}

interface Mail {
  headers: Record<string, string>;
  parts: Record<string, string>;
  to: string[];
  from: string;
  hello: string;
}

/** What was told after one of the posts. */
interface Told {
  requests: RecordedRequest[];
  mails: Mail[];
}

/** Long enough that no alert is older: those would not be waited for, and the first one would go alone. */
const GROUP_WAIT_MS = 4_000;
/** Nothing more is told when nothing was for so long; several flushes fall into it. */
const QUIET_MS = 1_500;
const MAX_WAIT_MS = 20_000;
const POLL_MS = 50;
/** What differs once and not again was the clock's doing: a flush fell between two alerts of a post. */
const ATTEMPTS = 3;
const STEPS = ["first", "second", "third"] as const;

function alerts(base: number) {
  const at = (seconds: number) => new Date(base + seconds * 1000).toISOString();
  const alert = (instance: string, rest: Record<string, unknown> = {}) => ({
    labels: { alertname: 'Disk <full> & "more"', instance, job: "node", severity: "critical", empty: "" },
    annotations: { summary: `disk of ${instance} is full 93 % <b>`, runbook: "http://run/book?a=1&b=2", none: "" },
    startsAt: at(0),
    generatorURL: "http://prom:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
    ...rest,
  });
  return {
    first: [alert("b:9100"), alert("a:9100", { annotations: { summary: "ünïcode ✓ \u2028 line" } })],
    second: [alert("b:9100", { endsAt: at(3) }), alert("c:9100", { startsAt: at(1) })],
    third: [
      alert("a:9100", { endsAt: at(3) }),
      alert("b:9100", { endsAt: at(3) }),
      alert("c:9100", { startsAt: at(1), endsAt: at(3) }),
    ],
  };
}

/** One of the two with its recorders. */
class Side implements AsyncDisposable {
  readonly #folder: string;
  readonly #stack: AsyncDisposableStack;
  readonly #server: { url: string };
  readonly #recorder: HttpRecorder;
  readonly #smtp: SmtpRecorder;

  private constructor(
    folder: string,
    stack: AsyncDisposableStack,
    parts: { server: { url: string }; recorder: HttpRecorder; smtp: SmtpRecorder },
  ) {
    this.#folder = folder;
    this.#stack = stack;
    this.#server = parts.server;
    this.#recorder = parts.recorder;
    this.#smtp = parts.smtp;
  }

  static async start(
    start: (configFile: string, folder: string) => Promise<AsyncDisposable & { url: string }>,
  ): Promise<Side> {
    await using stack = new AsyncDisposableStack();
    const folder = mkdtempSync(join(tmpdir(), "pharos-side-"));
    const jira = { searches: 0 };
    const recorder = stack.use(
      await HttpRecorder.start((request) => {
        const name = request.url.split(/[/?]/)[1];
        if (name !== "jira") return ANSWERS[name] ?? {};
        if (request.url.includes("/search")) jira.searches++;
        return jiraAnswer(request, jira.searches);
      }),
    );
    const smtp = stack.use(await SmtpRecorder.start());
    const receivers = Object.entries(INTEGRATIONS).map(
      ([name, text]) =>
        `- name: ${name}\n  ${text.replaceAll("{{URL}}", recorder.url).replaceAll("{{SMTP}}", `127.0.0.1:${smtp.port}`)}`,
    );
    const routes = Object.keys(INTEGRATIONS).map((name) => `  - {receiver: ${name}, continue: true}`);
    const configFile = join(folder, "alertmanager.yml");
    writeFileSync(
      configFile,
      `global: {smtp_hello: side.example.com}\nroute:\n  receiver: webhook\n  group_by: [alertname]\n  group_wait: 4s\n  group_interval: 400ms\n  repeat_interval: 1h\n  routes:\n${routes.join("\n")}\nreceivers:\n${receivers.join("\n")}\n`,
    );
    const server = stack.use(await start(configFile, join(folder, "data")));
    return new Side(folder, stack.move(), { server, recorder, smtp });
  }

  async post(list: readonly unknown[]): Promise<void> {
    const answer = await fetch(`${this.#server.url}/api/v2/alerts`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(list),
    });
    if (!answer.ok) throw new Error(await answer.text());
  }

  /** How much has been told. */
  get count(): number {
    return this.#recorder.requests.length + this.#smtp.mails.length;
  }

  /** What was told since the last time. */
  take(): Told {
    const requests = this.#recorder.requests
      .splice(0)
      .map((request) => ({ ...request, body: request.body.replaceAll(this.#recorder.url, "URL") }));
    const mails = this.#smtp.mails.splice(0).map(({ data, to, from, hello }) => ({
      headers: mailHeaders(data),
      parts: mailParts(data),
      to,
      from,
      hello,
    }));
    return { requests, mails };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Until neither says anything more. */
async function quiet(sides: readonly Side[], atLeastMs: number): Promise<void> {
  const begun = performance.now();
  let calmSince = begun;
  let before = "";
  for (;;) {
    await sleep(POLL_MS);
    const now = performance.now();
    const counts = sides.map(({ count }) => count).join();
    if (counts !== before) calmSince = now;
    before = counts;
    if (now - begun > MAX_WAIT_MS || (now - begun > atLeastMs && now - calmSince > QUIET_MS)) return;
  }
}

/** Headers that say something; the rest is the HTTP client's own. */
const HEADERS = ["content-type", "authorization", "x-auth-token", "x-user-id", "accept-language"];

/** The order of keys says nothing. `routeLabels` came after the version that is compared with. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(
    ([name, item]) => !(name === "routeLabels" && Object.keys(item as object).length === 0),
  );
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, item]) => [name, canonical(item)]),
  );
}

function readBody(body: string, contentType: string): unknown {
  if (contentType.startsWith("application/x-www-form-urlencoded"))
    return Object.fromEntries([...new URLSearchParams(body)].sort());
  try {
    return canonical(JSON.parse(body));
  } catch {
    return body;
  }
}

function shown({ method, url, headers, body }: RecordedRequest, external: string): string {
  const given = Object.fromEntries(
    HEADERS.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])),
  );
  // A signature holds the time, and the signed headers are the client's choice.
  if (given.authorization?.startsWith("AWS4-"))
    given.authorization = given.authorization.replace(/SignedHeaders.*/, "").replace(/\/\d{8}\//, "/DAY/");
  const text = JSON.stringify([method, url, given, readBody(body, given["content-type"] ?? "")]);
  // Details of PagerDuty were read as YAML twice before 0.34: an empty text became nothing.
  const known = url.startsWith("/pagerduty") ? text.replaceAll('"none":null', '"none":""') : text;
  return known.replaceAll(external, "EXTERNAL").replaceAll(encodeURIComponent(external), "EXTERNAL");
}

function mailShown({ headers, parts, to, from, hello }: Mail, external: string): string {
  const { Date: _date, "Message-Id": _id, "Content-Type": type, ...rest } = headers;
  const sorted = Object.fromEntries(Object.entries(rest).sort());
  return JSON.stringify([sorted, type.replace(/boundary=.*/, ""), parts, to, from, hello]).replaceAll(
    external,
    "EXTERNAL",
  );
}

const EXTERNAL = "http://alertmanager.example.com:9093";

/** What each integration was told in a step. */
function toldBy(name: string, { requests, mails }: Told): string[] {
  return name === "email"
    ? mails.map((mail) => mailShown(mail, EXTERNAL))
    : requests.filter(({ url }) => url.split(/[/?]/)[1] === name).map((request) => shown(request, EXTERNAL));
}

/** By integration and step: how the two differ. */
async function compareOnce(): Promise<Map<string, string>> {
  await using real = await Side.start((configFile, storageDir) =>
    RealAlertmanager.start({
      configFile,
      storageDir,
      flags: [`--web.external-url=${EXTERNAL}`, "--web.route-prefix=/"],
    }),
  );
  await using own = await Side.start((configFile, storageDir) =>
    createAlertmanager({
      configFile,
      storageDir,
      listen: { host: "127.0.0.1", port: 0 },
      externalUrl: EXTERNAL,
      log: silentLogger,
    }),
  );
  const sides = [real, own];
  // Both listen: only now the time begins to count.
  const streams = alerts(Math.floor(Date.now() / 1000) * 1000);
  const differences = new Map<string, string>();
  const silent = new Set(Object.keys(INTEGRATIONS));
  for (const [i, step] of STEPS.entries()) {
    await Promise.all(sides.map((side) => side.post(streams[step])));
    await quiet(sides, i === 0 ? GROUP_WAIT_MS + QUIET_MS : QUIET_MS);
    const [theirs, ours] = sides.map((side) => side.take());
    for (const name of Object.keys(INTEGRATIONS)) {
      const [want, got] = [toldBy(name, theirs), toldBy(name, ours)];
      if (want.length > 0) silent.delete(name);
      for (let at = 0; at < Math.max(want.length, got.length); at++)
        if (want[at] !== got[at] && !differences.has(`${name} ${step}`))
          differences.set(
            `${name} ${step}`,
            `${name}, ${step} post, request ${at + 1}:\n    got  ${firstDifference(got[at], want[at])}\n    want ${firstDifference(want[at], got[at])}`,
          );
    }
  }
  for (const name of silent) differences.set(`${name} at all`, `${name}: the real one said nothing`);
  return differences;
}

/** Every integration, after each of three posts and whether it is spoken to at all: on a busy machine as many cases as on an idle one. */
export async function compareReceivers(): Promise<SuiteResult> {
  let differences = await compareOnce();
  for (let attempt = 1; attempt < ATTEMPTS && differences.size > 0; attempt++) {
    const again = await compareOnce();
    differences = new Map([...differences].filter(([key]) => again.has(key)));
  }
  const total = Object.keys(INTEGRATIONS).length * (STEPS.length + 1);
  return { passed: total - differences.size, total, failures: [...differences.values()] };
}

/** The text around the place where two differ. */
function firstDifference(text: string | undefined, other: string | undefined): string {
  if (text === undefined) return "nothing";
  if (other === undefined) return text.slice(0, 500);
  let at = 0;
  while (at < text.length && text[at] === other[at]) at++;
  return `…${text.slice(Math.max(0, at - 60), at + 200)}`;
}
