/** Stretches of time in which a series has one state, as the state timeline draws them. */

export interface Stretch {
  /** Unix ms; the end is where the next point begins. */
  from: number;
  to: number;
  value: number;
}

/**
 * Neighbouring points with the same `key` become one stretch when `merge` is set. A hole wider than one and a half steps,
 * or a point without a value, ends a stretch. `step` in ms.
 */
export function stretches(
  times: ArrayLike<number>,
  values: ArrayLike<number>,
  step: number,
  key: (value: number) => string,
  merge: boolean,
): Stretch[] {
  const result: Stretch[] = [];
  let current: (Stretch & { key: string }) | undefined;
  for (let i = 0; i < times.length; i++) {
    const from = times[i]!;
    const value = values[i]!;
    if (Number.isNaN(value)) {
      current = undefined;
      continue;
    }
    const next = times[i + 1];
    const to = next !== undefined && next - from <= step * 1.5 ? next : from + step;
    const own = key(value);
    if (merge && current && current.key === own && current.to === from) {
      current.to = to;
      continue;
    }
    current = { from, to, value, key: own };
    result.push(current);
  }
  return result.map(({ from, to, value }) => ({ from, to, value }));
}
