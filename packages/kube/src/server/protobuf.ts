/**
 * Bodies in Kubernetes' protobuf form, for the few kinds kubectl's own `create` commands send so and in no other way:
 *
 *   "k8s\0" + Unknown { 1: TypeMeta { 1: apiVersion, 2: kind }, 2: raw }
 *
 * Each kind's fields are a table (protobuf-kinds.ts). Other kinds are refused; clients send those as JSON.
 */
import { type Message, PROTOBUF_KINDS } from "./protobuf-kinds.ts";
import { badRequest, StatusError } from "./status-error.ts";

const MAGIC = Buffer.from("k8s\0");

interface Field {
  number: number;
  /** Bytes of a length-delimited field. */
  bytes: Buffer;
  /** Value of a varint field. */
  value: number;
}

function* fields(buffer: Buffer): Generator<Field> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= buffer.length) throw badRequest("the protobuf body ends in the middle of a number");
      const byte = buffer[at++];
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw badRequest("the protobuf body has a number that is too long");
  };
  while (at < buffer.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    const wire = tag % 8;
    if (wire === 0) yield { number, bytes: Buffer.alloc(0), value: varint() };
    else if (wire === 2) {
      const length = varint();
      if (at + length > buffer.length) throw badRequest("the protobuf body ends in the middle of a field");
      yield { number, bytes: buffer.subarray(at, at + length), value: 0 };
      at += length;
    } else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else throw badRequest(`the protobuf body has a field of unknown wire type ${wire}`);
  }
}

function mapEntry(bytes: Buffer): [string, Buffer] {
  let key = "";
  let value: Buffer = Buffer.alloc(0);
  for (const field of fields(bytes)) {
    if (field.number === 1) key = field.bytes.toString("utf8");
    if (field.number === 2) value = field.bytes;
  }
  return [key, value];
}

function intOrString(bytes: Buffer): number | string {
  let isText = false;
  let whole = 0;
  let text = "";
  for (const { number, value, bytes: inner } of fields(bytes)) {
    if (number === 1) isText = value === 1;
    if (number === 2) whole = value;
    if (number === 3) text = inner.toString("utf8");
  }
  return isText ? text : whole;
}

function decode(buffer: Buffer, message: Message, path: string): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  const append = (name: string, item: unknown): void => {
    ((out[name] ??= []) as unknown[]).push(item);
  };
  const putIn = (name: string, key: string, value: string): void => {
    ((out[name] ??= {}) as Record<string, string>)[key] = value;
  };
  for (const { number, bytes, value } of fields(buffer)) {
    const known = message[number];
    if (!known) {
      // Empty fields are written too; one with a value that is not in the table must not get lost.
      if (bytes.length === 0 && value === 0) continue;
      throw unreadable(`field ${number} of ${path}`);
    }
    const [name, form] = known;
    if (form === "skip") continue;
    if (Array.isArray(form)) append(name, decode(bytes, form[0], `${path}.${name}`));
    else if (typeof form === "object") {
      const inner = decode(bytes, form as Message, `${path}.${name}`);
      // Structs that are no pointers are always written: empty ones say nothing.
      if (Object.keys(inner).length > 0) out[name] = inner;
    } else if (form === "string") {
      if (bytes.length > 0) out[name] = bytes.toString("utf8");
    } else if (form === "strings") append(name, bytes.toString("utf8"));
    else if (form === "base64") out[name] = bytes.toString("base64");
    else if (form === "bool") {
      if (value !== 0) out[name] = true;
    } else if (form === "number") {
      if (value !== 0) out[name] = value;
    } else if (form === "pointer") out[name] = value;
    else if (form === "intOrString") {
      const decoded = intOrString(bytes);
      if (decoded !== 0 && decoded !== "") out[name] = decoded;
    } else {
      const [key, content] = mapEntry(bytes);
      if (form === "quantityMap") {
        const text = [...fields(content)].find((field) => field.number === 1)?.bytes.toString("utf8");
        putIn(name, key, text ?? "0");
      } else putIn(name, key, content.toString(form === "stringMap" ? "utf8" : "base64"));
    }
  }
  return out;
}

function unreadable(what: string): StatusError {
  return new StatusError(
    415,
    "UnsupportedMediaType",
    `${what} is not read as protobuf here: send it as JSON or YAML (kubectl create … --dry-run=client -o yaml | kubectl apply -f -)`,
  );
}

/** The object of a protobuf body. 415 for kinds and fields that are not in the tables. */
export function decodeProtobuf(body: Buffer): Record<string, unknown> {
  if (!body.subarray(0, 4).equals(MAGIC)) throw badRequest("the body is not in Kubernetes' protobuf form");
  let apiVersion = "";
  let kind = "";
  let raw: Buffer = Buffer.alloc(0);
  for (const { number, bytes } of fields(body.subarray(4))) {
    if (number === 2) raw = bytes;
    if (number !== 1) continue;
    for (const inner of fields(bytes)) {
      if (inner.number === 1) apiVersion = inner.bytes.toString("utf8");
      if (inner.number === 2) kind = inner.bytes.toString("utf8");
    }
  }
  const message = PROTOBUF_KINDS[`${apiVersion}/${kind}`];
  if (!message) throw unreadable(`${kind} in ${apiVersion}`);
  return { apiVersion, kind, ...decode(raw, message, kind) };
}
