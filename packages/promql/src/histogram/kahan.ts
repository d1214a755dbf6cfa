/** Compensated summation after Neumaier: the running sum and what rounding took from it so far. */

/** Compensation of the last `kahanAdd`; a second return value without an allocation. */
export let carry = 0;

/** `sum + value`; the new compensation is left in `carry`. An infinite sum has none. */
export function kahanAdd(value: number, sum: number, compensation: number): number {
  const total = sum + value;
  if (total === Infinity || total === -Infinity) carry = 0;
  else if (Math.abs(sum) >= Math.abs(value)) carry = compensation + (sum - total + value);
  else carry = compensation + (value - total + sum);
  return total;
}
