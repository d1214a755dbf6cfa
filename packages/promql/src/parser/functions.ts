/** The signatures of all functions of PromQL, as data. */
import type { FunctionSignature, ValueType } from "./ast.ts";

const TYPES: Record<string, ValueType> = { v: "vector", m: "matrix", s: "scalar", t: "string" };

/**
 * One line a signature: name, argument types (v instant vector, m range vector, s scalar, t string), result, and after
 * a space how often the last argument may be given (`?n`: zero to n times, `*`: any number). A leading `!` marks what
 * needs experimental functions.
 */
const SIGNATURES = `
abs v:v; absent v:v; absent_over_time m:v; acos v:v; acosh v:v; asin v:v; asinh v:v; atan v:v; atanh v:v;
avg_over_time m:v; ceil v:v; changes m:v; clamp vss:v; clamp_max vs:v; clamp_min vs:v; cos v:v; cosh v:v;
count_over_time m:v; days_in_month v:v ?1; day_of_month v:v ?1; day_of_week v:v ?1; day_of_year v:v ?1; deg v:v;
!end :s; delta m:v; deriv m:v; exp v:v; first_over_time m:v; floor v:v; histogram_avg v:v; histogram_count v:v;
histogram_sum v:v; histogram_stddev v:v; histogram_stdvar v:v; histogram_fraction ssv:v; histogram_quantile sv:v;
!histogram_quantiles vtss:v ?9; !double_exponential_smoothing mss:v; hour v:v ?1; idelta m:v; increase m:v;
!info vv:v ?1; irate m:v; label_replace vtttt:v; label_join vttt:v *; !max_of ss:s; last_over_time m:v; !min_of ss:s;
ln v:v; log10 v:v; log2 v:v; !mad_over_time m:v; max_over_time m:v; min_over_time m:v; !ts_of_first_over_time m:v;
!ts_of_max_over_time m:v; !ts_of_min_over_time m:v; !ts_of_last_over_time m:v; minute v:v ?1; month v:v ?1; pi :s;
predict_linear ms:v; present_over_time m:v; quantile_over_time sm:v; rad v:v; !range :s; rate m:v; resets m:v;
round vs:v ?1; scalar v:s; sgn v:v; sin v:v; sinh v:v; sort v:v; sort_desc v:v; !sort_by_label vt:v *;
!sort_by_label_desc vt:v *; sqrt v:v; !start :s; !start_timestamp v:v; !step :s; stddev_over_time m:v;
stdvar_over_time m:v; sum_over_time m:v; tan v:v; tanh v:v; time :s; timestamp v:v; vector s:v; year v:v ?1
`;

function parseSignature(line: string): FunctionSignature {
  const [, mark, name, args, result, count] = /^(!?)(\w+) (\w*):(\w)(?: ([?*]\d*))?$/.exec(line)!;
  return {
    name,
    argTypes: [...args].map((letter) => TYPES[letter]),
    variadic: count === undefined ? 0 : count === "*" ? -1 : Number(count.slice(1)),
    returnType: TYPES[result],
    experimental: mark === "!",
  };
}

/** By name. */
export const FUNCTIONS: ReadonlyMap<string, FunctionSignature> = new Map(
  SIGNATURES.split(";").map((line) => {
    const signature = parseSignature(line.trim());
    return [signature.name, signature];
  }),
);
