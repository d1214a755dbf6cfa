/** Upstream's timed scenarios, in real time, all at once: what is posted when, and which notifications must arrive when. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createAlertmanager } from "@pharos/alertmanager";
import { silentLogger } from "@pharos/kit";
import { parseDuration } from "@pharos/model";
import { freePort, peersFolder, RealAlertmanager } from "./alertmanager/real.ts";
import type { Suite } from "./suite.ts";

interface ScenarioAlert {
  labels: Record<string, string>;
  annotations?: Record<string, string>;
  starts_at?: number;
  ends_at?: number;
}

interface ScenarioSilence {
  id: string;
  matchers: { name: string; value: string; isRegex: boolean; isEqual: boolean }[];
  starts_at: number;
  ends_at: number;
}

interface Action {
  at: number;
  push?: ScenarioAlert[];
  set_silence?: ScenarioSilence;
  expire_silence?: string;
  do?: "reload";
}

interface Scenario {
  name: string;
  config: string;
  cluster_size: number;
  tolerance_s: number;
  flags?: string[];
  actions: Action[];
  expect: { collector: string; between: [number, number]; alerts: ScenarioAlert[] }[];
  webhook_behaviour?: Record<string, string>;
}

interface Received {
  at: number;
  alerts: { labels: Record<string, string>; annotations: Record<string, string>; startsAt: string; endsAt: string }[];
}

const START_MS = 300;
const ATTEMPTS_ALONE = 4;

/** Webhook collectors by name; times are seconds of the scenario. */
class Collectors implements AsyncDisposable {
  readonly #servers = new Map<string, Server>();
  readonly received = new Map<string, Received[]>();
  readonly #clock: () => number;
  readonly #behaviour: Record<string, string>;

  constructor(clock: () => number, behaviour: Record<string, string>) {
    this.#clock = clock;
    this.#behaviour = behaviour;
  }

  async address(name: string): Promise<string> {
    let server = this.#servers.get(name);
    if (!server) {
      this.received.set(name, []);
      server = createServer(async (request, response) => {
        let text = "";
        for await (const chunk of request) text += chunk;
        const at = this.#clock();
        const behaviour = this.#behaviour[name] ?? "";
        const until = Number(/while t < ([\d.]+) s/.exec(behaviour)?.[1] ?? 0);
        if (at < until) {
          const wait = Number(/sleeps ([\d.]+) s/.exec(behaviour)?.[1] ?? 0);
          await sleep(wait * 1000);
          response.writeHead(500).end();
          return;
        }
        this.received.get(name)!.push({ at, alerts: JSON.parse(text).alerts });
        response.end();
      });
      this.#servers.set(name, server);
      await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
    }
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers.values()) {
      server.closeAllConnections();
      server.close();
    }
  }
}

function cluster(name: string, port: number, peers: string[]) {
  return {
    listen: { host: "127.0.0.1", port }, name, peers, peerTimeout: 15_000, gossipInterval: 200, pushPullInterval: 60_000, probeInterval: 1_000,
    probeTimeout: 500, tcpTimeout: 10_000, settleTimeout: 0, reconnectInterval: 10_000, reconnectTimeout: 60_000,
  }; // biome-ignore format: a table
}

/** What a scenario runs against. */
interface Member extends AsyncDisposable {
  readonly url: string;
}

/** With `PHAROS_ACCEPTANCE=real` the scenarios run against the real one: that proves the runner. */
const isReal = process.env.PHAROS_ACCEPTANCE === "real" && peersFolder() !== undefined;

async function startMember(scenario: Scenario, i: number, ports: readonly number[], folder: string): Promise<Member> {
  const configFile = join(folder, "alertmanager.yml");
  const storageDir = join(folder, `data-${i}`);
  const addresses = ports.map((port) => `127.0.0.1:${port}`);
  const isCluster = ports.length > 1;
  if (isReal) {
    const flags = isCluster
      ? [
          `--cluster.listen-address=${addresses[i]}`,
          "--cluster.settle-timeout=0s",
          ...addresses.map((one) => `--cluster.peer=${one}`),
        ]
      : [];
    return RealAlertmanager.start({ configFile, storageDir, flags: [...flags, ...pairs(scenario.flags ?? [])] });
  }
  const flagAt = (scenario.flags ?? []).indexOf("--dispatch.start-delay");
  return createAlertmanager({
    configFile,
    storageDir,
    listen: { host: "127.0.0.1", port: 0 },
    log: silentLogger,
    dispatchStartDelayMs: flagAt < 0 ? undefined : parseDuration(scenario.flags![flagAt + 1]),
    cluster: isCluster ? cluster(`peer-${i}`, ports[i], addresses) : undefined,
  });
}

const pairs = (flags: readonly string[]) =>
  flags.filter((_, i) => i % 2 === 0).map((flag, i) => `${flag}=${flags[2 * i + 1]}`);

async function runScenario(scenario: Scenario, ready: () => Promise<void>): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "pharos-acceptance-"));
  let begun = 0;
  const clock = () => (performance.now() - begun) / 1000;
  await using collectors = new Collectors(clock, scenario.webhook_behaviour ?? {});
  let config = scenario.config;
  for (const [, name] of scenario.config.matchAll(/\{\{(\w+)\}\}/g))
    config = config.replaceAll(`{{${name}}}`, await collectors.address(name));
  const configFile = join(folder, "alertmanager.yml");
  writeFileSync(configFile, config);
  const members: Member[] = [];
  const problems: string[] = [];
  try {
    const ports: number[] = [];
    for (let i = 0; i < scenario.cluster_size; i++) ports.push(await freePort());
    for (const i of ports.keys()) members.push(await startMember(scenario, i, ports, folder));
    // Connections and code that runs for the first time must not count.
    for (const member of members)
      await fetch(`${member.url}/api/v2/alerts`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: "[]",
      });
    // A start delay counts from the start of the process: that scenario waits for nobody.
    if (scenario.flags) void ready();
    else await ready();
    begun = performance.now();
    const epoch = Date.now();
    const moment = (seconds: number) => new Date(epoch + seconds * 1000).toISOString();
    const ids = new Map<string, string>();
    const call = async (member: Member, method: string, path: string, body?: unknown) => {
      const answer = await fetch(member.url + path, {
        method,
        ...(body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
      });
      if (!answer.ok) problems.push(`${scenario.name}: ${method} ${path}: ${answer.status} ${await answer.text()}`);
      return answer;
    };
    const act = async (action: Action) => {
      await sleep(Math.max(0, action.at - clock()) * 1000);
      if (action.push) {
        const body = action.push.map(({ labels, annotations, starts_at: starts, ends_at: ends }) => ({
          labels,
          annotations,
          // Upstream's harness leaves out a start before the scenario's.
          ...(starts === undefined || starts < 0 ? {} : { startsAt: moment(starts) }),
          ...(ends === undefined ? {} : { endsAt: moment(ends) }),
        }));
        for (const member of members) await call(member, "POST", "/api/v2/alerts", body);
      }
      if (action.set_silence) {
        const { id, matchers, starts_at: starts, ends_at: ends } = action.set_silence;
        const body = { matchers, startsAt: moment(starts), endsAt: moment(ends), createdBy: "test", comment: "test" };
        const answer = await call(members[0], "POST", "/api/v2/silences", body);
        ids.set(id, ((await answer.json()) as { silenceID: string }).silenceID);
      }
      if (action.expire_silence) await call(members[0], "DELETE", `/api/v2/silence/${ids.get(action.expire_silence)}`);
      if (action.do === "reload") for (const member of members) await call(member, "POST", "/-/reload");
    };
    // Actions of one moment keep their order.
    const byMoment = Map.groupBy(scenario.actions, ({ at }) => at);
    await Promise.all(
      [...byMoment.values()].map(async (list) => {
        for (const action of list) await act(action);
      }),
    );
    // Scenarios repeat fast: what comes after the last window is not theirs.
    const end = Math.max(...scenario.expect.map(({ between }) => between[1]));
    await sleep(Math.max(0, end - clock()) * 1000);
    problems.push(...compare(scenario, collectors.received, epoch / 1000));
  } finally {
    await Promise.all(members.map((member) => member[Symbol.asyncDispose]()));
    rmSync(folder, { recursive: true, force: true });
  }
  return problems;
}

function sameAlert(got: Received["alerts"][number], want: ScenarioAlert, epoch: number, tolerance: number): boolean {
  const seconds = (text: string) => Date.parse(text) / 1000 - epoch;
  const isNever = got.endsAt.startsWith("0001-");
  const near = (a: number, b: number) => Math.abs(a - b) <= tolerance;
  if (JSON.stringify(Object.entries(got.labels).sort()) !== JSON.stringify(Object.entries(want.labels).sort()))
    return false;
  if (
    JSON.stringify(Object.entries(got.annotations).sort()) !==
    JSON.stringify(Object.entries(want.annotations ?? {}).sort())
  )
    return false;
  if (want.starts_at !== undefined && !near(seconds(got.startsAt), want.starts_at)) return false;
  return want.ends_at === undefined ? isNever : !isNever && near(seconds(got.endsAt), want.ends_at);
}

function compare(
  { name, expect, tolerance_s: tolerance }: Scenario,
  received: ReadonlyMap<string, Received[]>,
  epoch: number,
): string[] {
  const problems: string[] = [];
  for (const [collector, list] of received) {
    const wanted = expect.filter((one) => one.collector === collector);
    const count = (lists: { alerts: unknown[] }[]) => lists.reduce((sum, { alerts }) => sum + alerts.length, 0);
    if (count(list) !== count(wanted))
      problems.push(`${name}: ${collector} received ${count(list)} alerts, want ${count(wanted)}`);
    for (const { between, alerts } of wanted) {
      // Upstream's own rule: nothing at all may arrive.
      if (alerts.length === 0) {
        if (list.some((one) => one.at >= between[0] && one.at <= between[1]))
          problems.push(`${name}: ${collector}: something arrived between ${between}`);
        continue;
      }
      const found = list.some(
        (one) =>
          one.at >= between[0] &&
          one.at <= between[1] &&
          one.alerts.length === alerts.length &&
          alerts.every((want) => one.alerts.some((got) => sameAlert(got, want, epoch, tolerance))),
      );
      if (!found)
        problems.push(
          `${name}: ${collector}: no notification of ${JSON.stringify(alerts)} between ${between}; received ${JSON.stringify(list)}`,
        );
    }
  }
  return problems;
}

/**
 * Two scenarios do not pass against the real one as they stand: the waits between tries are random, so the window of TestRetry is
 * made wide enough for all of them; and TestColdStart wants a start that nobody posted.
 */
function mended(scenario: Scenario): Scenario {
  if (scenario.name === "TestRetry")
    return {
      ...scenario,
      expect: scenario.expect.map((one) => (one.between[0] === 6 ? { ...one, between: [4.5, 7.9] } : one)),
    };
  if (scenario.name !== "TestColdStart") return scenario;
  const expect = scenario.expect.map((one) => ({ ...one, alerts: one.alerts.map(({ labels }) => ({ labels })) }));
  return { ...scenario, expect };
}

export const suites: Suite[] = [
  {
    name: "alertmanager-acceptance",
    data: "alertmanager/acceptance",
    async run(path) {
      const scenarios = (JSON.parse(readFileSync(join(path, "scenarios.json"), "utf8")) as Scenario[]).map(mended);
      // All begin together, when the last one has started.
      let waiting = scenarios.length;
      let begin: () => void = () => {};
      const begun = new Promise<void>((resolve) => (begin = resolve));
      const ready = () => {
        if (--waiting === 0) setTimeout(begin, START_MS);
        return begun;
      };
      const run = (scenario: Scenario, start: () => Promise<void>) =>
        runScenario(scenario, start).catch((error) => [`${scenario.name}: ${(error as Error).message}`]);
      const results = await Promise.all(scenarios.map((scenario) => run(scenario, ready)));
      // Times are compared within 150 ms: what fails beside others on a busy machine is given the machine alone.
      for (const [i, scenario] of scenarios.entries())
        for (let attempt = 0; attempt < ATTEMPTS_ALONE && results[i].length > 0; attempt++)
          results[i] = await run(scenario, () => sleep(START_MS));
      const failed = results.filter((problems) => problems.length > 0);
      return { passed: scenarios.length - failed.length, total: scenarios.length, failures: failed.flat() };
    },
  },
];
