import { UserError } from "@pharos/model";
import { describe, expect, it } from "vitest";
import { runPromqltest } from "./run.ts";

async function messages(text: string): Promise<string[]> {
  const { failures } = await runPromqltest([{ name: "own", text }]);
  return failures.map(({ message }) => message);
}

const LOAD = 'load 1m\n  m{a="1"} 1 2 3\n\n';

describe("runPromqltest", () => {
  it.each([
    ['eval instant at 0 m\n  m{a="1"} 2', "expected 2 but got 1"],
    ["eval instant at 0 m", "unexpected metric"],
    ['eval instant at 0 m\n  m{a="1"} 1\n  m{a="2"} 1', 'expected metric {__name__="m", a="2"} not found'],
    ["eval instant at 0 m\n  expect fail", "expected error but got none"],
    ['eval instant at 0 m\n  expect warn\n  m{a="1"} 1', "expected warn annotations but none"],
    ["eval instant at 0 1 + 1\n  3", "expected 3 but got 2"],
    ['eval instant at 2m rate(m[2m])\n  expect no_info\n  {a="1"} 0.0166666', "unexpected infos"],
    ['eval range from 0 to 2m step 1m m\n  m{a="1"} 1 2', "expected 2 points"],
    ['eval instant at 0 "x"\n  expect string "y"', "expected string y but got x"],
    [
      'eval instant at 0 label_replace(m, "b", "", "a", "(")\n  expect fail msg: other',
      "expected error other, but got",
    ],
  ])("notices %j", async (text, message) => {
    const [failure] = await messages(LOAD + text);
    expect(failure).toContain(message);
  });

  it("runs instant evaluations pinned and as range queries as well", async () => {
    expect(await messages(`${LOAD}eval instant at 1m m + m offset 1m\n  {a="1"} 3`)).toEqual([]);
  });

  it("places errors of the script", async () => {
    await expect(messages("load 1m\n  m 1 2\n\nnonsense")).rejects.toMatchObject({ where: { line: 4, file: "own" } });
    await expect(messages("load x\n  m 1")).rejects.toBeInstanceOf(UserError);
  });

  it("loads start timestamps and custom buckets", async () => {
    const script = `
load 1m
  c_total@st _ -30s -30s
  c_total 5 3 6

load_with_nhcb 1m
  h_bucket{le="1"} 1
  h_bucket{le="+Inf"} 3
  h_sum 4

eval instant at 2m increase(c_total[90s])
  {} 9

eval instant at 0 h
  h {{schema:-53 count:3 sum:4 custom_values:[1] buckets:[1 2]}}
`;
    expect(await messages(script)).toEqual([]);
  });
});
