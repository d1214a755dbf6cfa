/** How tightly operators bind; higher binds tighter. */
export const PRECEDENCE: Record<string, number> = {
  or: 1,
  and: 2,
  unless: 2,
  "==": 3,
  ">=": 3,
  ">": 3,
  "<": 3,
  "<=": 3,
  "!=": 3,
  "</": 3,
  ">/": 3,
  "+": 4,
  "-": 4,
  "*": 5,
  "/": 5,
  "%": 5,
  atan2: 5,
  "^": 6,
};
/** Binds tighter than the unary operators. */
export const POWER = PRECEDENCE["^"];
