/** The struct that Go's html/template tests give their templates. */
import {
  ANY,
  bool,
  boxed,
  HTML,
  INT,
  int,
  method,
  pointerTo,
  STRING,
  sliceOf,
  string,
  Type,
  UINT8,
  Value,
  zero,
} from "@pharos/gotemplate";

/** A type that gives this as its JSON. */
function marshaler(name: string, json: string): Value {
  const bytes = Array.from(new TextEncoder().encode(json), (byte) => new Value(UINT8, BigInt(byte)));
  const type = new Type("struct", name);
  type.define({ MarshalJSON: { ...method([], UINT8.slice, () => sliceOf(UINT8, bytes)), pointer: true } });
  return pointerTo(new Value(type, []));
}

const MARSHALER = new Type("interface", "json.Marshaler", { demands: ["MarshalJSON"] });

const FIELDS: Readonly<Record<string, Value>> = {
  F: bool(false),
  T: bool(true),
  C: string("<Cincinnati>"),
  G: string("<Goodbye>"),
  H: string("<Hello>"),
  I: string("${ asd `` }"),
  A: sliceOf(STRING, [string("<a>"), string("<b>")]),
  E: sliceOf(STRING, []),
  B: boxed(marshaler("template.badMarshaler", "{ foo: 'not quite valid JSON' }"), MARSHALER),
  M: boxed(marshaler("template.goodMarshaler", `{ "<foo>": "O'Reilly" }`), MARSHALER),
  N: int(42),
  U: boxed(undefined, ANY),
  Z: zero(INT.pointer),
  W: new Value(HTML, '&iexcl;<b class="foo">Hello</b>, <textarea>O\'World</textarea>!'),
};

export function htmlStruct(): Value {
  const fields = Object.entries(FIELDS).map(([name, value]) => ({ name, type: value.type }));
  const type = new Type("struct", "struct { F bool; T bool }", { fields });
  return pointerTo(new Value(type, Object.values(FIELDS)));
}
