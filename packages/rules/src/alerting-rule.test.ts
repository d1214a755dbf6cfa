import { Registry, silentLogger } from "@pharos/kit";
import { Labels } from "@pharos/model";
import { MemoryStorage } from "@pharos/promql";
import { beforeEach, expect, test } from "vitest";
import { AlertingRule } from "./alerting-rule.ts";
import type { RuleContext, RuleSample } from "./context.ts";
import { type AlertingRuleSpec, parseRuleFile } from "./rule-file.ts";

let samples: RuleSample[];
let context: RuleContext;

beforeEach(() => {
  samples = [];
  const storage = new MemoryStorage();
  context = {
    query: async () => ({ samples, warnings: [] }),
    appendable: { appender: () => expect.fail("an alerting rule writes nothing itself") },
    queryable: storage,
    notify: () => {},
    externalUrl: () => "http://p",
    log: silentLogger,
    registry: new Registry(),
    now: () => 0,
    resendDelay: 60_000,
    outageTolerance: 3_600_000,
    forGracePeriod: 600_000,
  };
});

function rule(settings = ""): AlertingRule {
  const text = `groups: [{name: g, rules: [{alert: Hot, expr: t > 1, labels: {severity: "{{ $labels.node }}!"}, annotations: {d: "is {{ $value }}"}${settings}}]}]`;
  const made = new AlertingRule(parseRuleFile(text, "r.yml").groups[0].rules[0] as AlertingRuleSpec);
  made.restored = true;
  return made;
}
const hot = (value = 5): RuleSample[] => [{ labels: Labels.from({ __name__: "t", node: "a" }), value }];

/** Unix ms: "never sent" must be long ago, as it is in life. */
const START = 1_700_000_000_000;

/** Evaluates so many seconds after the start; says the state, and what would be sent. */
async function step(target: AlertingRule, seconds: number, now: RuleSample[]) {
  samples = now;
  const timeMs = START + seconds * 1000;
  await target.evaluate(context, timeMs, 0, 0, Labels.empty);
  const due = target.takeDue(context, timeMs, 15_000);
  return { state: target.state, due: due.map(({ endsAt }) => (endsAt > timeMs ? "firing" : "resolved")) };
}

test("inactive, pending, firing, resolved: each is told once, until the resend delay is over", async () => {
  const target = rule(", for: 20s");
  expect(await step(target, 0, [])).toEqual({ state: "inactive", due: [] });
  expect(await step(target, 10, hot())).toEqual({ state: "pending", due: [] });
  expect(await step(target, 30, hot())).toEqual({ state: "firing", due: ["firing"] });
  expect(await step(target, 45, hot())).toEqual({ state: "firing", due: [] });
  expect(await step(target, 91, hot())).toEqual({ state: "firing", due: ["firing"] });
  expect(await step(target, 100, [])).toEqual({ state: "inactive", due: ["resolved"] });
  expect(await step(target, 110, [])).toEqual({ state: "inactive", due: [] });
});

test("an alert that comes back soon after it was over is told at once", async () => {
  const target = rule();
  expect((await step(target, 0, hot())).due).toEqual(["firing"]);
  expect((await step(target, 10, [])).due).toEqual(["resolved"]);
  expect((await step(target, 20, hot())).due).toEqual(["firing"]);
});

test("pending that does not last is never told", async () => {
  const target = rule(", for: 1m");
  await step(target, 0, hot());
  expect(await step(target, 30, [])).toEqual({ state: "inactive", due: [] });
  await step(target, 40, hot());
  expect((await step(target, 80, hot())).state).toBe("pending");
});

test("keep_firing_for bridges gaps", async () => {
  const target = rule(", keep_firing_for: 30s");
  await step(target, 0, hot());
  expect((await step(target, 10, [])).state).toBe("firing");
  expect((await step(target, 39, [])).state).toBe("firing");
  expect(await step(target, 40, [])).toEqual({ state: "inactive", due: ["resolved"] });
});

test("labels and annotations are templates over the sample; the metric's name is gone", async () => {
  const target = rule();
  await step(target, 0, hot(7));
  const [alert] = target.visible;
  expect(alert.labels.toObject()).toEqual({ alertname: "Hot", node: "a", severity: "a!" });
  expect(alert.annotations.toObject()).toEqual({ d: "is 7" });
});

test("`for` goes on after a restart from what it was, without the outage", async () => {
  const target = rule(", for: 20m");
  await step(target, 0, hot());
  const key = target.visible[0].labels.key();
  // Pending for 8 of 20 minutes when it was last seen, 100 s ago: 12 are left.
  target.restore(context, START, new Map([[key, { t: START - 100_000, activeAt: START - 580_000 }]]));
  expect((await step(target, 11 * 60, hot())).state).toBe("pending");
  expect((await step(target, 12 * 60, hot())).state).toBe("firing");
});
