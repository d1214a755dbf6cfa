/** JSON values as Go's client shows and converts them. */
import { quantityApproximate } from "../values/quantity.ts";

export type JsonMap = Readonly<Record<string, unknown>>;

export function isMap(value: unknown): value is JsonMap {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude < 1e-4 || magnitude >= 1e21)) {
    return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
  }
  return Number.isInteger(value) ? BigInt(value).toString() : String(value);
}

/** As `fmt.Sprintf("%v", value)`: how a value that is not a string looks in a label. */
export function goText(value: unknown): string {
  if (value === null || value === undefined) return "<nil>";
  if (typeof value === "number") return numberText(value);
  if (Array.isArray(value)) return `[${value.map(goText).join(" ")}]`;
  if (isMap(value)) {
    const entries = Object.keys(value)
      .sort()
      .map((key) => `${key}:${goText(value[key])}`);
    return `map[${entries.join(" ")}]`;
  }
  return String(value);
}

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:\d\d)$/;
const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
/** Longer texts are no numbers; converting them would cost much. */
const MAX_NUMBER_LENGTH = 400;

function textToNumber(text: string): number | undefined {
  const word = text.toLowerCase();
  if (word === "true" || word === "yes") return 1;
  if (word === "false" || word === "no" || word === "unknown") return 0;
  if (RFC3339.test(text)) {
    const ms = Date.parse(text.replace(",", "."));
    if (!Number.isNaN(ms)) return Math.floor(ms / 1000);
  }
  const quantity = quantityApproximate(text);
  if (!Number.isNaN(quantity)) return quantity;
  if (/^\d+%$/.test(text) && text.length < MAX_NUMBER_LENGTH) return Number(text.slice(0, -1)) / 100;
  if (/^[+-]?inf(inity)?$/i.test(text))
    return text.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (/^nan$/i.test(text)) return Number.NaN;
  return DECIMAL.test(text) && text.length < MAX_NUMBER_LENGTH ? Number(text) : undefined;
}

/**
 * The number a value means: booleans and their words, times as Unix seconds, quantities, percentages as shares, numbers.
 * Throws an Error when it means none.
 */
export function toNumber(value: unknown, nilIsZero: boolean): number {
  if (value === null || value === undefined) {
    if (nilIsZero) return 0;
    throw new Error("expected number but found nil value");
  }
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return Number(value);
  const number = typeof value === "string" ? textToNumber(value) : undefined;
  if (number === undefined) throw new Error(`expected number but was ${goText(value)}`);
  return number;
}

/** As `toNumber`, but undefined instead of an error. */
export function numberOrNone(value: unknown): number | undefined {
  try {
    return toNumber(value, false);
  } catch {
    return undefined;
  }
}
