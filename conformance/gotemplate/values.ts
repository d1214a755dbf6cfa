/** The tagged JSON of the template and fmt tables as Go values. */
import {
  ANY,
  alertmanagerData,
  arrayOf,
  BOOL,
  boxed,
  DURATION,
  FLOAT32,
  FLOAT64,
  float,
  fromJs,
  GoMap,
  INT,
  INT8,
  INT16,
  INT32,
  INT64,
  kv,
  type Moment,
  mapOf,
  parseGoDuration,
  parseTime,
  STRING,
  sliceOf,
  string,
  stringMap,
  Type,
  time,
  UINT,
  UINT8,
  UINT16,
  UINT32,
  UINT64,
  Value,
  vector,
  zero,
} from "@pharos/gotemplate";

const SCALARS: Readonly<Record<string, Type>> = {
  $int: INT,
  $int8: INT8,
  $int16: INT16,
  $int32: INT32,
  $int64: INT64,
  $uint: UINT,
  $uint8: UINT8,
  $uint16: UINT16,
  $uint32: UINT32,
  $uint64: UINT64,
};
const TYPES: Readonly<Record<string, Type>> = {
  ...Object.fromEntries(Object.values(SCALARS).map((type) => [type.name, type])),
  string: STRING,
  bool: BOOL,
  float64: FLOAT64,
  "interface {}": ANY,
};

export function goType(name: string): Type {
  if (TYPES[name]) return TYPES[name];
  const array = /^\[(\d*)\](.*)$/.exec(name);
  if (array) return array[1] === "" ? goType(array[2]).slice : arrayOf(Number(array[1]), goType(array[2]));
  const map = /^map\[(\w+)\](.*)$/.exec(name);
  if (map) return mapOf(goType(map[1]), goType(map[2]));
  throw new Error(`unknown type ${name}`);
}

const as = (type: Type, item: unknown): Value => {
  if (type === ANY) return boxed(goValue(item));
  const value = goValue(item);
  return value && value.type !== type && value.kind === type.kind ? new Value(type, value.v) : (value ?? zero(type));
};

const number = (text: string | number): number =>
  text === "+Inf" ? Infinity : text === "-Inf" ? -Infinity : Number(text);

type Strings = Record<string, string> | undefined;

function amData(data: Record<string, unknown>): Value {
  const moment = (text: unknown): Moment | undefined =>
    text === undefined ? undefined : parseTime("2006-01-02T15:04:05.999999999Z07:00", text as string);
  const alerts = data.alerts as Record<string, unknown>[] | undefined;
  return alertmanagerData({
    receiver: data.receiver as string | undefined,
    status: data.status as string | undefined,
    alerts: alerts?.map((alert) => ({
      status: alert.status as string,
      labels: alert.labels as Strings,
      annotations: alert.annotations as Strings,
      startsAt: moment(alert.startsAt),
      endsAt: moment(alert.endsAt),
      generatorURL: alert.generatorURL as string | undefined,
      fingerprint: alert.fingerprint as string | undefined,
    })),
    notificationReason: data.notification_reason as string | undefined,
    groupLabels: data.groupLabels as Strings,
    commonLabels: data.commonLabels as Strings,
    commonAnnotations: data.commonAnnotations as Strings,
    routeLabels: data.routeLabels as Strings,
    externalURL: data.externalURL as string | undefined,
  });
}

export function goValue(data: unknown): Value | undefined {
  if (data === null || typeof data !== "object") return fromJs(data);
  if (Array.isArray(data))
    return sliceOf(
      ANY,
      data.map((item) => boxed(goValue(item))),
    );
  const [tag, content] = Object.entries(data)[0] ?? ["", undefined];
  const record = data as Record<string, unknown>;
  if (SCALARS[tag]) return new Value(SCALARS[tag], BigInt(content as string));
  switch (tag) {
    case "$float":
    case "$float64":
      return float(number(content as string));
    case "$float32":
      return new Value(FLOAT32, Math.fround(number(content as string)));
    case "$hexstring":
      return string(bytesText((content as string).match(/../g)?.map((byte) => Number.parseInt(byte, 16)) ?? []));
    case "$bytes":
      return sliceOf(
        UINT8,
        [...new TextEncoder().encode(content as string)].map((byte) => new Value(UINT8, BigInt(byte))),
      );
    case "$time":
      return time(parseTime("2006-01-02T15:04:05.999999999Z07:00", content as string));
    case "$duration":
      return new Value(DURATION, parseGoDuration(content as string));
    case "$strings":
      return sliceOf(STRING, (content as string[]).map(string));
    case "$ints":
      return sliceOf(
        INT,
        (content as number[]).map((item) => new Value(INT, BigInt(item))),
      );
    case "$int64s":
      return sliceOf(
        INT64,
        (content as string[]).map((item) => new Value(INT64, BigInt(item))),
      );
    case "$uint64s":
      return sliceOf(
        UINT64,
        (content as string[]).map((item) => new Value(UINT64, BigInt(item))),
      );
    case "$floats":
      return sliceOf(
        FLOAT64,
        (content as string[]).map((item) => float(number(item))),
      );
    case "$kv":
      return kv(content as Record<string, string>);
    case "$sample": {
      const { labels, value } = content as { labels: Record<string, string>; value: number | string };
      return vector([{ labels, value: number(value) }]).items[0];
    }
    case "$amdata":
      return amData(content as Record<string, unknown>);
    case "$nilmap":
      return zero(mapOf(STRING, STRING));
    case "$slice": {
      const type = goType(content as string);
      if (record.nil) return zero(type);
      return new Value(
        type,
        (record.v as unknown[]).map((item) => as(type.elem!, item)),
      );
    }
    case "$map": {
      if (typeof content !== "string") return stringMap(Object.entries(content as Record<string, string>));
      const type = goType(content);
      if (record.nil) return zero(type);
      const map = new GoMap();
      for (const [key, value] of record.v as [unknown, unknown][]) map.set(as(type.key!, key), as(type.elem!, value));
      return new Value(type, map);
    }
    case "$mapint":
    case "$mapintkey": {
      const isKey = tag === "$mapintkey";
      const type = isKey ? mapOf(INT, STRING) : mapOf(STRING, INT);
      const map = new GoMap();
      for (const [key, value] of Object.entries(content as Record<string, string>)) {
        if (isKey) map.set(new Value(INT, BigInt(key)), string(value));
        else map.set(string(key), new Value(INT, BigInt(value)));
      }
      return new Value(type, map);
    }
    case "$struct": {
      const fields = Object.entries(content as Record<string, unknown>).map(([name, item]) => {
        const value = goValue(item);
        return { name, value: value ?? boxed(undefined) };
      });
      const name = `struct { ${fields.map((field) => `${field.name} ${field.value.type.name}`).join("; ")} }`;
      const type = new Type("struct", name, {
        fields: fields.map((field) => ({ name: field.name, type: field.value.type })),
      });
      return new Value(
        type,
        fields.map((field) => field.value),
      );
    }
  }
  const map = new GoMap();
  for (const [key, value] of Object.entries(data)) map.set(string(key), boxed(goValue(value)));
  return new Value(mapOf(STRING, ANY), map);
}

/** Bytes as a Go string (see packages/gotemplate/src/text/utf8.ts for the convention). */
function bytesText(bytes: number[]): string {
  const valid = new TextDecoder("utf-8", { fatal: true });
  try {
    return valid.decode(Uint8Array.from(bytes));
  } catch {
    return bytes.map((byte) => String.fromCharCode(byte < 0x80 ? byte : 0xdc00 + byte)).join("");
  }
}
