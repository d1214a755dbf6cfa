/** Parser fuzz, by hand: `node packages/promql/src/parser/fuzz.long.ts [INPUTS] [SEED]`. Exits 1 when something is found. */
import { exprToJson } from "./json.ts";
import { type ParserOptions, parseExpr } from "./parse.ts";
import { formatExpr, prettify } from "./printer.ts";

const [count = "1000000", seed = "1"] = process.argv.slice(2);
const ALL: ParserOptions = {
  experimentalFunctions: true,
  extendedRangeSelectors: true,
  binopFillModifiers: true,
};
/** ms; no input of some hundred characters may take longer. */
const SLOW_MS = 500;

const PIECES =
  'a up{} http_requests_total sum( rate( avg_over_time( topk( quantile( label_replace( absent( [5m] [1h:] [1h:5m] [step()] { } } ( ) ) , , = =~ != !~ "x" \'y\' `z` "\\u00e9" on( ignoring( by( without ( group_left( group_right() bool offset 5m @ 10 @start() @ end() + - * / % ^ == != > < >= <= and or unless atan2 1 0x1f -1e3 .5 1_000 NaN +Inf 1h30m fill( fill_left( smoothed anchored </ >/ # \n \t é 日本 \u0000 {"utf.8"} {__name__="x"} start end min_of( max_of('.split(
    " ",
  );

// Mulberry32.
let state = Number(seed);
function random(): number {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
const below = (n: number): number => Math.floor(random() * n);

/** Something that may parse: what did before, with a piece more, less, or elsewhere. */
const corpus = [
  "up",
  "sum by (a) (rate(x[5m]))",
  'a{b="c"} / on (d) group_left (e) f',
  "max_over_time(x[1h:5m] @ start())",
];
function input(): string {
  if (random() < 0.3) return Array.from({ length: 1 + below(12) }, () => PIECES[below(PIECES.length)]).join(random() < 0.5 ? " " : ""); // biome-ignore format: one row
  if (random() < 0.1) return String.fromCharCode(...Array.from({ length: below(20) }, () => below(random() < 0.7 ? 128 : 65_536))); // biome-ignore format: one row
  let text = corpus[below(corpus.length)];
  for (let changes = 1 + below(3); changes > 0; changes--) {
    const at = below(text.length + 1);
    const cut = random() < 0.5 ? below(6) : 0;
    const more = random() < 0.7 ? PIECES[below(PIECES.length)] : corpus[below(corpus.length)];
    text = text.slice(0, at) + (random() < 0.8 ? more : "") + text.slice(at + cut);
  }
  return text.slice(0, 400);
}

let parsed = 0;
const findings: string[] = [];
for (let i = 0; i < Number(count) && findings.length < 10; i++) {
  const text = input();
  const began = performance.now();
  try {
    const expr = parseExpr(text, ALL);
    parsed++;
    if (text.length < 300 && (corpus.length < 5000 || random() < 0.01)) corpus[corpus.length < 5000 ? corpus.length : below(corpus.length)] = text; // biome-ignore format: one row
    const printed = formatExpr(expr);
    const again = parseExpr(printed, ALL);
    if (formatExpr(again) !== printed) findings.push(`not a fixed point: ${JSON.stringify(text)}: ${printed}`);
    const pretty = parseExpr(prettify(again, 20), ALL);
    if (JSON.stringify(exprToJson(pretty)) !== JSON.stringify(exprToJson(again))) findings.push(`prettified differs: ${JSON.stringify(text)}`); // biome-ignore format: one row
  } catch (error) {
    const { message } = error as Error;
    if (!message.includes("parse error: ")) findings.push(`${JSON.stringify(text)}: ${(error as Error).stack}`);
  }
  const took = performance.now() - began;
  if (took > SLOW_MS) findings.push(`slow, ${took.toFixed(0)} ms: ${JSON.stringify(text)}`);
}
for (const finding of findings) console.error(finding);
console.log(`${count} inputs, ${parsed} of them expressions, ${findings.length} findings`);
process.exitCode = findings.length > 0 ? 1 : 0;
