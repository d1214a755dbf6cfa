import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { promtool, runPromtool } from "./cli.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "pharos-promtool-"));
});
afterAll(() => rmSync(dir, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

async function run(argv: readonly string[], input = ""): Promise<{ code: number; out: string; err: string }> {
  let out = "";
  let err = "";
  const code = await runPromtool(argv, {
    write: (text) => void (out += text),
    warn: (text) => void (err += text),
    readInput: () => Buffer.from(input),
  });
  return { code, out, err };
}

const RULE = "{ record: r, expr: up, labels: { a: b } }";

describe("check rules", () => {
  it("counts rules, and tells of two that are one", async () => {
    const once = file("once.yml", `groups: [{ name: g, rules: [${RULE}] }]`);
    expect(await run(["check", "rules", once])).toEqual({
      code: 0,
      out: `Checking ${once}\n  SUCCESS: 1 rules found\n\n`,
      err: "",
    });
    const twice = file("twice.yml", `groups: [{ name: g, rules: [${RULE}, ${RULE}, ${RULE}] }]`);
    const lint = await run(["check", "rules", twice]);
    expect(lint).toMatchObject({
      code: 0,
      err: expect.stringContaining("1 duplicate rule(s) found.\nMetric: r\nLabel(s):\n\ta: b"),
    });
    expect((await run(["check", "rules", "--lint-fatal", twice])).code).toBe(3);
    expect((await run(["check", "rules", "--lint-fatal", "--lint=none", twice])).code).toBe(0);
  });

  it("names file and line of what is wrong, and goes on with the next file", async () => {
    const bad = file("bad.yml", "groups:\n- name: g\n  rules:\n  - record: r\n    expr: up{\n");
    const good = file("good.yml", "groups: []");
    const { code, out, err } = await run(["check", "rules", bad, good]);
    expect(code).toBe(1);
    expect(err).toContain(`${bad}:5:`);
    expect(out).toContain(`Checking ${good}\n  SUCCESS: 0 rules found`);
  });

  it("reads standard input, and refuses a file that is not there", async () => {
    expect((await run(["check", "rules"], "groups: []")).out).toContain("Checking standard input\n  SUCCESS: 0 rules");
    await expect(run(["check", "rules", join(dir, "none.yml")])).rejects.toThrow("does not exist");
  });
});

describe("check config", () => {
  it("looks into every file that the configuration names", async () => {
    file("r.yml", "groups: [{ name: g, rules: [{ record: r, expr: up }] }]");
    file("sd.json", '[{"targets":["a:1"]}]');
    const config = file(
      "p.yml",
      `rule_files: [r.yml]
scrape_configs:
- { job_name: a, scrape_interval: 10m, scrape_timeout: 1s, file_sd_configs: [{ files: [sd.json, gone.yml] }] }
`,
    );
    const { code, out, err } = await run(["check", "config", "--lint=all", "--lint-fatal", config]);
    expect(out).toContain("SUCCESS: 1 rule files found");
    expect(out).toContain(`WARNING: file ${JSON.stringify(join(dir, "gone.yml"))} for file_sd in scrape job "a"`);
    expect(err).toContain("too long scrape interval found, data point will be marked as stale - job: a, interval: 10m");
    expect(code).toBe(3);
  });

  it("finds a target that cannot be one, a missing key file, and a missing rule file", async () => {
    const job = (rest: string): string => `scrape_configs: [{ job_name: a, ${rest} }]`;
    file("bad.json", '[{"targets":["http://a"]}]');
    const target = file("t.yml", job("file_sd_configs: [{ files: [bad.json] }]"));
    expect((await run(["check", "config", target])).err).toContain('"http://a" is not a valid hostname');
    const key = file("k.yml", job("authorization: { credentials_file: /none }"));
    expect((await run(["check", "config", key])).err).toContain('"/none": no such file or directory');
    expect((await run(["check", "config", "--syntax-only", key])).code).toBe(0);
    const rules = file("n.yml", "rule_files: [none.yml]");
    expect((await run(["check", "config", rules])).err).toContain("does not point to an existing file");
  });
});

describe("check metrics", () => {
  it("lints names, units, types and labels", async () => {
    const { code, err } = await run(
      ["check", "metrics"],
      `# HELP a_total help
# TYPE a_total counter
a_total 1
# TYPE aB_milliseconds gauge
aB_milliseconds{leVel="1"} 1
# HELP b help
# TYPE b counter
b{le="1"} 1
# HELP c_gauge_total help
# TYPE c_gauge_total gauge
c_gauge_total 1
`,
    );
    expect(code).toBe(3);
    expect(err.trimEnd().split("\n")).toEqual([
      "aB_milliseconds label names should be written in 'snake_case' not 'camelCase'",
      "aB_milliseconds metric names should be written in 'snake_case' not 'camelCase'",
      "aB_milliseconds no help text",
      'aB_milliseconds use base unit "seconds" instead of "milliseconds"',
      'b counter metrics should have "_total" suffix',
      'b non-histogram metrics should not have "le" label',
      "c_gauge_total metric name should not include type 'gauge'",
      'c_gauge_total non-counter metrics should not have "_total" suffix',
    ]);
  });

  it("counts series by metric", async () => {
    const text = '# HELP a help\n# TYPE a gauge\na{x="1"} 1\na{x="2"} 1\n# HELP b help\n# TYPE b gauge\nb 1\n';
    const { out, code } = await run(["check", "metrics", "--extended"], text);
    expect(code).toBe(0);
    expect(out.split("\n").map((line) => line.trim().split(/ +/))).toEqual([
      ["Metric", "Cardinality", "Percentage"],
      ["a", "2", "66.67%"],
      ["b", "1", "33.33%"],
      ["Total", "3", "100%"],
      [""],
    ]);
  });
});

describe("test rules", () => {
  it("writes JUnit's form", async () => {
    const test = file(
      "test.yml",
      "tests:\n- name: one & only\n  promql_expr_test:\n  - { expr: 1 + 1, eval_time: 0, exp_samples: [{ value: 3 }] }\n",
    );
    const junit = join(dir, "junit.xml");
    const { code, err } = await run(["test", "rules", `--junit=${junit}`, test]);
    expect(code).toBe(1);
    expect(err).toContain("exp: {} 3E+00");
    const xml = readFileSync(junit, "utf8");
    expect(xml).toContain('tests="1" failures="1" errors="0"');
    expect(xml).toContain('<testcase name="one &amp; only">');
    await expect(run(["test", "rules", `--junit=${join(dir, "no", "junit.xml")}`, test])).rejects.toThrow(
      "cannot write",
    );
  });
});

describe("query", () => {
  it("prints what a server answers, and its errors as one line", async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk) => (body += chunk));
      request.on("end", () => {
        asked.push(`${request.method} ${request.url} ${request.headers["x-scope"]} ${body}`);
        if (request.url!.startsWith("/api/v1/label/page/")) {
          response.statusCode = 502;
          response.end("<html>no</html>");
          return;
        }
        const bad = body.includes("bad");
        response.statusCode = bad ? 400 : 200;
        response.end(
          bad
            ? '{"status":"error","errorType":"bad_data","error":"no"}'
            : '{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"up","b":"1","a":"2"},"value":[1.5,"1"]}]}}',
        );
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      const good = await run(["query", "instant", "--header=x-scope=me", "--time=1.5", url, "up"]);
      expect(good).toEqual({ code: 0, out: 'up{a="2", b="1"} => 1 @[1.5]\n', err: "" });
      expect(asked[0]).toBe("POST /api/v1/query me query=up&time=1.5");
      expect(await run(["query", "instant", url, "bad"])).toEqual({
        code: 1,
        out: "",
        err: "query error: bad_data: no\n",
      });
      expect(await run(["query", "labels", url, "page"])).toEqual({
        code: 1,
        out: "",
        err: "query error: server_error: server error: 502 (detail: <html>no</html>)\n",
      });
      await expect(run(["query", "range", "--start=5", "--end=4", url, "up"])).rejects.toThrow(
        "is not before end time",
      );
    } finally {
      server.close();
    }
  });
});

describe("the command line", () => {
  it("explains itself, and says what is missing", async () => {
    expect(promtool.describe(["check", "--help"])).toContain("check web-config FILE…");
    expect(promtool.describe(["check", "rules", "--help"])).toContain("Usage: pharos check rules [FLAGS] [FILE…]");
    await expect(run(["check", "nothing"])).rejects.toThrow('there is no command "check nothing"');
    await expect(run(["check", "config"])).rejects.toThrow("check config: an argument is missing");
    await expect(run(["promql", "format", "up"])).rejects.toThrow("--experimental");
    expect((await run(["--experimental", "promql", "format", "sum(up)by(a)"])).out).toBe("sum by (a) (up)\n");
  });
});

describe("tsdb", () => {
  const SAMPLES = `# TYPE a counter
a_total{x="1"} 1 1600000000
a_total{x="1"} 2.5 1600000015
a_total{x="1"} -0 1600007300
# TYPE g gauge
g NaN 1600000001.5
# EOF
`;

  it("makes blocks of a file, and shows what is in them", async () => {
    const input = file("in.om", SAMPLES);
    const blocks = join(dir, "blocks");
    const made = await run(["tsdb", "create-blocks-from", "openmetrics", "--label=q=w", input, blocks]);
    expect(made.out.trimEnd().split("\n")).toHaveLength(3);
    expect((await run(["tsdb", "list", blocks])).out).toBe(made.out);
    expect((await run(["tsdb", "dump", blocks])).out.split("\n")).toEqual([
      '{__name__="a_total", q="w", x="1"} 1 1600000000000',
      '{__name__="a_total", q="w", x="1"} 2.5 1600000015000',
      '{__name__="a_total", q="w", x="1"} -0 1600007300000',
      '{__name__="g", q="w"} NaN 1600000001500',
      "",
    ]);
    const some = await run(["tsdb", "dump-openmetrics", "--match=g", blocks]);
    expect(some.out).toBe('g{q="w"} NaN 1600000001.500\n# EOF\n');
    const series = await run(["tsdb", "dump", "--format=seriesjson", "--max-time=1600000002000", blocks]);
    expect(series.out).toBe('{"__name__":"a_total","q":"w","x":"1"}\n{"__name__":"g","q":"w"}\n');
    expect((await run(["tsdb", "analyze", "--match=a_total", blocks])).out).toContain("Matched series: 1");
  });

  it("makes nothing of samples without time, or in the wrong order", async () => {
    const timeless = file("timeless.om", "a 1\n# EOF\n");
    const target = join(dir, "none");
    await expect(run(["tsdb", "create-blocks-from", "openmetrics", timeless, target])).rejects.toThrow(
      "expected timestamp",
    );
    const backwards = file("backwards.om", "a 1 20\na 2 10\n# EOF\n");
    await expect(run(["tsdb", "create-blocks-from", "openmetrics", backwards, target])).rejects.toThrow("not newer");
    await expect(run(["tsdb", "list", join(dir, "nowhere")])).rejects.toThrow("there is no such directory");
  });
});
