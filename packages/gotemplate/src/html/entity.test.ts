import { expect, test } from "vitest";
import { decodeEntities } from "./entity.ts";

test.each([
  ["a &lt; b", "a < b"],
  ["&lt &ltx &ampamp;", "< <x &amp;"],
  ["&notit; &notin;", "¬it; ∉"],
  ["&NewLine;&Tab;&lpar;&rpar;", "\n\t()"],
  ["&#60;&#x3C;&#X3c;&#060", "<<<<"],
  ["&#128;&#x9f;", "€Ÿ"],
  ["&#0;&#xd800;&#x110000;&#x;", "\ufffd\ufffd\ufffd\ufffd"],
  ["& &; &# &#; &#7 &nosuch; &nosuch", "& &; &# &#; &#7 &nosuch; &nosuch"],
  ["&fjlig;&NotEqualTilde;", "fj≂̸"],
  ["&#x100000041;", "A"],
])("%s", (html, want) => {
  expect(decodeEntities(html)).toBe(want);
});
