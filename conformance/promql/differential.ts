/** Runs random queries on both engines and collects where they differ. */
import { type Expr, parseExpr, type QueryValue, typeOf, walk } from "@pharos/promql";
import { compareAnnotations, compareAnswers } from "./compare.ts";
import { DATA_LENGTH, DATA_START, generateData } from "./data.ts";
import { ExpressionGenerator } from "./expressions.ts";
import { hasRandomOrder, NEWER, toleranceOf } from "./newer.ts";
import { Random } from "./random.ts";
import { World } from "./world.ts";

export interface DifferentialOptions {
  peers: string;
  seed: number;
  /** Expressions; each runs as an instant and as a range query. */
  count: number;
  onProgress?: (done: number) => void;
}

export interface Difference {
  query: string;
  start: number;
  end: number;
  /** 0: an instant query. */
  step: number;
  delayedNameRemoval: boolean;
  text: string;
}

export interface DifferentialReport {
  expressions: number;
  queries: number;
  /** Queries that gave at least one sample on both sides. */
  filled: number;
  /** Queries that failed alike on both sides. */
  failed: number;
  /** Differences that a newer behaviour of upstream explains, by its reason. */
  newer: Map<string, number>;
  /** Queries whose answer depends on an order that upstream leaves to chance. */
  undetermined: number;
  differences: Difference[];
}

/** Expressions on one data set before the next one is made. */
const PER_WORLD = 2500;

/** Functions and aggregations that hand values on as they are, or count. */
const EXACT = new Set([
  ...["topk", "bottomk", "limitk", "limit_ratio", "count", "group", "count_values", "min", "max"],
  ...["last_over_time", "min_over_time", "max_over_time", "count_over_time", "present_over_time", "absent_over_time"],
  ...["absent", "changes", "resets", "sort", "sort_desc", "sort_by_label", "sort_by_label_desc", "timestamp"],
  ...["label_replace", "label_join", "info", "ts_of_min_over_time", "ts_of_max_over_time", "ts_of_last_over_time"],
  ...["histogram_count", "clamp", "clamp_min", "clamp_max", "abs", "sgn", "vector", "scalar"],
]);

/** Whether an expression only selects and counts: its values have to be the same to the bit. */
export function isExact(expr: Expr): boolean {
  let exact = true;
  walk(expr, (node) => {
    if (node.kind === "call" && !EXACT.has(node.func.name)) exact = false;
    if (node.kind === "aggregate" && !EXACT.has(node.op)) exact = false;
    if (node.kind === "binary" && ["+", "-", "*", "/", "%", "^", "atan2"].includes(node.op)) exact = false;
    return undefined;
  });
  return exact;
}

function tolerance(query: string): number {
  try {
    return isExact(parseExpr(query, { experimentalFunctions: true })) ? 0 : toleranceOf(query);
  } catch {
    return 0;
  }
}

/** A range query takes no range vector and no string. */
function isInstantOnly(query: string): boolean {
  try {
    return ["matrix", "string"].includes(typeOf(parseExpr(query, { experimentalFunctions: true })));
  } catch {
    return false;
  }
}

const STEPS = [15_000, 60_000, 47_000, 300_000];

export async function runDifferential(options: DifferentialOptions): Promise<DifferentialReport> {
  const report: DifferentialReport = {
    expressions: 0,
    queries: 0,
    filled: 0,
    failed: 0,
    newer: new Map(),
    undetermined: 0,
    differences: [],
  };
  for (let world = 0; report.expressions < options.count; world++) {
    await runWorld(options, options.seed + world, world % 2 === 1, report);
  }
  return report;
}

async function runWorld(
  { peers, count, onProgress }: DifferentialOptions,
  seed: number,
  delayedNameRemoval: boolean,
  report: DifferentialReport,
): Promise<void> {
  const random = new Random(seed * 7919 + 1);
  const generator = new ExpressionGenerator(random);
  await using world = await World.open({ peers, series: generateData(seed), delayedNameRemoval });
  for (let i = 0; i < PER_WORLD && report.expressions < count; i++) {
    report.expressions++;
    const instant = generator.query(true);
    const range = i % 2 === 0 && !isInstantOnly(instant) ? instant : generator.query(false);
    const time = DATA_START + random.int(DATA_LENGTH + 600_000);
    const step = random.pick(STEPS);
    const start = random.chance(0.5) ? time - (time % step) : time;
    for (const [query, from, to, by] of [
      [instant, time, time, 0],
      [range, start, start + step * random.int(40), step],
    ] as const) {
      await compareQuery(world, { query, start: from, end: to, step: by, delayedNameRemoval }, report);
    }
    onProgress?.(report.expressions);
  }
}

/** How often a peer is asked again where it may answer differently. */
const RETRIES = 4;

async function compareQuery(world: World, asked: Omit<Difference, "text">, report: DifferentialReport): Promise<void> {
  const { query, start, end, step } = asked;
  report.queries++;
  let text: string | undefined;
  for (let attempt = 0; attempt <= RETRIES; attempt++) {
    const { own, peer } = await world.ask(query, start, end, step);
    text = compareAnswers(own, peer, tolerance(query));
    if (text === undefined && "result" in own) text = compareAnnotations(query, own.result, peer);
    if (text === undefined) {
      if ("error" in own) report.failed++;
      else if (hasSamples(own.result.value)) report.filled++;
      return;
    }
  }
  const newer = NEWER.find(
    (behaviour) =>
      (asked.delayedNameRemoval || !behaviour.delayedNames) &&
      (behaviour.query?.test(query) ?? true) &&
      (behaviour.difference?.test(text!) ?? true),
  );
  if (newer) report.newer.set(newer.reason, (report.newer.get(newer.reason) ?? 0) + 1);
  else if (hasRandomOrder(query)) report.undetermined++;
  else report.differences.push({ ...asked, text: text! });
}

function hasSamples(value: QueryValue): boolean {
  if (value.type === "vector") return value.samples.length > 0;
  return value.type !== "matrix" || value.series.length > 0;
}
