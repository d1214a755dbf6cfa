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

/** A running sum with its compensation, for loops over samples: its fields are numbers in place, no second result is needed. */
export class CompensatedSum {
  sum = 0;
  lost = 0;

  add(value: number): void {
    const { sum } = this;
    const total = sum + value;
    if (total === Infinity || total === -Infinity) this.lost = 0;
    else if (Math.abs(sum) >= Math.abs(value)) this.lost += sum - total + value;
    else this.lost += value - total + sum;
    this.sum = total;
  }

  get total(): number {
    return this.sum + this.lost;
  }
}
