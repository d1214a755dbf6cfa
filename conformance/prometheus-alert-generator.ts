/**
 * What an alert generator has to do (prometheus/compliance, alert_generator), on its own rules: states over time, when alerts
 * are sent and sent again, resolution, the order of rules in a group, templates. Time is simulated.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Registry, silentLogger } from "@pharos/kit";
import { type Alert, Labels } from "@pharos/model";
import { Engine } from "@pharos/promql";
import { AlertingRule, createRuleMetrics, parseRuleFile, type RuleContext, RuleGroup } from "@pharos/rules";
import { openDb } from "@pharos/tsdb";
import type { Suite, SuiteResult } from "./suite.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const RESEND = MINUTE;
const INTERVAL = 30 * SECOND;
const END = 35 * MINUTE;
/** A multiple of everything. */
const START = 1_700_000_100_000 - (1_700_000_100_000 % (60 * MINUTE));

/** Values over time: from each time on, relative to the start, the value that follows. */
type Curve = readonly (readonly [from: number, value: number])[];

interface Input {
  labels: Readonly<Record<string, string>>;
  curve: Curve;
}

const inputOf = (alertname: string, rulegroup: string, curve: Curve, more: Record<string, string> = {}): Input => ({
  labels: { __name__: "alert_generator_test_suite", alertname, rulegroup, ...more },
  curve,
});

const INPUTS: readonly Input[] = [
  inputOf("PendingAndFiringAndResolved_SimpleAlert", "PendingAndFiringAndResolved", [[0, 9], [MINUTE, 15], [10 * MINUTE, 9]]),
  inputOf("PendingAndResolved_AlwaysInactive_PendingAlert", "PendingAndResolved_AlwaysInactive", [[0, 9], [MINUTE, 15], [3 * MINUTE, 9]]),
  inputOf("PendingAndResolved_AlwaysInactive_InactiveAlert", "PendingAndResolved_AlwaysInactive", [[0, 9]]),
  inputOf("ZeroFor_SmallFor_ZeroFor", "ZeroFor_SmallFor", [[0, 9], [2 * MINUTE, 15], [6 * MINUTE, 9]]),
  inputOf("ZeroFor_SmallFor_SmallFor", "ZeroFor_SmallFor", [[0, 9], [2 * MINUTE, 15], [6 * MINUTE, 9]]),
  inputOf("NewAlerts_OrderCheck_Rule1", "NewAlerts_OrderCheck", [[0, 9], [MINUTE, 15], [12 * MINUTE, 9]], { variant: "one" }),
  inputOf("NewAlerts_OrderCheck_Rule1", "NewAlerts_OrderCheck", [[0, 9], [3 * MINUTE, 15], [12 * MINUTE, 9]], { variant: "two" }),
  ...["3", "1", "2"].map(
    (id): Input => ({
      labels: { __name__: "alert_generator_test_suite", rulegroup: "ZeroFor_SmallFor", for: "template", id },
      curve: [[0, Number(id) * 10]],
    }),
  ),
]; // biome-ignore format: a table

interface Sent extends Alert {
  /** Since the start. */
  at: number;
}

interface Run {
  sent: Sent[];
  /** State of each rule's alerts at each evaluation: `pending 60000`. */
  states: Map<string, string[]>;
  query(expr: string, at: number): Promise<{ labels: Labels; value: number }[]>;
}

/** Runs all groups of the file over the inputs. */
async function simulate(file: string, dir: string): Promise<{ run: Run } & AsyncDisposable> {
  const { groups: specs, errors } = parseRuleFile(readFileSync(file, "utf8"), file);
  if (errors.length > 0) throw errors[0];
  const db = await openDb({ dir });
  const engine = new Engine();
  const sent: Sent[] = [];
  const states = new Map<string, string[]>();
  let now = START;
  const query: RuleContext["query"] = async (expr, time) => {
    const { value, warnings } = await engine.instant(db, expr, time);
    if (value.type === "scalar") return { samples: [{ labels: Labels.empty, value: value.v }], warnings };
    if (value.type !== "vector") throw new Error("not a vector");
    return { samples: value.samples.map(({ labels, v, h }) => ({ labels, value: v, histogram: h })), warnings };
  };
  const context: RuleContext = {
    query,
    appendable: db,
    queryable: db,
    notify: (alerts) => void sent.push(...alerts.map((alert) => ({ ...alert, at: now - START }))),
    externalUrl: () => "http://generator.example",
    log: silentLogger,
    registry: new Registry(),
    now: () => now,
    resendDelay: RESEND,
    outageTolerance: 60 * MINUTE,
    forGracePeriod: 10 * MINUTE,
  };
  const metrics = createRuleMetrics(context.registry);
  const settings = { interval: MINUTE, queryOffset: 0, externalLabels: Labels.empty };
  const groups = specs.map((spec) => new RuleGroup(spec, settings, context, metrics, false));
  for (let at = 0; at <= END; at += 15 * SECOND) {
    now = START + at;
    const appender = db.appender();
    for (const { labels, curve } of INPUTS) {
      const value = curve.findLast(([from]) => from <= at)![1];
      appender.append(appender.series(Labels.from(labels)), now, value);
    }
    appender.commit();
    if (at % INTERVAL !== 0) continue;
    for (const group of groups) {
      await group.evaluate(now);
      for (const { rule, lastError } of group.entries) {
        if (lastError !== "") throw new Error(`${rule.name}: ${lastError}`);
        if (!(rule instanceof AlertingRule)) continue;
        const list = states.get(rule.name) ?? [];
        states.set(rule.name, list);
        for (const { state, activeAt } of rule.visible)
          list.push(`${at / SECOND} ${state} ${(activeAt - START) / SECOND}`);
      }
    }
  }
  const run: Run = { sent, states, query: async (expr, at) => (await query(expr, START + at)).samples };
  return { run, [Symbol.asyncDispose]: () => db.close() };
}

/** Times, in seconds since the start, of what was sent of an alert. */
function times(run: Run, name: string, resolved: boolean, more: Record<string, string> = {}): number[] {
  return run.sent
    .filter(({ labels }) => labels.get("alertname") === name)
    .filter(({ labels }) => Object.entries(more).every(([label, value]) => labels.get(label) === value))
    .filter(({ at, endsAt }) => endsAt - START <= at === resolved)
    .map(({ at }) => at / SECOND);
}

/** `from`, and from then on at the first evaluation after the delay, up to `to`, in seconds. */
function resends(from: number, to: number): number[] {
  const out = [from];
  // The delay has to be over, so an evaluation exactly at its end is too early.
  const step = (RESEND + INTERVAL) / SECOND;
  for (let t = from + step; t <= to; t += step) out.push(t);
  return out;
}

function spans(name: string, run: Run): Record<string, [first: number, last: number, activeAt: number]> {
  const out: Record<string, [number, number, number]> = {};
  for (const entry of run.states.get(name) ?? []) {
    const [at, state, activeAt] = entry.split(" ");
    const known = out[state];
    if (known) known[1] = Number(at);
    else out[state] = [Number(at), Number(at), Number(activeAt)];
  }
  return out;
}

async function run(folder: string): Promise<SuiteResult> {
  const result: SuiteResult = { passed: 0, total: 0, failures: [] };
  const check = (name: string, got: unknown, wanted: unknown): void => {
    result.total++;
    if (JSON.stringify(got) === JSON.stringify(wanted)) result.passed++;
    else result.failures.push(`${name}: ${JSON.stringify(got)}, not ${JSON.stringify(wanted)}`);
  };
  const dir = mkdtempSync(join(tmpdir(), "pharos-alerts-"));
  try {
    await using simulation = await simulate(join(folder, "rules.yaml"), dir);
    const all = simulation.run;
    const first = (name: string) => all.sent.find(({ labels }) => labels.get("alertname") === name);

    const simple = "PendingAndFiringAndResolved_SimpleAlert";
    check("pending, then firing after `for`", spans(simple, all), { pending: [60, 390, 60], firing: [420, 570, 60] });
    check("a firing alert is sent at once and again after the delay", times(all, simple, false), resends(420, 570));
    check("a resolved alert is sent for fifteen minutes", times(all, simple, true), resends(600, 600 + 900));
    const alert = first(simple)!;
    check("starts when it fired", (alert.startsAt - START) / SECOND, 420);
    check("ends four times the delay ahead", (alert.endsAt - alert.at - START) / SECOND, 240);
    const last = all.sent.findLast(({ labels }) => labels.get("alertname") === simple)!;
    check("ended when it was resolved", (last.endsAt - START) / SECOND, 600);
    check("labels", alert.labels.toObject(), {
      alertname: simple,
      foo: "bar",
      rulegroup: "PendingAndFiringAndResolved",
    });
    check("annotations", alert.annotations.toObject(), {
      description: "SimpleAlert is firing",
      summary: "The value is 15 15",
    });
    check("link", alert.generatorURL.startsWith("http://generator.example/graph?g0.expr=%7B__name__%3D%22alert"), true);
    const series = async (name: string, at: number) =>
      (await all.query(`${name}{alertname="${simple}"}`, at)).map(({ labels, value }) => [
        labels.get("alertstate"),
        value,
      ]);
    check("ALERTS while pending", await series("ALERTS", 3 * MINUTE), [["pending", 1]]);
    check("ALERTS while firing", await series("ALERTS", 8 * MINUTE), [["firing", 1]]);
    check("ALERTS after it", await series("ALERTS", 11 * MINUTE), []);
    check("ALERTS_FOR_STATE", await series("ALERTS_FOR_STATE", 8 * MINUTE), [["", (START + MINUTE) / SECOND]]);

    const pending = "PendingAndResolved_AlwaysInactive_PendingAlert";
    check("pending only", spans(pending, all), { pending: [60, 150, 60] });
    check("what never fired is never sent", first(pending), undefined);
    check("what is inactive is never sent", first("PendingAndResolved_AlwaysInactive_InactiveAlert"), undefined);

    const zero = "ZeroFor_SmallFor_ZeroFor";
    check("without `for` it fires at once", spans(zero, all), { firing: [120, 330, 120] });
    check("and is sent at once", times(all, zero, false), resends(120, 330));
    check("resolution of it", times(all, zero, true), resends(360, 360 + 900));
    check("queries and definitions in templates", first(zero)!.annotations.get("template_query_test"),
      "Args are: foo bar 99. first_id:1,1:10,2:20,3:30,"); // biome-ignore format: one line each
    check("numbers in templates", first(zero)!.annotations.get("template_test"),
      "1.049M 1Mi 2m 15s 95.9% 2022-01-25 12:36:43 +0000 UTC"); // biome-ignore format: one line each

    const small = "ZeroFor_SmallFor_SmallFor";
    check("with a short `for` it fires an evaluation later", spans(small, all), {
      pending: [120, 120, 120],
      firing: [150, 330, 120],
    });
    check("texts in templates", first(small)!.annotations.get("template_test"),
      "This Part IS TESTING the strings. ::1 127.0.0.1. 7815. replaced text. ."); // biome-ignore format: one line each

    const one = "NewAlerts_OrderCheck_Rule1";
    check("each series has its own alert", [
      times(all, one, false, { variant: "one" }),
      times(all, one, false, { variant: "two" }),
    ], [resends(240, 690), resends(360, 690)]); // biome-ignore format: a pair
    const two = "NewAlerts_OrderCheck_Rule2";
    check("a rule sees what those before it wrote", spans(two, all).firing, [360, 690, 360]);
    check("its labels go over those of the alerts it reads", first(two)!.labels.toObject(), {
      alertname: two, alertstate: "firing", ba_dum: "tss", foo: "baz", rulegroup: "NewAlerts_OrderCheck",
    }); // biome-ignore format: a set of labels
    check("its template sees the labels before", first(two)!.annotations.get("description"),
      "Based on ALERTS. Old alertname was NewAlerts_OrderCheck_Rule1. foo was bar."); // biome-ignore format: one line each
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  return result;
}

export const suites: Suite[] = [
  { name: "prometheus-alert-generator", data: "prometheus/compliance/alert_generator", run },
];
