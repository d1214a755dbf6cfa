import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Moment } from "../time/moment.ts";
import { duration, time } from "../time/types.ts";
import { method } from "../value/function.ts";
import { ANY, BOOL, FLOAT32, INT, mapOf, STRING, Type, UINT8 } from "../value/type.ts";
import {
  ANY_MAP,
  bool,
  boxed,
  complex,
  fromJs,
  GoMap,
  int,
  pointerTo,
  sliceOf,
  string,
  Value,
  zero,
} from "../value/value.ts";
import { compact } from "./compact.ts";
import { marshal } from "./marshal.ts";

const bytes = (text: string): Value =>
  sliceOf(
    UINT8,
    Array.from(new TextEncoder().encode(text), (byte) => new Value(UINT8, BigInt(byte))),
  );

describe("marshal", () => {
  test.each([
    [undefined, "null"],
    [string('a"\\\n\u0001<&>\u2028é'), '"a\\"\\\\\\n\\u0001\\u003c\\u0026\\u003e\\u2028é"'],
    [string("\udcff"), '"\\ufffd"'],
    [int(-3), "-3"],
    [fromJs(1e21), "1e+21"],
    [fromJs(1e-7), "1e-7"],
    [fromJs(123456789), "123456789"],
    [new Value(FLOAT32, Math.fround(0.1)), "0.1"],
    [zero(STRING.slice), "null"],
    [bytes("hi"), '"aGk="'],
    [fromJs({ b: [1, null], a: true }), '{"a":true,"b":[1,null]}'],
    [time(Moment.fromMillis(1_500)), '"1970-01-01T00:00:01.5Z"'],
    [duration(5n), "5"],
    [pointerTo(int(1)), "1"],
    [
      new Value(mapOf(INT, BOOL), new GoMap().set(int(10), bool(true)).set(int(9), bool(false))),
      '{"10":true,"9":false}',
    ],
  ])("%#", (value, want) => {
    expect(marshal(value)).toBe(want);
  });

  test("takes fields by their tags", () => {
    const type = new Type("struct", "T", {
      fields: [
        { name: "A", type: INT, tag: "a" },
        { name: "B", type: STRING, tag: "b,omitempty" },
        { name: "C", type: STRING, tag: "-" },
        { name: "d", type: INT },
        { name: "E", type: INT },
      ],
    });
    expect(marshal(new Value(type, [int(1), string(""), string("x"), int(2), int(3)]))).toBe('{"a":1,"E":3}');
  });

  test("uses a type's own JSON, checked and compacted", () => {
    const own = (json: string): Value =>
      new Value(new Type("struct", "p.T").define({ MarshalJSON: method([], UINT8.slice, () => bytes(json)) }), []);
    expect(marshal(sliceOf(ANY, [boxed(own('{ "<a>": [1, 2 ] }'))]))).toBe('[{"\\u003ca\\u003e":[1,2]}]');
    expect(() => marshal(own("{ a: 1 }"))).toThrow(
      "json: error calling MarshalJSON for type p.T: invalid character 'a' looking for beginning of object key string",
    );
  });

  test("says what JSON cannot hold", () => {
    expect(() => marshal(fromJs(Number.NaN))).toThrow("json: unsupported value: NaN");
    expect(() => marshal(complex(1, 2))).toThrow("json: unsupported type: complex128");
    expect(() => marshal(new Value(mapOf(BOOL, INT), new GoMap()))).toThrow("json: unsupported type: map[bool]int");
    const map = new GoMap();
    const self = new Value(ANY_MAP, map);
    map.set(string("a"), boxed(self));
    expect(() => marshal(self)).toThrow("json: unsupported value: encountered a cycle via");
    expect(() => marshal(time(new Moment(1e12)))).toThrow("year outside of range [0,9999]");
  });

  test("is read back by JSON.parse", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (data) => {
        expect(JSON.parse(marshal(fromJs(data)))).toEqual(JSON.parse(JSON.stringify(data)));
      }),
      { seed: 3, numRuns: 300 },
    );
  });
});

describe("compact", () => {
  test.each([
    ["", "unexpected end of JSON input"],
    ["[1,]", "invalid character ']' looking for beginning of value"],
    ["[1 2]", "invalid character '2' after array element"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b"}', "invalid character '\"' after object key:value pair"],
    ["nul!", "invalid character '!' in literal null (expecting 'l')"],
    ["1 2", "invalid character '2' after top-level value"],
    ["-", "invalid character ' ' in numeric literal"],
    ["1.5.", "invalid character '.' after top-level value"],
    ["[1", "unexpected end of JSON input"],
    ["é", "invalid character 'Ã' looking for beginning of value"],
    ["1.x", "invalid character 'x' after decimal point in numeric literal"],
    ["1e+x", "invalid character 'x' in exponent of numeric literal"],
    ['"\\q"', "invalid character 'q' in string escape code"],
    ['"\\u00g0"', "invalid character 'g' in \\u hexadecimal character escape"],
    ['"\n"', "invalid character '\\n' in string literal"],
  ])("refuses %s", (json, want) => {
    expect(() => compact(json)).toThrow(want);
  });

  test("changes no value", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(4), (data, indent) => {
        const out = compact(JSON.stringify(data, null, indent));
        expect(JSON.parse(out)).toEqual(JSON.parse(JSON.stringify(data)));
        expect(out).not.toMatch(/[<>&]/);
      }),
      { seed: 3, numRuns: 300 },
    );
  });
});
