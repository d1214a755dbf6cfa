/** What is fuzzed, and what must hold: whatever comes in is taken, or refused with a reason. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@pharos/kit";
import { Labels, UserError } from "@pharos/model";
import { loadAlertmanagerConfig } from "../config/config.ts";
import { MatcherSyntax } from "../matcher/compat.ts";
import { notificationData } from "../notify/data.ts";
import { NotifyError } from "../notify/integration.ts";
import { createTemplates } from "../notify/templates.ts";
import { formatRecurrence, nextWindows, parseRecurrence } from "../recurring/recurrence.ts";
import { createAlertmanager } from "../server.ts";
import { Random } from "./random.ts";
import { CONFIG_PIECES, CONFIGS, MATCHER_PIECES, RULE_PIECES, RULES, TEMPLATE_PIECES, TEMPLATES } from "./texts.ts";

export interface Finding {
  target: string;
  input: string;
  problem: string;
}

export interface FuzzTarget extends AsyncDisposable {
  name: string;
  /** Makes the next input and tries it; a promise where that takes time. */
  try(random: Random): Finding | undefined | Promise<Finding | undefined>;
  /** Tries at once. */
  parallel: number;
}

/** Nothing takes longer for a text of a few hundred characters. */
const MAX_MS = 5_000;
/** An answer may have to wait for the machine. */
const MAX_ANSWER_MS = 60_000;

/** ms of this process: how long something takes on a machine that others use as well. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function tried(target: string, input: string, run: () => void): Finding | undefined {
  const begun = processorTime();
  try {
    run();
  } catch (error) {
    // What a template says comes wrapped as the failure of a notification.
    const reason = error instanceof NotifyError ? error.cause : error;
    if (!(reason instanceof UserError)) return { target, input, problem: String((error as Error).stack ?? error) };
    if (reason.message === "") return { target, input, problem: "refused without a reason" };
  }
  const took = processorTime() - begun;
  return took > MAX_MS ? { target, input, problem: `took ${Math.round(took)} ms` } : undefined;
}

function target(name: string, attempt: (random: Random) => Finding | undefined): FuzzTarget {
  return { name, parallel: 1, try: attempt, [Symbol.asyncDispose]: () => Promise.resolve() };
}

function same(actual: string, expected: string): void {
  if (actual !== expected) throw new Error(`read again it is ${actual} instead of ${expected}`);
}

const configs = target("configs", (random) => {
  const text = random.bend(random.pick(CONFIGS), CONFIG_PIECES, 3);
  return tried("configs", text, () =>
    loadAlertmanagerConfig(text, { file: "/nowhere/config.yml", withoutTemplates: true }),
  );
});

const SYNTAXES = (["fallback", "classic", "utf8-strict"] as const).map((mode) => ({
  mode,
  syntax: new MatcherSyntax(mode),
}));

const matchers = target("matchers", (random) => {
  const text = random.list(14, () => random.pick(MATCHER_PIECES)).join("");
  const { mode, syntax } = random.pick(SYNTAXES);
  return tried("matchers", `${mode} ${text}`, () => {
    for (const matcher of syntax.matchers(text, "fuzz")) {
      if (mode === "classic") continue;
      const [again] = syntax.matchers(String(matcher), "fuzz");
      same(String(again), String(matcher));
      matcher.matches("a");
    }
  });
});

const STARTED = Date.parse("2026-11-24T00:00:00Z");
const DATA = notificationData({
  receiver: "team-x",
  alerts: ["A", "<b>&'"].map((alertname, i) => ({
    labels: Labels.from({ alertname, severity: "critical" }),
    annotations: Labels.from({ summary: `it is "${alertname}"` }),
    startsAt: STARTED,
    endsAt: i * STARTED,
    updatedAt: STARTED,
    generatorURL: "http://prometheus/graph?g0.expr=up",
    timeout: false,
  })),
  groupLabels: Labels.from({ alertname: "A" }),
  routeLabels: {},
  externalUrl: "http://alertmanager:9093",
  groupKey: '{}:{alertname="A"}',
  reason: "first notification",
});

/** Texts come from configurations and are kept compiled: another set of templates now and then. */
const TEXTS_PER_ENGINE = 5_000;
let engine = createTemplates([]);
let texts = 0;

const templates = target("templates", (random) => {
  if (++texts % TEXTS_PER_ENGINE === 0) engine = createTemplates([]);
  const text = random.bend(random.pick(TEMPLATES), TEMPLATE_PIECES, 4);
  const kind = random.chance(0.5) ? "text" : "html";
  return tried("templates", `${kind} ${text}`, () => void engine[kind](text, DATA));
});

const rules = target("recurrences", (random) => {
  const text = random.bend(random.pick(RULES), RULE_PIECES, 3);
  return tried("recurrences", text, () => {
    const rule = parseRecurrence(text);
    same(formatRecurrence(parseRecurrence(formatRecurrence(rule))), formatRecurrence(rule));
    for (const { startsAt, endsAt } of nextWindows(rule, STARTED, 2))
      if (endsAt <= startsAt || endsAt <= STARTED) throw new Error("a window that is none");
  });
});

const NAMES = ["a", "alertname", "", "__proto__", "é", "0", "constructor", "a b", "\ud800", "severity"];
const TIMES = [
  "2026-11-24T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "", "2026-01-01T00:00:00.123456789+14:00", "yesterday",
]; // biome-ignore format: a list

/** Any JSON; `depth` is how deep it goes. */
function anything(random: Random, depth = 2): unknown {
  const kind = random.below(depth > 0 ? 9 : 7);
  if (kind === 0) return null;
  if (kind === 1) return random.chance(0.5);
  if (kind === 2) return random.pick([0, -1, 1e300, 0.5, 2 ** 53, random.next()]);
  if (kind <= 4) return random.pick([...NAMES, ...TIMES]);
  if (kind === 5) return `${random.pick(NAMES)}${random.pick(NAMES)}`;
  if (kind === 6) return random.pick([undefined, "x".repeat(random.below(300))]);
  if (kind === 7) return random.list(3, () => anything(random, depth - 1));
  return Object.fromEntries(random.list(3, () => [random.pick(NAMES), anything(random, depth - 1)]));
}

/** A field as it should be, or something else. */
function field(random: Random, good: () => unknown): unknown {
  return random.chance(0.8) ? good() : anything(random);
}

function record(random: Random, fields: Readonly<Record<string, () => unknown>>): unknown {
  if (random.chance(0.05)) return anything(random);
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, good]) => (random.chance(0.85) ? [[name, field(random, good)]] : [])),
  );
}

function bodies(random: Random): Readonly<Record<string, () => unknown>> {
  const text = (): string => random.pick(NAMES);
  const time = (): string =>
    random.chance(0.5) ? random.pick(TIMES) : new Date(STARTED + random.below(1e10) - 5e9).toISOString();
  const labels = (): unknown => Object.fromEntries(random.list(3, () => [text(), text()]));
  const alert = (): unknown =>
    record(random, { labels, annotations: labels, startsAt: time, endsAt: time, generatorURL: text });
  const matcher = (): unknown =>
    record(random, { name: text, value: text, isRegex: () => random.chance(0.5), isEqual: () => random.chance(0.5) });
  const about = { matchers: () => random.list(2, matcher), createdBy: text, comment: text };
  const recurrence = (): unknown =>
    random.chance(0.5)
      ? random.bend(random.pick(RULES), RULE_PIECES, 2)
      : record(random, {
          days: () => random.list(3, () => random.pick(["mon", "Sunday", "daily", ""])),
          from: () => random.pick(["00:00", "22:30", "24:00"]),
          to: () => random.pick(["06:00", "24:00", "7"]),
          timeZone: () => random.pick(["UTC", "Europe/Berlin", "x"]),
          until: time,
        });
  return {
    "/api/v2/alerts": () => random.list(3, alert),
    "/api/v2/silences": () => record(random, { ...about, id: text, startsAt: time, endsAt: time, annotations: labels }),
    "/api/v1/pharos/recurring-silences": () => record(random, { ...about, recurrence }),
    "/api/v1/pharos/receivers/r/test": alert,
  };
}

const PATHS = [
  "/api/v2/alerts",
  "/api/v2/alerts/groups",
  "/api/v2/silences",
  "/api/v2/receivers",
  "/api/v1/pharos/routes",
];
const PARAMETERS = ["filter", "receiver", "receiver_matchers", "active", "silenced", "expired", "muted", "label"];

const CONNECTIONS = 16;
const QUESTIONS = 0.3;

/** A server of its own; alerts and silences are forgotten at once, so that millions of them are no load. */
async function apiTarget(): Promise<FuzzTarget> {
  const folder = mkdtempSync(join(tmpdir(), "pharos-am-fuzz-"));
  const configFile = join(folder, "config.yml");
  writeFileSync(configFile, "route: {receiver: r, group_by: [a], group_wait: 1h}\nreceivers: [{name: r}]\n");
  const server = await createAlertmanager({
    configFile,
    storageDir: join(folder, "data"),
    listen: { host: "127.0.0.1", port: 0 },
    historyRetentionMs: 0,
    perAlertNameLimit: 100,
    maxSilences: 1000,
    recurringSilences: true,
    log: silentLogger,
  });
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const send = (method: string, path: string, body: string | undefined): Promise<{ status: number; text: string }> =>
    new Promise((resolve, reject) => {
      const headers =
        body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
      const sent = httpRequest(server.url + path, { agent, method, headers, timeout: MAX_ANSWER_MS }, (answer) => {
        let text = "";
        answer.setEncoding("utf8");
        answer.on("data", (chunk: string) => (text += chunk));
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text }));
        answer.on("error", reject);
      });
      sent.on("timeout", () => sent.destroy(new Error("no answer in time")));
      sent.on("error", reject);
      sent.end(body);
    });
  return {
    name: "API bodies",
    parallel: CONNECTIONS,
    async try(random) {
      let path: string;
      let body: string | undefined;
      if (random.chance(QUESTIONS)) {
        const pairs = random.list(3, () => [
          random.pick(PARAMETERS),
          random
            .list(6, () => random.pick(MATCHER_PIECES))
            .join("")
            .toWellFormed(),
        ]);
        path = `${random.pick(PATHS)}?${new URLSearchParams(pairs)}`;
      } else {
        const makers = bodies(random);
        path = random.pick(Object.keys(makers));
        body = JSON.stringify(makers[path]()) ?? "null";
        if (random.chance(0.1)) body = random.bend(body, ["{", "}", "[", '"', ",", "\0", "\\u", "1e999"], 2);
      }
      const input = `${path} ${body ?? ""}`;
      try {
        const { status, text } = await send(body === undefined ? "GET" : "POST", path, body);
        return status < 500 ? undefined : { target: "API bodies", input, problem: `${status}: ${text}` };
      } catch (error) {
        return { target: "API bodies", input, problem: String(error) };
      }
    },
    async [Symbol.asyncDispose]() {
      agent.destroy();
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export const TARGETS: Readonly<Record<string, () => Promise<FuzzTarget>>> = {
  templates: async () => templates,
  configs: async () => configs,
  matchers: async () => matchers,
  recurrences: async () => rules,
  api: apiTarget,
};

const MOST_FINDINGS = 10;

/** Ends early when there is enough to look at; `tried` is how many inputs there were. */
export async function fuzz(
  name: string,
  count: number,
  seed: number,
  progress: (tried: number) => void = () => {},
): Promise<{ tried: number; findings: Finding[] }> {
  await using found = await TARGETS[name]();
  const findings: Finding[] = [];
  let tried = 0;
  const work = async (random: Random): Promise<void> => {
    while (tried < count && findings.length < MOST_FINDINGS) {
      progress(++tried);
      const attempt = found.try(random);
      const finding = attempt instanceof Promise ? await attempt : attempt;
      if (finding) findings.push(finding);
    }
  };
  await Promise.all(Array.from({ length: found.parallel }, (_, i) => work(new Random(seed + i))));
  return { tried, findings };
}
