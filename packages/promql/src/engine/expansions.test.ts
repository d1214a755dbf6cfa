import { expect, it } from "vitest";
import { Expansions } from "./expansions.ts";

it("remembers what a pattern made of a value, each pattern and replacement apart", () => {
  const expansions = new Expansions();
  const pods = expansions.get("(.+)-[^-]+", "$1");
  for (let i = 0; i < 2; i++) {
    expect(pods.of("web-7d9-x2")).toBe("web-7d9");
    expect(pods.of("web")).toBeUndefined();
    expect(pods.of("")).toBeUndefined();
  }
  expect(expansions.get("(.+)-[^-]+", "$1")).toBe(pods);
  expect(expansions.get("(.+)-[^-]+", "x-$1").of("web-1")).toBe("x-web");
});

it("forgets patterns that are not used, and values when there are too many", () => {
  const expansions = new Expansions();
  const first = expansions.get("(.*)", "0");
  const second = expansions.get("(.*)", "1");
  for (let i = 2; i < 17; i++) {
    expansions.get("(.*)", String(i));
    expansions.get("(.*)", "0");
  }
  expect(expansions.get("(.*)", "0")).toBe(first);
  expect(expansions.get("(.*)", "1")).not.toBe(second);
  for (let i = 0; i < 6000; i++) expect(first.of(String(i))).toBe("0");
  expect(expansions.get("(.*)", "0")).not.toBe(first);
});

it("names what is no regular expression", () => {
  expect(() => new Expansions().get("(", "")).toThrow();
});
