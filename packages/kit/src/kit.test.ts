import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "@pharos/model";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  createHttpServer,
  createLogger,
  describeFlags,
  parseBytes,
  parseFlags,
  parseYaml,
  parseYamlStream,
  Registry,
  requestParams,
  silentLogger,
  writeFileAtomic,
} from "./index.ts";

function errorOf(work: () => unknown): UserError {
  try {
    work();
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("registry", () => {
  test("counts, observes cumulatively, sorts families, hides empty ones", () => {
    const registry = new Registry();
    const requests = registry.counter("z_total", "Z.", ["code"]);
    const hist = registry.histogram("h_seconds", "H.", [], [1, 5]);
    registry.gauge("empty", "No child yet.", ["x"]);
    requests.labels("200").inc();
    requests.labels("200").inc(2);
    for (const value of [0.5, 3, 9]) hist.observe(value);
    const [h, z] = registry.families();
    expect(h.metrics[0]).toMatchObject({
      count: 3,
      sum: 12.5,
      buckets: [
        { upperBound: 1, cumulativeCount: 1 },
        { upperBound: 5, cumulativeCount: 2 },
      ],
    });
    expect(z.metrics).toEqual([{ labels: ["code", "200"], value: 3 }]);
    requests.remove("200");
    expect(registry.families().map(({ name }) => name)).toEqual(["h_seconds"]);
  });

  test("refuses a second metric of the same name and a wrong number of label values", () => {
    const registry = new Registry();
    const counter = registry.counter("a_total", "A.", ["x"]);
    expect(() => registry.gauge("a_total", "Again.")).toThrow("declared twice");
    expect(() => counter.labels()).toThrow("1 labels, got 0");
  });
});

describe("log", () => {
  test("logfmt quotes where needed and describes errors", () => {
    const lines: string[] = [];
    const log = createLogger({ write: (line) => lines.push(line) }).with({ component: "x" });
    log.debug("not shown");
    log.warn("two words", { n: 1, path: 'a "b"', err: new UserError("c", "bad", { where: { file: "f", line: 3 } }) });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/level=WARN msg="two words" component=x n=1 path="a \\"b\\"" err="f:3: bad"\n$/);
  });

  test("json is one object a line", () => {
    let line = "";
    createLogger({ format: "json", write: (text) => (line = text) }).error("x", { a: undefined, b: [1] });
    expect(JSON.parse(line)).toMatchObject({ level: "ERROR", msg: "x", b: [1] });
  });
});

describe("flags", () => {
  const specs = {
    "web.listen-address": { type: "string", default: ":9090", help: "Address." },
    "storage.retention": { type: "duration", help: "How long." },
    "max-size": { type: "bytes", default: "1MB", help: "How much." },
    lifecycle: { type: "boolean", default: "true", help: "On or off." },
    match: { type: "string", multiple: true, help: "Several." },
    level: { type: "string", default: "info", choices: ["info", "debug"], help: "Level." },
  } as const;

  test("converts values, takes negations and repetition", () => {
    const { values, positionals } = parseFlags(specs, [
      "--web.listen-address=:1",
      "--storage.retention",
      "2h",
      "--no-lifecycle",
      "--match=a",
      "--match=b",
      "rest",
    ]);
    expect(values).toEqual({
      "web.listen-address": ":1",
      "storage.retention": 7_200_000,
      "max-size": 1_048_576,
      lifecycle: false,
      match: ["a", "b"],
      level: "info",
    });
    expect(positionals).toEqual(["rest"]);
    expect(parseFlags(specs, ["--lifecycle=false"]).values.lifecycle).toBe(false);
  });

  test.each([
    [["--storage.retention=2x"], '--storage.retention: unknown unit "x" in duration "2x"'],
    [["--level=loud"], "--level: enum value must be one of info,debug, got 'loud'"],
    [["--max-size=lots"], '--max-size: not a valid size: "lots". Write it like 512MB'],
    [["--nonsense"], "unknown long flag '--nonsense'. See --help"],
  ])("%j names the flag", (argv, message) => {
    expect(errorOf(() => parseFlags(specs, argv)).describe()).toBe(message);
  });

  test("help lists every flag", () => {
    const help = describeFlags(specs);
    for (const name of Object.keys(specs)) expect(help).toContain(`--${name}`);
  });

  test("sizes are powers of 1024", () => {
    expect(parseBytes("1.5GB")).toBe(1.5 * 2 ** 30);
    expect(parseBytes("512")).toBe(512);
  });
});

describe("yaml", () => {
  test("keeps the text of scalars for strings, and reads booleans and durations like Go's decoder", () => {
    const map = parseYaml("a: on\nb: 1.0\nc: yes\nd: 5m\ne: ~\nf: 0x10\n").map();
    expect(map.get("a")!.string()).toBe("on");
    expect(map.get("b")!.string()).toBe("1.0");
    expect(map.get("c")!.boolean()).toBe(true);
    expect(map.get("d")!.duration()).toBe(300_000);
    expect(map.get("e")!.isNull).toBe(true);
    expect(map.get("f")!.number()).toBe(16);
  });

  test("unknown, repeated and missing fields name file, line and path", () => {
    const unknown = parseYaml("a: 1\nnested:\n  b: 2\n  typo: 3\n", "x.yml").map();
    const nested = unknown.get("nested")!.map();
    nested.get("b");
    expect(errorOf(() => nested.done("config.plain")).describe()).toBe(
      "x.yml:4:3 nested.typo: field typo not found in type config.plain. Known fields: b",
    );
    expect(errorOf(() => parseYaml("a: 1\na: 2\n").map().done("config.plain")).where.line).toBe(2);
    expect(errorOf(() => parseYaml("a: 1\n").map().required("b")).message).toBe("b is missing");
  });

  test("types are checked", () => {
    const map = parseYaml("list: [1, x]\ntext: hello\n").map();
    expect(errorOf(() => map.get("list")!.string()).message).toBe("must be a string, not a list");
    expect(errorOf(() => map.get("list")!.items()[1].number()).where.field).toBe("list[1]");
    expect(errorOf(() => map.get("text")!.boolean()).message).toBe('must be true or false, not "hello"');
    expect(errorOf(() => map.get("text")!.entries()).message).toBe('must be a mapping, not "hello"');
  });

  test("anchors, merge keys and streams", () => {
    const [first, second] = parseYamlStream("base: &b {x: 1}\nuse: {<<: *b, y: 2}\n---\n---\nz: 3\n");
    expect(first.map().get("use")!.stringMap()).toEqual({ x: "1", y: "2" });
    expect(second.toValue()).toEqual({ z: 3 });
  });

  test("a syntax error has its place", () => {
    expect(errorOf(() => parseYaml("a: [1,\nb: 2\n", "f.yml")).where).toMatchObject({ file: "f.yml" });
    expect(parseYaml("").isNull).toBe(true);
    expect(() => parseYaml("a: 1\n---\nb: 2\n")).toThrow("only one YAML document");
    expect(() => parseYaml("a: *b\nc: &b 1\n", "f.yml")).toThrow("unknown anchor 'b' referenced");
    expect(() => parseYaml("a: &b {c: [*b]}\n")).toThrow("anchor 'b' value contains itself");
    expect(parseYaml("a: &b 1\nc: [*b, '*x']\n").toValue()).toEqual({ a: 1, c: [1, "*x"] });
  });

  test("an alias bomb is refused, not expanded", () => {
    let text = 'a0: &a0 ["x"]\n';
    for (let i = 1; i < 30; i++)
      text += `a${i}: &a${i} [${Array(9)
        .fill(`*a${i - 1}`)
        .join(",")}]\n`;
    expect(() => parseYaml(text).toValue()).toThrow();
  });

  test("fuzz: any text is a document or a UserError", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => {
        try {
          parseYamlStream(text).map((node) => node.toValue());
        } catch (error) {
          if (!(error instanceof UserError)) expect(String(error)).toMatch(/alias|ReferenceError/i);
        }
      }),
      { seed: 1, numRuns: 500 },
    );
  });
});

describe("files and http", () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "pharos-kit-"));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  test("an atomic write replaces the file and leaves nothing behind, also when it fails", () => {
    const path = join(dir, "sub", "f");
    writeFileAtomic(path, "one");
    writeFileAtomic(path, "two");
    expect(readFileSync(path, "utf8")).toBe("two");
    expect(() => writeFileAtomic(join(dir, "sub"), "x")).toThrow();
    expect(readdirSync(dir)).toEqual(["sub"]);
    expect(existsSync(path)).toBe(true);
  });

  test("serves, merges query and form, says when a port is taken, closes", async () => {
    await using server = createHttpServer({ host: "127.0.0.1", port: 0, log: silentLogger, cors: true });
    server.app.post("/p", async (request) => requestParams(request).getAll("a").join("+"));
    server.app.get("/fail", async () => {
      throw new UserError("x", "no such thing", { fix: "Try another" });
    });
    const url = await server.listen();
    const answer = await fetch(`${url}/p?a=1`, { method: "POST", body: new URLSearchParams({ a: "2" }) });
    expect(await answer.text()).toBe("1+2");
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    const failure = await fetch(`${url}/fail`);
    expect([failure.status, await failure.text()]).toEqual([400, "no such thing. Try another\n"]);
    const second = createHttpServer({ host: "127.0.0.1", port: Number(new URL(url).port), log: silentLogger });
    await expect(second.listen()).rejects.toThrow("is taken by another program");
    await second.close();
  });
});
