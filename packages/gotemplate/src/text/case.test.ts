import { expect, test } from "vitest";
import { lowerCase, lowerRest, titleCase, upperCase } from "./case.ts";

test("upper and lower case go letter by letter, as in Go", () => {
  expect(upperCase("aß ŉ ᾳ ﬁ ǆ")).toBe("Aß ŉ ᾼ ﬁ Ǆ");
  expect(lowerCase("ΑΣ İ Ǆ")).toBe("ασ i ǆ");
});

test("titles", () => {
  const keep = (rest: string): string => rest;
  expect(titleCase("hello wORLD it's a_b 3rd", keep)).toBe("Hello WORLD It's A_b 3Rd");
  expect(titleCase("ßa ǆx ﬁn", keep)).toBe("Ssa ǅx Fin");
  expect(titleCase("ŉa ᾳa", keep)).toBe("ʼNa ᾼa");
  expect(titleCase("ABC dEF ΑΣ ΑΣΑ", lowerRest)).toBe("Abc Def Ας Ασα");
});
