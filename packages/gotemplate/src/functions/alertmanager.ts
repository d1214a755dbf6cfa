/** Functions of Alertmanager's templates. */

import { URL } from "../html/types.ts";
import { marshal } from "../json/marshal.ts";
import { decodeBase64Url, encodeBase64Url } from "../text/base64.ts";
import { lowerRest, titleCase } from "../text/case.ts";
import { queryUnescape } from "../text/escape.ts";
import { formatTime } from "../time/layout.ts";
import { Moment } from "../time/moment.ts";
import { parseTime } from "../time/parse.ts";
import { DURATION, duration, momentOf, TIME, time } from "../time/types.ts";
import { loadZone } from "../time/zone.ts";
import { fn, textFn, variadic } from "../value/function.ts";
import { ANY, type GoFunc, STRING } from "../value/type.ts";
import { ANY_MAP, boxed, GoMap, sliceOf, string, unbox, Value } from "../value/value.ts";
import { humanizeDuration, toFloat } from "./numbers.ts";
import { TEXT_FUNCTIONS } from "./text.ts";

/** What strings.TrimSpace removes. */
const SPACE = /^[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;

function trimSpace(text: string): string {
  let end = text.length;
  while (end > 0 && SPACE.test(text[end - 1])) end--;
  return text.slice(0, end).replace(SPACE, "");
}

const PURE: Readonly<Record<string, GoFunc>> = {
  ...TEXT_FUNCTIONS,
  title: textFn((text) => titleCase(text, lowerRest)),
  trimSpace: textFn(trimSpace),
  join: fn([STRING, STRING.slice], STRING, (separator, list) =>
    string(list.items.map((item) => item.text).join(separator.text)),
  ),
  safeUrl: fn([STRING], URL, (text) => new Value(URL, text.text)),
  urlUnescape: textFn(queryUnescape),
  stringSlice: variadic([STRING], STRING.slice, (items) => sliceOf(STRING, items as Value[])),
  date: fn([STRING, TIME], STRING, (layout, moment) => string(formatTime(momentOf(moment), layout.text))),
  tz: fn([STRING, TIME], TIME, (name, moment) => time(momentOf(moment).in(loadZone(name.text)))),
  humanizeDuration: fn([ANY], STRING, (operand) => string(humanizeDuration(toFloat(operand)))),
  toDate: fn([STRING, STRING], TIME, (layout, text) => {
    try {
      return time(parseTime(layout.text, text.text));
    } catch {
      return time(Moment.zero);
    }
  }),
  mustToDate: fn([STRING, STRING], TIME, (layout, text) => time(parseTime(layout.text, text.text))),
  toJson: fn([ANY], STRING, (value) => string(marshal(value))),
  base64encode: textFn(encodeBase64Url),
  base64decode: textFn(decodeBase64Url),
  list: variadic([ANY], ANY.slice, (args) =>
    sliceOf(
      ANY,
      args.map((arg) => boxed(arg)),
    ),
  ),
  append: variadic([ANY.slice, ANY], ANY.slice, ([list, ...more]) =>
    sliceOf(ANY, [...list!.items, ...more.map((item) => boxed(item))]),
  ),
  dict: variadic([ANY], ANY_MAP, (args) => {
    if (args.length % 2 !== 0) throw new Error("dict requires an even number of arguments");
    const map = new GoMap();
    for (let i = 0; i < args.length; i += 2) {
      const key = unbox(args[i]);
      if (key?.type !== STRING) throw new Error("dict keys must be strings");
      map.set(key, boxed(args[i + 1]));
    }
    return new Value(ANY_MAP, map);
  }),
};

export interface AlertmanagerEnvironment {
  /** Unix ms; the clock's when not given. */
  now?: () => number;
  /** Rendered value of a label of the route, "" when there is none; without it every label is "". */
  routeLabel?: (name: string) => string;
}

export function alertmanagerFunctions(environment: AlertmanagerEnvironment = {}): Record<string, GoFunc> {
  const { now = Date.now, routeLabel = () => "" } = environment;
  const moment = (): Moment => Moment.fromMillis(now(), loadZone("Local"));
  return {
    ...PURE,
    routeLabels: textFn((name) => routeLabel(name)),
    now: fn([], TIME, () => time(moment())),
    since: fn([TIME], DURATION, (then) => duration(moment().unixNanos - momentOf(then).unixNanos)),
  };
}
