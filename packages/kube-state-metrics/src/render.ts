/**
 * The text of one object, made once when the object changes and only copied at a scrape.
 *
 * Layout of the bytes, for n families:
 *
 *     0      n × u32 little endian: where the text of each family ends, counted from the start of the text
 *     4·n    the text: complete sample lines, family after family
 */
import { formatFloat } from "@pharos/exposition";
import type { AllowedKeys, Emit, Family, Labels, Wire } from "./family.ts";

function escapeValue(text: string): string {
  if (!/[\\"\n]/.test(text)) return text;
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

/** `a="b",c="d"`, without braces. */
function labelText(labels: Labels): string {
  let text = "";
  for (let i = 0; i < labels.length; i += 2) {
    text += `${i === 0 ? "" : ","}${labels[i]}="${escapeValue(labels[i + 1] ?? "")}"`;
  }
  return text;
}

export interface RenderPlan<O extends Wire> {
  families: readonly Family<O>[];
  identity: (object: O) => Labels;
  allowed: AllowedKeys;
}

/** Everything a scrape shows of the object. Never throws for what an object holds: such a family is left out. */
export function render<O extends Wire>(object: O, plan: RenderPlan<O>, onError: (error: unknown) => void): Buffer {
  const { families, identity, allowed } = plan;
  const own = labelText(identity(object));
  let text = "";
  let name = "";
  const emit: Emit = (value, labels) => {
    const more = labels && labels.length > 0 ? labelText(labels) : "";
    const all = own === "" ? more : more === "" ? own : `${own},${more}`;
    text += all === "" ? `${name} ${formatFloat(value)}\n` : `${name}{${all}} ${formatFloat(value)}\n`;
  };
  const ends: number[] = [];
  for (const family of families) {
    name = family.name;
    const before = text;
    try {
      family.write(object, emit, allowed);
    } catch (error) {
      text = before;
      onError(error);
    }
    ends.push(text.length);
  }
  const head = 4 * families.length;
  const length = Buffer.byteLength(text);
  const bytes = Buffer.allocUnsafe(head + length);
  bytes.write(text, head);
  if (length === text.length) {
    for (let i = 0; i < ends.length; i++) bytes.writeUInt32LE(ends[i], 4 * i);
  } else {
    // Characters and bytes differ: count the bytes of each piece.
    let at = 0;
    let end = 0;
    for (let i = 0; i < ends.length; i++) {
      end += Buffer.byteLength(text.slice(at, ends[i]));
      at = ends[i];
      bytes.writeUInt32LE(end, 4 * i);
    }
  }
  return bytes;
}

/** Where the text of family `index` begins in the bytes of an object of `count` families. */
export function familyStart(bytes: Buffer, index: number, count: number): number {
  return 4 * count + (index === 0 ? 0 : bytes.readUInt32LE(4 * (index - 1)));
}

export function familyEnd(bytes: Buffer, index: number, count: number): number {
  return 4 * count + bytes.readUInt32LE(4 * index);
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

/** Types that text 0.0.4 does not have. */
const TEXT_TYPES: Readonly<Record<string, string>> = { info: "gauge", stateset: "gauge" };
/** OpenMetrics leaves the ending that such samples have out of the family's name. */
const SUFFIXES: Readonly<Record<string, string>> = { counter: "_total", info: "_info" };

/** The HELP and TYPE lines of a family. */
export function header({ name, help, type, stable, deprecated }: Family<never>, openMetrics: boolean): string {
  const words = `${stable ? "[STABLE] " : ""}${deprecated ? `(Deprecated since ${deprecated}) ` : ""}${help}`;
  if (!openMetrics) return `# HELP ${name} ${escapeHelp(words)}\n# TYPE ${name} ${TEXT_TYPES[type] ?? type}\n`;
  const suffix = SUFFIXES[type];
  const valid = suffix === undefined || name.endsWith(suffix);
  const base = suffix !== undefined && valid ? name.slice(0, -suffix.length) : name;
  const text = escapeHelp(words).replaceAll('"', '\\"');
  return `# HELP ${base} ${text}\n# TYPE ${base} ${valid ? type : "unknown"}\n`;
}
