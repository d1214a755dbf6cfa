import { expect, test } from "vitest";
import { readRule, ruleText } from "./recurring-rule.ts";

test("rules are told as people say them", () => {
  expect(ruleText("daily 22:00-06:00 UTC")).toBe("every day 22:00–06:00 (UTC)");
  expect(ruleText("mon,tue,wed,thu,fri 09:00-17:00 Europe/Berlin")).toBe("Mon–Fri 09:00–17:00 (Europe/Berlin)");
  expect(ruleText("sat,sun 00:00-24:00 UTC until 2026-12-31T00:00:00.000Z")).toBe(
    "Sat, Sun 00:00–24:00 (UTC), until 2026-12-31",
  );
  expect(ruleText("mon,wed,fri 01:00-02:00 UTC since 2026-12-01T00:00:00.000Z")).toBe(
    "Mon, Wed, Fri 01:00–02:00 (UTC), from 2026-12-01",
  );
  expect(ruleText("of a later version")).toBe("of a later version");
});

test("a rule is read into what the form shows", () => {
  expect(readRule("daily 22:00-24:00 UTC")?.days).toHaveLength(7);
  expect(readRule("sat 22:00-06:00 UTC until 2026-12-31T00:00:00.000Z")).toEqual({
    days: ["sat"],
    from: "22:00",
    to: "06:00",
    timeZone: "UTC",
    since: "",
    until: "2026-12-31T00:00:00.000Z",
  });
});
