import { expect, test } from "vitest";
import { checkTemplate } from "./check.ts";
import { fuzzTemplate, random } from "./inputs.ts";

test("any text parses and runs, or fails with a TemplateError, within its limits", () => {
  const next = random(20_260_101);
  const endings = new Map<string, number>();
  for (let i = 0; i < 6_000; i++) {
    const text = fuzzTemplate(next, 0.01);
    const isHtml = next() < 0.5;
    try {
      const ending = checkTemplate(text, isHtml).code ?? "ran";
      endings.set(ending, (endings.get(ending) ?? 0) + 1);
    } catch (error) {
      throw new Error(`${isHtml ? "html" : "text"} ${JSON.stringify(text)}`, { cause: error });
    }
  }
  // A fuzz test whose inputs all fail at once tests little.
  for (const ending of ["ran", "gotemplate.parse", "gotemplate.exec", "gotemplate.escape"]) {
    expect(endings.get(ending), ending).toBeGreaterThan(20);
  }
  expect(endings.get("gotemplate.limit"), "limit").toBeGreaterThan(0);
});

test("the same seed gives the same texts", () => {
  const texts = (seed: number): string[] => {
    const next = random(seed);
    return Array.from({ length: 50 }, () => fuzzTemplate(next));
  };
  expect(texts(5)).toEqual(texts(5));
  expect(texts(5)).not.toEqual(texts(6));
});
