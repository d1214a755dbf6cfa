/** The test language of promqltest files: `load`, `clear` and `eval` with what is expected of it. */
import { type Labels, parseDuration, UserError } from "@pharos/model";
import { unquote } from "../parser/literal.ts";
import { parseSeriesDescription, type SequenceValue } from "../parser/series.ts";

export interface Expectation {
  /** Exact text, or a pattern that is searched for; neither: anything. */
  message?: string;
  pattern?: RegExp;
}

export interface LoadCommand {
  kind: "load";
  line: number;
  stepMs: number;
  /** Classic histograms are stored as native ones with custom buckets as well. */
  withCustomBuckets: boolean;
  series: { labels: Labels; values: SequenceValue[]; starts?: (number | undefined)[] }[];
}

export interface EvalCommand {
  kind: "eval";
  line: number;
  query: string;
  /** Unix ms; an instant evaluation has `step` 0. */
  start: number;
  end: number;
  step: number;
  ordered: boolean;
  fail: Expectation | undefined;
  warn: Expectation[];
  info: Expectation[];
  noWarn: boolean;
  noInfo: boolean;
  scalar: SequenceValue | undefined;
  text: string | undefined;
  /** Times of an expected range vector of an instant evaluation. */
  rangeVector: { start: number; end: number; step: number } | undefined;
  series: { labels: Labels; values: SequenceValue[]; position: number }[];
}

export type Command = LoadCommand | EvalCommand | { kind: "clear"; line: number };

const INSTANT = /^eval(?:_(fail|warn|ordered|info))?\s+instant\s+(?:at\s+(.+?))?\s+(.+)$/;
const RANGE = /^eval(?:_(fail|warn|info))?\s+range\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+?)\s+(.+)$/;
const EXPECT = /^expect\s+(ordered|fail|warn|no_warn|info|no_info)(?:\s+(regex|msg):(.+))?$/;
const RANGE_VECTOR = /^expect range vector\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+)$/;
const SCALAR = /^[+-]?(?:inf|nan|0x[0-9a-f]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:e[+-]?\d+)?)$/i;
const START_ITEM = /^([+-]?\d+[a-wyz]*)(?:([+-]\d+[a-wyz]*))?(?:x(\d+))?$/;

/** Throws UserError with the line of what is wrong. */
export function parseScript(text: string, file?: string): Command[] {
  return new ScriptParser(text, file).parse();
}

class ScriptParser {
  readonly #lines: string[];
  readonly #file: string | undefined;
  #index = 0;

  constructor(text: string, file: string | undefined) {
    this.#file = file;
    this.#lines = text.split("\n").map((line) => {
      const trimmed = line.trim();
      return trimmed.startsWith("#") ? "" : trimmed;
    });
  }

  #fail(message: string, cause?: unknown): never {
    const where = { line: this.#index + 1, ...(this.#file === undefined ? {} : { file: this.#file }) };
    throw new UserError("promql.promqltest", message, { where, cause });
  }

  #guard<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      if (error instanceof UserError && error.code !== "promql.promqltest") this.#fail(error.message, error);
      throw error;
    }
  }

  parse(): Command[] {
    const out: Command[] = [];
    for (; this.#index < this.#lines.length; this.#index++) {
      const line = this.#lines[this.#index];
      if (line === "") continue;
      const word = line.split(/[\t ]/, 1)[0].toLowerCase();
      if (word === "clear") out.push({ kind: "clear", line: this.#index + 1 });
      else if (word.startsWith("load")) out.push(this.#load(line));
      else if (word.startsWith("eval")) out.push(this.#eval(line));
      else this.#fail(`invalid command ${JSON.stringify(line)}`);
    }
    return out;
  }

  /** The lines up to the next empty one. */
  *#block(): Generator<string> {
    while ((this.#lines[this.#index + 1] ?? "") !== "") yield this.#lines[++this.#index];
  }

  #load(line: string): LoadCommand {
    const match = /^load(_with_nhcb)?\s+(.+?)$/.exec(line);
    if (!match) this.#fail("invalid load command. (load[_with_nhcb] <step:duration>)");
    const command: LoadCommand = {
      kind: "load",
      line: this.#index + 1,
      stepMs: this.#guard(() => parseDuration(match[2])),
      withCustomBuckets: match[1] !== undefined,
      series: [],
    };
    let starts: (number | undefined)[] | undefined;
    for (const definition of this.#block()) {
      const start = /^(\S*)@st\s+(.+)$/.exec(definition);
      if (start) {
        if (starts) this.#fail("@st line has no following sample line");
        starts = start[2].split(/\s+/).flatMap((item) => this.#startItem(item));
        continue;
      }
      const { labels, values } = this.#guard(() => parseSeriesDescription(definition));
      if (starts && starts.length !== values.length) {
        this.#fail(`@st line has ${starts.length} values but sample line has ${values.length}`);
      }
      command.series.push(starts ? { labels, values, starts } : { labels, values });
      starts = undefined;
    }
    if (starts) this.#fail("@st line has no following sample line");
    return command;
  }

  /** Start timestamps relative to their samples: `-30s`, `-30sx3`, `-30s-1mx2`, `_`, `_x3`. */
  #startItem(item: string): (number | undefined)[] {
    const blank = /^_(?:x(\d+))?$/.exec(item);
    if (blank) return new Array(Number(blank[1] ?? 1)).fill(undefined);
    const match = START_ITEM.exec(item);
    if (!match) this.#fail(`invalid ST item ${JSON.stringify(item)}`);
    const signed = (text: string) =>
      (text.startsWith("-") ? -1 : 1) * this.#guard(() => parseDuration(text.replace(/^[+-]/, "")));
    const base = signed(match[1]);
    const step = match[2] === undefined ? 0 : signed(match[2]);
    return Array.from({ length: match[3] === undefined ? 1 : Number(match[3]) + 1 }, (_, i) => base + i * step);
  }

  #eval(line: string): EvalCommand {
    const instant = INSTANT.exec(line);
    const range = RANGE.exec(line);
    const match = instant ?? range;
    if (!match) {
      this.#fail(
        "invalid evaluation command. Must be either 'eval[_fail|_warn|_ordered] instant [at <offset:duration>] <query>' or 'eval[_fail|_warn] range from <from> to <to> step <step> <query>'",
      );
    }
    const time = (text: string | undefined) => this.#guard(() => parseDuration(text ?? ""));
    const start = time(instant ? instant[2] : range![2]);
    const command: EvalCommand = {
      kind: "eval",
      line: this.#index + 1,
      query: instant ? instant[3] : range![5],
      start,
      end: instant ? start : time(range![3]),
      step: instant ? 0 : time(range![4]),
      ordered: match[1] === "ordered",
      fail: match[1] === "fail" ? {} : undefined,
      warn: match[1] === "warn" ? [{}] : [],
      info: match[1] === "info" ? [{}] : [],
      noWarn: false,
      noInfo: false,
      scalar: undefined,
      text: undefined,
      rangeVector: undefined,
      series: [],
    };
    let position = 0;
    for (const expected of this.#block()) position = this.#expectation(command, expected, position);
    return command;
  }

  #expectation(command: EvalCommand, line: string, position: number): number {
    const failure = /^expected_fail_(message|regexp)\s+(.+)$/.exec(line);
    if (command.fail && failure) {
      command.fail =
        failure[1] === "message" ? { message: failure[2].trim() } : { pattern: new RegExp(failure[2].trim()) };
      return position;
    }
    const vector = RANGE_VECTOR.exec(line);
    if (vector) {
      const [start, end, step] = this.#guard(() => vector.slice(1).map(parseDuration));
      command.rangeVector = { start, end, step };
      return position;
    }
    if (line.startsWith("expect string")) {
      command.text = this.#guard(() => unquote(line.slice("expect string ".length)));
      return position;
    }
    if (line.split(" ", 1)[0] === "expect") {
      this.#expect(command, line);
      return position;
    }
    if (SCALAR.test(line)) {
      command.scalar = parseSeriesDescription(`_ ${/^[+-]?0x/i.test(line) ? Number(line) : line}`).values[0];
      return position;
    }
    const { labels, values } = this.#guard(() => parseSeriesDescription(line));
    if (values.length > 1 && command.step === 0 && !command.rangeVector) {
      this.#fail("expecting multiple values in instant evaluation not allowed");
    }
    command.series.push({ labels, values, position: position + 1 });
    return position + 1;
  }

  #expect(command: EvalCommand, line: string): void {
    const match = EXPECT.exec(line);
    if (!match) {
      this.#fail("invalid expect statement, must match `expect <type> <match_type>: <string>` format");
    }
    const [, type, how, text] = match;
    const expectation: Expectation =
      how === "msg" ? { message: text.trim() } : how === "regex" ? { pattern: new RegExp(text.trim()) } : {};
    if (type === "ordered") command.ordered = true;
    else if (type === "fail") command.fail = expectation;
    else if (type === "warn") command.warn.push(expectation);
    else if (type === "info") command.info.push(expectation);
    else if (type === "no_warn") command.noWarn = true;
    else command.noInfo = true;
  }
}
