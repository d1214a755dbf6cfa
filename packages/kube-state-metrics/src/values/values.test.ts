import { UserError } from "@pharos/model";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { filterFor, KeyFilter, parseAllowList } from "./allow-list.ts";
import { parseSchedule } from "./cron.ts";
import { scaledIntOrPercent } from "./int-or-percent.ts";
import { mapLabels } from "./label-names.ts";
import { quantityApproximate, quantityUnits, quantityValue } from "./quantity.ts";
import { emitContainerResources, emitNodeResources } from "./resource-units.ts";
import { unixSeconds } from "./time.ts";

describe("quantities", () => {
  test.each([
    ["1", 1, 1],
    ["500m", 1, 0.5],
    ["1500m", 2, 1.5],
    ["1k", 1000, 1000],
    ["2.1G", 2_100_000_000, 2_100_000_000],
    ["1Gi", 1_073_741_824, 1_073_741_824],
    ["0.5Mi", 524_288, 524_288],
    ["1e3", 1000, 1000],
    ["2E", 2e18, 2e18],
    ["1E-3", 1, 0.001],
    ["100n", 1, 0.001],
    [".5", 1, 0.5],
    ["+3", 3, 3],
    ["-1500m", -2, -1.5],
    ["0", 0, 0],
    ["0e99999", 0, 0],
    ["9223372036854775807", 2 ** 63, 2 ** 63],
    ["1e99999", 2 ** 63, 2 ** 63],
    ["1e-99999", 1, 0.001],
  ])("%s", (text, units, value) => {
    expect(quantityUnits(text)).toBe(units);
    expect(quantityValue(text)).toBe(value);
  });

  test("what is none is NaN", () => {
    for (const text of ["", ".", "x", "1 Gi", "1gi", "1Kb", "--1", "1e", "NaN", "1".repeat(1000)]) {
      expect(quantityUnits(text)).toBeNaN();
      expect(quantityValue(text)).toBeNaN();
    }
  });

  test("approximations are computed the way Go does it", () => {
    expect(quantityApproximate("1.1")).toBe(11 * 0.1);
    expect(quantityApproximate("25m")).toBe(25 * 0.001);
    expect(quantityApproximate("5Gi")).toBe(5 * 2 ** 30);
  });

  test("any text is read in time, and round numbers come back", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        expect(typeof quantityValue(text)).toBe("number");
      }),
      { seed: 7, numRuns: 300 },
    );
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 40), max: 2 ** 40 }), (n) => {
        expect(quantityUnits(String(n))).toBe(n);
        expect(quantityValue(`${n}m`)).toBe(n / 1000);
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});

describe("schedules", () => {
  const next = (schedule: string, after: string, zone?: string): string | undefined => {
    const time = parseSchedule(schedule, zone)!.next(Date.parse(after) / 1000);
    return time === undefined ? undefined : new Date(time * 1000).toISOString();
  };

  test.each([
    ["0 */6 * * *", "2018-03-11T04:34:56Z", "UTC", "2018-03-11T06:00:00.000Z"],
    ["0 */6 * * *", "2018-03-11T04:34:56Z", "Asia/Singapore", "2018-03-11T10:00:00.000Z"],
    ["*/15 * * * *", "2024-12-31T23:59:59Z", "UTC", "2025-01-01T00:00:00.000Z"],
    ["30 4 29 feb ?", "2023-03-01T00:00:00Z", "UTC", "2024-02-29T04:30:00.000Z"],
    ["0 0 * * 7", "2024-05-01T00:00:00Z", "UTC", "2024-05-05T00:00:00.000Z"],
    ["0 0 * * fri-mon", "2024-05-01T00:00:00Z", "UTC", "2024-05-03T00:00:00.000Z"],
    ["0 22-2 * * *", "2024-05-01T02:30:00Z", "UTC", "2024-05-01T22:00:00.000Z"],
    ["5/20 * * * *", "2024-05-01T00:06:00Z", "UTC", "2024-05-01T00:25:00.000Z"],
    // Day of month and day of week must both match: the next Monday that is a first.
    ["0 0 1 * 1", "2024-05-02T00:00:00Z", "UTC", "2024-07-01T00:00:00.000Z"],
    ["@weekly", "2024-05-01T00:00:00Z", "UTC", "2024-05-05T00:00:00.000Z"],
    ["@every 1h30m", "2024-05-01T00:00:00.5Z", "UTC", "2024-05-01T01:30:00.000Z"],
    ["0 12 * * *", "2024-01-15T00:00:00Z", "America/New_York", "2024-01-15T17:00:00.000Z"],
    // Clocks skip 02:00 to 03:00 on that day: the hour left out is made up for.
    ["30 2 * * *", "2024-03-10T05:00:00Z", "America/New_York", "2024-03-10T07:30:00.000Z"],
    ["0 0 * * *", "2024-11-03T05:00:00Z", "America/New_York", "2024-11-04T05:00:00.000Z"],
  ])("%s after %s in %s", (schedule, after, zone, expected) => {
    expect(next(schedule, after, zone)).toBe(expected);
  });

  test("a zone may stand in the schedule; none that never comes", () => {
    expect(next("CRON_TZ=Asia/Tokyo 0 9 * * *", "2024-05-01T01:00:00Z")).toBe("2024-05-02T00:00:00.000Z");
    expect(next("0 0 31 2 *", "2024-05-01T00:00:00Z", "UTC")).toBeUndefined();
    expect(next("@manual", "2024-05-01T00:00:00Z", "UTC")).toBeUndefined();
  });

  test.each([
    "",
    "* * * *",
    "* * * * * *",
    "60 * * * *",
    "*/0 * * * *",
    "*/60 * * * *",
    "0 1 */32,1-7 * 3",
    "0 0 L * *",
    "0 0 * * 1#2",
    "1-2-3 * * * *",
    "1/2/3 * * * *",
    "@every 10ms",
    "@every -1h",
    "@sometimes",
    "TZ=Europe/Berlin",
    "a * * * *",
  ])("%j is none", (text) => {
    expect(parseSchedule(text, "UTC")).toBeUndefined();
  });

  test("zones nobody knows are refused, offsets too", () => {
    for (const zone of ["Invalid/Zone", "+01:00", "", "Europe/Ber lin"]) {
      expect(parseSchedule("* * * * *", zone)).toBeUndefined();
    }
  });

  test("any text is understood or not, and what comes next is later", () => {
    const field = fc.stringMatching(/^[*?0-9,/-]{1,6}$/);
    fc.assert(
      fc.property(fc.tuple(field, field, field, field, field), fc.integer({ min: 0, max: 4e9 }), (fields, time) => {
        const then = parseSchedule(fields.join(" "), "UTC")?.next(time);
        if (then !== undefined) expect(then).toBeGreaterThan(time);
      }),
      { seed: 11, numRuns: 60 },
    );
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (text) => {
        parseSchedule(text, "UTC");
      }),
      { seed: 11, numRuns: 300 },
    );
  });
});

describe("labels", () => {
  test("names in snake case, conflicts numbered, never a name that is taken", () => {
    expect(mapLabels("label", { "app.kubernetes.io/partOf": "x", "9a": "y" })).toEqual([
      "label_9a",
      "y",
      "label_app_kubernetes_io_part_of",
      "x",
    ]);
    expect(mapLabels("label", { "a.b": "1", "a-b": "2", "A_b.conflict1": "3" })).toEqual([
      "label_a_b_conflict1",
      "3",
      "label_a_b_conflict2",
      "2",
      "label_a_b_conflict3",
      "1",
    ]);
    expect(mapLabels("label", undefined)).toEqual([]);
  });

  test("no name twice, whatever the keys", () => {
    const key = fc.stringMatching(/^[aA._-]{0,4}(conflict[12])?$/);
    fc.assert(
      fc.property(fc.dictionary(key, fc.constant("v")), (map) => {
        const names = mapLabels("l", map).filter((_text, i) => i % 2 === 0);
        expect(new Set(names).size).toBe(names.length);
      }),
      { seed: 3, numRuns: 500 },
    );
  });

  test("allow lists: all, exact, one wildcard", () => {
    const map = { app: "1", "team.io/a": "2", "team.io/b": "3" };
    const keys = (allowed: string[]) => new KeyFilter(allowed).labels("l", map).filter((_text, i) => i % 2 === 0);
    expect(keys(["*"])).toHaveLength(3);
    expect(keys(["app", "*"])).toEqual(["l_app"]);
    expect(keys(["team.io/*"])).toEqual(["l_team_io_a", "l_team_io_b"]);
    expect(keys(["*/b"])).toEqual(["l_team_io_b"]);
    expect(keys(["*team*"])).toEqual([]);
    expect(keys(["toString"])).toEqual([]);
  });

  test("the flag's form", () => {
    const list = parseAllowList("pods=[app, team.io/*],namespaces=[*],nodes=[]", "f");
    expect([...list]).toEqual([
      ["pods", ["app", "team.io/*"]],
      ["namespaces", ["*"]],
      ["nodes", []],
    ]);
    expect(filterFor(list, "nodes")).toBeUndefined();
    expect(filterFor(list, "secrets")).toBeUndefined();
    expect(filterFor(parseAllowList("*=[a]", "f"), "secrets")).toBeDefined();
    expect(parseAllowList("", "f").size).toBe(0);
    for (const bad of [
      "pods",
      "pods=",
      "pods=[a",
      "pods=[a],",
      ",pods=[a]",
      "pods=[a]nodes=[b]",
      "=[a]",
      "pods=[a,]",
    ]) {
      expect(() => parseAllowList(bad, "f"), bad).toThrow(UserError);
    }
    expect(() => parseAllowList("pods=[*a*]", "metric-labels-allowlist")).toThrow("only one wildcard");
  });

  test("any text is a list or a complaint", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a=,[\]*. ]{0,30}$/), (text) => {
        try {
          for (const [resource, keys] of parseAllowList(text, "f")) {
            expect(resource).not.toMatch(/[[\],=]/);
            expect(keys).not.toContain("");
          }
        } catch (error) {
          expect(error).toBeInstanceOf(UserError);
        }
      }),
      { seed: 5, numRuns: 1000 },
    );
  });
});

test("numbers or percentages", () => {
  expect(scaledIntOrPercent(3, 10, Math.floor)).toBe(3);
  expect(scaledIntOrPercent("25%", 10, Math.floor)).toBe(2);
  expect(scaledIntOrPercent("25%", 10, Math.ceil)).toBe(3);
  expect(scaledIntOrPercent("25", 10, Math.ceil)).toBeUndefined();
  expect(scaledIntOrPercent(undefined, 10, Math.ceil)).toBeUndefined();
  expect(scaledIntOrPercent(1, null, Math.ceil)).toBeUndefined();
});

test("units of resources", () => {
  const seen: string[] = [];
  const emit = (value: number, labels: readonly (string | undefined)[] = []): void =>
    void seen.push(`${labels.at(-3)} ${labels.at(-1)} ${value}`);
  const list = {
    cpu: "250m",
    memory: "1Ki",
    pods: "110",
    "hugepages-2Mi": "4Mi",
    "attachable-volumes-aws-ebs": "39",
    "nvidia.com/gpu": 2,
    "kubernetes.io/batch": "1",
    custom: "5",
  };
  emitNodeResources(list, emit);
  expect(seen).toEqual([
    "cpu core 0.25",
    "memory byte 1024",
    "pods integer 110",
    "hugepages_2Mi byte 4194304",
    "attachable_volumes_aws_ebs byte 39",
    "nvidia_com_gpu integer 2",
  ]);
  seen.length = 0;
  emitContainerResources({ pods: "1", cpu: "1" }, emit, "c", undefined);
  expect(seen).toEqual(["cpu core 1"]);
});

test("times are cut to seconds; an absent one is Go's zero time", () => {
  expect(unixSeconds("2017-07-14T02:40:00.999999Z")).toBe(1.5e9);
  expect(unixSeconds("2017-07-14T04:40:00+02:00")).toBe(1.5e9);
  expect(unixSeconds(null)).toBe(-62_135_596_800);
});
