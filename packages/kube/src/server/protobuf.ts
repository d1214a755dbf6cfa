/**
 * Bodies in Kubernetes' protobuf form, for the few kinds kubectl's own `create` commands send so and in no other way:
 *
 *   "k8s\0" + Unknown { 1: TypeMeta { 1: apiVersion, 2: kind }, 2: raw }
 *
 * Each kind's fields are a table: number → name and form. Other kinds are refused; clients send those as JSON.
 */
import { badRequest, StatusError } from "./status-error.ts";

type Form = "string" | "base64" | "bool" | "stringMap" | "base64Map" | Message;
interface Message {
  [field: number]: readonly [name: string, form: Form];
}

const OBJECT_META: Message = {
  1: ["name", "string"],
  2: ["generateName", "string"],
  3: ["namespace", "string"],
  11: ["labels", "stringMap"],
  12: ["annotations", "stringMap"],
};

const KINDS: Record<string, Message> = {
  Namespace: { 1: ["metadata", OBJECT_META] },
  ServiceAccount: { 1: ["metadata", OBJECT_META] },
  ConfigMap: {
    1: ["metadata", OBJECT_META],
    2: ["data", "stringMap"],
    3: ["binaryData", "base64Map"],
    4: ["immutable", "bool"],
  },
  Secret: {
    1: ["metadata", OBJECT_META],
    2: ["data", "base64Map"],
    3: ["type", "string"],
    4: ["stringData", "stringMap"],
    5: ["immutable", "bool"],
  },
};

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

function decode(buffer: Buffer, message: Message): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const { number, bytes, value } of fields(buffer)) {
    const known = message[number];
    if (!known) continue;
    const [name, form] = known;
    if (form === "string") {
      if (bytes.length > 0) out[name] = bytes.toString("utf8");
    } else if (form === "base64") out[name] = bytes.toString("base64");
    else if (form === "bool") out[name] = value !== 0;
    else if (form === "stringMap" || form === "base64Map") {
      const [key, content] = mapEntry(bytes);
      const map = (out[name] ??= {}) as Record<string, string>;
      map[key] = content.toString(form === "stringMap" ? "utf8" : "base64");
    } else out[name] = decode(bytes, form);
  }
  return out;
}

/** The object of a protobuf body. 415 for kinds that are not in the table. */
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
  const message = apiVersion === "v1" ? KINDS[kind] : undefined;
  if (!message) {
    throw new StatusError(
      415,
      "UnsupportedMediaType",
      `${kind} in ${apiVersion} is not read as protobuf here: send it as JSON or YAML (kubectl create … --dry-run=client -o yaml | kubectl apply -f -)`,
    );
  }
  return { apiVersion, kind, ...decode(raw, message) };
}
