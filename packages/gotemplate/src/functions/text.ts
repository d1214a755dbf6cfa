/** Functions on text that Prometheus' and Alertmanager's templates share. */
import { HTML } from "../html/types.ts";
import { lowerCase, upperCase } from "../text/case.ts";
import { fn, textFn, textTest } from "../value/function.ts";
import { type GoFunc, STRING } from "../value/type.ts";
import { Value } from "../value/value.ts";
import { matches, replaceAll } from "./regexp.ts";

export const TEXT_FUNCTIONS: Readonly<Record<string, GoFunc>> = {
  toUpper: textFn(upperCase),
  toLower: textFn(lowerCase),
  match: textTest(matches),
  reReplaceAll: textFn(replaceAll),
  safeHtml: fn([STRING], HTML, (text) => new Value(HTML, text.text)),
};
