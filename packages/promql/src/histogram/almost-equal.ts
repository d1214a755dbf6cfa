/** Equality of floats up to a relative error. */

const SMALLEST_NORMAL = 2.2250738585072014e-308;

/** Whether two numbers differ by less than `tolerance` times their sum, or both are NaN. */
export function almostEqual(a: number, b: number, tolerance: number): boolean {
  if (Number.isNaN(a) && Number.isNaN(b)) return true;
  if (a === b) return true;
  const size = Math.abs(a) + Math.abs(b);
  const difference = Math.abs(a - b);
  if (a === 0 || b === 0 || size < SMALLEST_NORMAL) return difference < tolerance * SMALLEST_NORMAL;
  return difference / Math.min(size, Number.MAX_VALUE) < tolerance;
}
