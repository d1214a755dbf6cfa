/** The struct and functions that Go's text/template tests use (named *template.T there). */
import {
  ANY,
  arrayOf,
  BOOL,
  bool,
  boxed,
  COMPLEX128,
  complex,
  ERROR,
  FLOAT64,
  fn,
  func,
  type GoFunc,
  GoMap,
  INT,
  INT8,
  INT32,
  INT64,
  int,
  type Method,
  mapOf,
  method,
  pointerTo,
  STRING,
  sequenceOf,
  sliceOf,
  sprint,
  string,
  stringMap,
  Type,
  UINT,
  UINT8,
  UINT16,
  UINT32,
  UINT64,
  UINTPTR,
  Value,
  variadic,
  zero,
} from "@pharos/gotemplate";

const ints = (...items: number[]): Value => sliceOf(INT, items.map(int));
const map = (key: Type, elem: Type, entries: [unknown, unknown][]): Value => {
  const out = new GoMap();
  for (const [k, v] of entries) out.set(new Value(key, k), elem === ANY ? boxed(v as Value) : new Value(elem, v));
  return new Value(mapOf(key, elem), out);
};

const U = new Type("struct", "template.U", { fields: [{ name: "V", type: STRING }] });
U.define({ TrueFalse: { ...method([BOOL], STRING, (_, b) => string(b.v ? "true" : "")), pointer: true } });
const stringer = (name: string, text: (self: Value) => string, nil: string, methodName: string): Type => {
  const type = new Type("struct", name, { fields: [{ name: "j", type: INT }] });
  const show: Method = {
    ...method([], STRING, (self) =>
      string(self.kind === "ptr" && self.isNil ? nil : text(self.kind === "ptr" ? self.inner! : self)),
    ),
    pointer: true,
  };
  return type.define({ [methodName]: show });
};
const V = stringer("template.V", (self) => `<${self.items[0].v}>`, "nilV", "String");
const W = stringer("template.W", (self) => `[${self.items[0].v}]`, "nilW", "Error");
const withSpare = (slice: Value, spare: readonly Value[]): Value => Object.assign(slice, { spare });
const SI = sliceOf(INT, null).type;

const T = new Type("struct", "template.T");
const pointerMethod = (m: Method): Method => ({ ...m, pointer: true });
T.define({
  Method0: pointerMethod(method([], STRING, () => string("M0"))),
  Method1: pointerMethod(method([INT], INT, (_, a) => a)),
  Method2: pointerMethod(method([UINT16, STRING], STRING, (_, a, b) => string(`Method2: ${a.int} ${b.text}`))),
  Method3: pointerMethod(
    method([ANY], STRING, (_, v) => string(`Method3: ${v === undefined || v.isNil ? "<nil>" : sprint([v])}`)),
  ),
  MAdd: pointerMethod(
    method([INT, SI], SI, (_, x, list) =>
      sliceOf(
        INT,
        list.items.map((i) => int(i.int + x.int)),
      ),
    ),
  ),
  MyError: pointerMethod(
    method([BOOL], BOOL, (_, fail) => {
      if (fail.v) throw new Error("my error");
      return bool(false);
    }),
  ),
  GetU: pointerMethod(method([], U.pointer, (self) => fieldOf(self, "U"))),
  Copy: pointerMethod(method([], T.pointer, (self) => self)),
});
const I = new Type("interface", "template.I", { demands: ["Method0"] });
const STRINGER = new Type("interface", "fmt.Stringer", { demands: ["String"] });
const text = (shown: string, name: string, methodName: string): Value =>
  new Value(new Type("struct", name).define({ [methodName]: method([], STRING, () => string(shown)) }), []);

function fieldOf(self: Value, name: string): Value | undefined {
  return (self.kind === "ptr" ? self.inner! : self).field(name);
}

let built: Value | undefined;

export function testStruct(): Value {
  if (built) return built;
  const strings = map(STRING, INT, [
    ["eleven", 11n],
    ["twelve", 12n],
  ]);
  const values: Record<string, Value> = {
    True: bool(true),
    I: int(17),
    U16: new Value(UINT16, 16n),
    X: string("x"),
    S: string("xyz"),
    U: pointerTo(new Value(U, [string("v")])),
    V0: new Value(V, [int(6666)]),
    V1: pointerTo(new Value(V, [int(7777)])),
    V2: zero(V.pointer),
    W0: new Value(W, [int(888)]),
    W1: pointerTo(new Value(W, [int(999)])),
    W2: zero(W.pointer),
    SI: ints(3, 4, 5),
    SICap: withSpare(ints(0, 0, 0, 0, 0), ints(0, 0, 0, 0, 0).items),
    SIEmpty: zero(SI),
    AI: new Value(arrayOf(3, INT), ints(3, 4, 5).items),
    SB: sliceOf(BOOL, [bool(true), bool(false)]),
    MSI: map(STRING, INT, [
      ["one", 1n],
      ["two", 2n],
      ["three", 3n],
    ]),
    MSIone: map(STRING, INT, [["one", 1n]]),
    MSIEmpty: zero(mapOf(STRING, INT)),
    MXI: map(STRING, ANY, [["one", int(1)]]),
    MII: map(INT, INT, [[1n, 1n]]),
    MI32S: map(INT32, STRING, [
      [1n, "one"],
      [2n, "two"],
    ]),
    MI64S: map(INT64, STRING, [
      [2n, "i642"],
      [3n, "i643"],
    ]),
    MUI32S: map(UINT32, STRING, [
      [2n, "u322"],
      [3n, "u323"],
    ]),
    MUI64S: map(UINT64, STRING, [
      [2n, "ui642"],
      [3n, "ui643"],
    ]),
    MI8S: map(INT8, STRING, [
      [2n, "i82"],
      [3n, "i83"],
    ]),
    MUI8S: map(UINT8, STRING, [
      [2n, "u82"],
      [3n, "u83"],
    ]),
    SMSI: sliceOf(mapOf(STRING, INT), [
      map(STRING, INT, [
        ["one", 1n],
        ["two", 2n],
      ]),
      strings,
    ]),
    Empty0: boxed(undefined),
    Empty1: boxed(int(3)),
    Empty2: boxed(string("empty2")),
    Empty3: boxed(ints(7, 8)),
    Empty4: boxed(pointerTo(new Value(U, [string("UinEmpty")]))),
    NonEmptyInterface: boxed(undefined, I),
    NonEmptyInterfacePtS: boxed(pointerTo(sliceOf(STRING, [string("a"), string("b")])), ANY),
    NonEmptyInterfaceTypedNil: boxed(zero(T.pointer), I),
    Str: boxed(text("foozle", "bytes.Buffer", "String"), STRINGER),
    Err: boxed(text("erroozle", "errors.errorString", "Error"), ERROR),
    PI: pointerTo(int(23)),
    PS: pointerTo(string("a string")),
    PSI: pointerTo(ints(21, 22, 23)),
    NIL: zero(INT.pointer),
    EP: boxed(undefined),
    FloatZero: zero(FLOAT64),
    ComplexZero: zero(COMPLEX128),
    BinaryFunc: func(fn([STRING, STRING], STRING, (a, b) => string(`[${a.text}=${b.text}]`))),
    VariadicFunc: func(variadic([STRING], STRING, (args) => string(`<${args.map((arg) => arg!.text).join("+")}>`))),
    VariadicFuncInt: func(
      variadic([INT, STRING], STRING, ([n, ...args]) =>
        string(`${n!.int}=<${args.map((arg) => arg!.text).join("+")}>`),
      ),
    ),
    NilOKFunc: func(fn([INT.pointer], BOOL, (s) => bool(s.isNil))),
    ErrFunc: func(fn([], STRING, () => string("bla"))),
    unexported: int(0),
    Uthree: new Value(UINT, 3n),
    Ufour: new Value(UINT, 4n),
    NegOne: int(-1),
    Three: int(3),
    Ptr: pointerTo(int(3)),
    NilPtr: zero(INT.pointer),
    Map: zero(mapOf(INT, INT)),
    NonNilMap: map(INT, INT, []),
    Iface1: boxed(text("iface", "bytes.Buffer", "String"), STRINGER),
    NilIface: boxed(undefined, STRINGER),
  };
  const fields = Object.entries(values).map(([name, value]) => ({ name, type: value.type }));
  (T as { fields: Type["fields"] }).fields = fields;
  const items = Object.values(values);
  built = pointerTo(new Value(T, items));
  items[Object.keys(values).indexOf("NonEmptyInterface")] = boxed(built, I);
  return built;
}

/** Values of the rows that JSON cannot write, by the type that the row names. */
export function referencedValue(reference: string, shown: string, name: string): Value | undefined {
  const count = name.endsWith(" else") ? 0 : 2;
  const numbers = Array.from({ length: count }, (_, i) => int(i));
  switch (reference) {
    case "tVal":
      return testStruct();
    case "template.T":
      return new Value(
        T,
        T.fields.map(({ type }) => zero(type)),
      );
    case "*template.I":
      return pointerTo(boxed(testStruct(), I));
    case "[]*template.T":
      return sliceOf(T.pointer, [zero(T.pointer)]);
    case "complex128":
      return complex(16.2, -17);
    case "struct { a int; b string }": {
      const fields = [
        { name: "a", type: INT },
        { name: "b", type: STRING },
      ];
      return new Value(new Type("struct", reference, { fields }), [int(7), string("seven")]);
    }
    case "map[string]interface {}":
      return map(STRING, ANY, [["S", pointerTo(text("foozle", "bytes.Buffer", "String"))]]);
    case "iter.Seq[int]":
      return new Value(sequenceOf(INT), () => numbers.map((n) => [n]));
    case "iter.Seq2[int,int]":
      return new Value(sequenceOf(INT, INT), () => numbers.map((n) => [n, int(n.int + 1n)]));
    case "uintptr":
      return new Value(UINTPTR, BigInt(shown));
    default:
      throw new Error(`no value for ${reference}`);
  }
}

/** The other struct of Go's comparison tests: V1 and V2 are equal values there. */
export function comparisonStruct(): Value {
  const base = testStruct().inner!;
  const fields = base.type.fields.map(({ name, type }) => ({ name, type: /^V[12]$/.test(name) ? V : type }));
  const items = base.items.map((item, i) => (/^V[12]$/.test(fields[i].name) ? zero(V) : item));
  return pointerTo(new Value(new Type("struct", "template.cmpStruct", { fields }), items));
}

const shown = (arg: Value | undefined): string => arg?.text ?? "";

export function goFunctions(): Record<string, GoFunc> {
  return {
    add: variadic([INT], INT, (args) => int(args.reduce((sum, arg) => sum + arg!.int, 0n))),
    count: fn([INT], STRING.slice, (n) => sliceOf(STRING, [..."abcdefghijklm"].slice(0, Number(n.int)).map(string))),
    dddArg: variadic([INT, STRING], STRING, () => string("dddArg")),
    die: fn([], BOOL, () => {
      throw new Error("die");
    }),
    echo: fn([ANY], ANY, (arg) => arg),
    makemap: variadic([STRING], mapOf(STRING, STRING), (args) => {
      const pairs: [string, string][] = [];
      for (let i = 0; i < args.length; i += 2) pairs.push([shown(args[i]), shown(args[i + 1])]);
      return stringMap(pairs);
    }),
    mapOfThree: fn([], ANY, () => boxed(map(STRING, INT, [["three", 3n]]))),
    nilInterface: fn([], ANY, () => boxed(undefined)),
    oneArg: fn([STRING], STRING, (a) => string(`oneArg=${a.text}`)),
    twoArgs: fn([STRING, STRING], STRING, (a, b) => string(`twoArgs=${a.text}${b.text}`)),
    returnInt: fn([], INT, () => int(7)),
    stringer: fn([STRINGER], STRING, (a) => a.inner!.type.method("String")!.call(a.inner!, [])),
    typeOf: fn([ANY], STRING, (arg) => string((arg.inner ?? arg).type.name)),
    valueString: fn([STRING], STRING, () => string("value is ignored")),
    vfunc: fn([V, V.pointer], STRING, () => string("vfunc")),
    zeroArgs: fn([], STRING, () => string("zeroArgs")),
  };
}
