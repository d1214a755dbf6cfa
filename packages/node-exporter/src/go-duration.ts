/** Durations of flags as Go writes them: `1h30m`, `1.5s`, `500us`. */
import { UserError } from "@pharos/model/error";

const MILLISECONDS: Readonly<Record<string, number>> = {
  ns: 1e-6, us: 1e-3, "µs": 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000,
}; // biome-ignore format: a table

/** In ms; a UserError names the flag. */
export function parseGoDuration(flag: string, text: string): number {
  if (text === "0") return 0;
  if (!/^([\d.]+(ns|us|µs|ms|s|m|h))+$/.test(text)) {
    throw new UserError("node-exporter.flag", `not a duration: ${JSON.stringify(text)}`, {
      where: { flag: `--${flag}` },
      fix: "Write it like 5s or 1m30s",
    });
  }
  let sum = 0;
  for (const [, number, unit] of text.matchAll(/([\d.]+)(ns|us|µs|ms|s|m|h)/g))
    sum += Number(number) * MILLISECONDS[unit];
  return sum;
}
