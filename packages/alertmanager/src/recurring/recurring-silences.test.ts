import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@pharos/kit";
import { Labels } from "@pharos/model";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Silences, silenceState } from "../silences.ts";
import { parseRecurrence } from "./recurrence.ts";
import { RecurringSilences } from "./recurring-silences.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let folder: string;
let now: number;
const open: Disposable[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pharos-am-recurring-"));
  now = Date.parse("2026-11-24T12:00:00Z");
});
afterEach(() => {
  for (const one of open.splice(0)) one[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

function replica(name: string, options: { maxSilences?: number } = {}) {
  const silences = new Silences({
    path: join(folder, name),
    retention: 5 * DAY_MS,
    now: () => now,
    log: silentLogger,
    ...options,
  });
  const recurring = new RecurringSilences({ silences, now: () => now, log: silentLogger });
  silences.changed = (silence) => recurring.changed(silence);
  open.push(recurring, silences);
  return { silences, recurring };
}

const INPUT = {
  matcherSets: [[{ name: "job", value: "backup", isRegex: false, isEqual: true }]],
  createdBy: "me",
  comment: "nightly",
};
const NIGHTLY = parseRecurrence("daily 22:00-04:00 UTC");
const WEEKLY = parseRecurrence("tue 10:00-14:00 UTC");
const LABELS = Labels.from({ job: "backup" });

test("each window is a silence of its own, made before the one in front of it is over", () => {
  const { silences, recurring } = replica("a");
  const id = recurring.add(INPUT, NIGHTLY);
  expect(silences.size).toBe(1);
  expect(silences.matching(LABELS, now)).toEqual([]);
  const held: number[] = [];
  for (let hour = 0; hour < 72; hour++) {
    now += HOUR_MS;
    recurring.check();
    if (silences.matching(LABELS, now).length === 1) held.push(new Date(now).getUTCHours());
    const future = silences.all().filter((silence) => silence.startsAt > now);
    expect(future).toHaveLength(1);
  }
  expect(held).toEqual([22, 23, 0, 1, 2, 3, 22, 23, 0, 1, 2, 3, 22, 23, 0, 1, 2, 3]);
  expect(recurring.list()).toMatchObject([{ id, state: "pending", comment: "nightly" }]);
});

test("a series is found again after a restart, although nothing else is stored", () => {
  const first = replica("a");
  const id = first.recurring.add(INPUT, WEEKLY);
  expect(first.silences.matching(LABELS, now)).toHaveLength(1);
  for (const one of open.splice(0)) one[Symbol.dispose]();
  // Down for a month.
  now += 28 * DAY_MS;
  const { silences, recurring } = replica("a");
  recurring.check();
  expect(recurring.get(id)?.state).toBe("active");
  expect(silences.matching(LABELS, now)).toHaveLength(1);
});

test("who ends a silence of a series, knowing nothing of it, ends the series", async () => {
  const { silences, recurring } = replica("a");
  const id = recurring.add(INPUT, WEEKLY);
  const [current] = silences.all();
  silences.expire(current.id);
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  expect(silences.all().every((silence) => silenceState(silence, now) === "expired")).toBe(true);
  now += 7 * DAY_MS;
  recurring.check();
  expect(silences.matching(LABELS, now)).toEqual([]);
  expect(recurring.get(id)).toMatchObject({ state: "expired", windows: [] });
});

test("a window is skipped, also when it lies far ahead, and the next one comes", () => {
  const { silences, recurring } = replica("a");
  now += 3 * HOUR_MS;
  const id = recurring.add(INPUT, WEEKLY);
  const skipped = recurring.skip(id);
  expect(skipped && silenceState(skipped, now)).toBe("expired");
  expect(recurring.get(id)?.windows.map((window) => window.skipped)).toEqual([true, false, false, false, false]);
  for (let day = 0; day < 14; day++) {
    now += DAY_MS;
    recurring.check();
    silences.snapshot();
    now -= 2 * HOUR_MS;
    const holds = silences.matching(LABELS, now).length;
    now += 2 * HOUR_MS;
    expect(holds, new Date(now).toISOString()).toBe(day === 13 ? 1 : 0);
  }
});

test("another end or matcher given to one of them by the plain API keeps the series alive", () => {
  const { silences, recurring } = replica("a");
  recurring.add(INPUT, WEEKLY);
  const [{ id, startsAt, endsAt }] = silences.all();
  // In place: this window alone.
  expect(silences.set({ ...INPUT, id, startsAt, endsAt: endsAt + HOUR_MS, comment: "longer" })).toBe(id);
  recurring.check();
  expect(recurring.list()).toHaveLength(1);
  // The past must not change: another silence, another series.
  const matcherSets = [[{ name: "job", value: "other", isRegex: false, isEqual: true }]];
  const changed = silences.set({ ...INPUT, id, startsAt: now, endsAt, matcherSets });
  expect(changed).not.toBe(id);
  recurring.check();
  now += 7 * DAY_MS;
  recurring.check();
  expect(silences.matching(LABELS, now)).toEqual([]);
  expect(silences.matching(Labels.from({ job: "other" }), now)).toHaveLength(1);
  expect(recurring.list().map(({ state }) => state)).toEqual(["expired", "active"]);
});

test("a silence made from one that is over belongs to no series", () => {
  const { silences, recurring } = replica("a");
  recurring.add(INPUT, WEEKLY);
  const [first] = silences.all();
  now += DAY_MS;
  const { annotations } = first;
  const again = silences.set({ ...INPUT, annotations, id: first.id, startsAt: now, endsAt: now + HOUR_MS });
  expect(silences.get(again!)?.annotations).toEqual({});
});

test("replicas that make a window at once make one silence, and none brings back what another has ended", () => {
  const [a, b] = [replica("a"), replica("b")];
  const id = a.recurring.add(INPUT, NIGHTLY);
  const exchange = (): void => {
    for (const entry of a.silences.encoded()) b.silences.merge(entry);
    for (const entry of b.silences.encoded()) a.silences.merge(entry);
  };
  exchange();
  now = Date.parse("2026-11-24T23:00:00Z");
  for (const { recurring } of [a, b]) recurring.check();
  exchange();
  expect(
    a.silences
      .all()
      .map((silence) => silence.id)
      .sort(),
  ).toEqual(
    b.silences
      .all()
      .map((silence) => silence.id)
      .sort(),
  );
  expect(a.silences.size).toBe(2);
  // `b` is cut off; `a` makes the next one and skips it; `b` makes it, too.
  now = Date.parse("2026-11-25T23:00:00Z");
  a.recurring.check();
  const skipped = a.recurring.skip(id)!;
  now += HOUR_MS;
  b.recurring.check();
  expect(b.silences.matching(LABELS, now)).toHaveLength(1);
  exchange();
  for (const { silences } of [a, b]) expect(silenceState(silences.get(skipped.id)!, now)).toBe("expired");
});

test("the most silences there may be is respected, and a rule that nobody can read harms nothing", () => {
  const { silences, recurring } = replica("a", { maxSilences: 1 });
  expect(() => recurring.add(INPUT, WEEKLY)).toThrow("exceeded maximum number of silences");
  expect(silences.matching(LABELS, now)).toEqual([]);
  const other = replica("b");
  other.silences.set({
    ...INPUT,
    id: "",
    startsAt: now,
    endsAt: now + HOUR_MS,
    annotations: { pharos_recurrence: "sometimes", pharos_recurrence_id: "x" },
  });
  other.recurring.check();
  expect(other.recurring.list()).toEqual([]);
  expect(other.silences.size).toBe(1);
  expect(silences.size).toBe(1);
});
