import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeProtobuf } from "./protobuf.ts";
import { StatusError } from "./status-error.ts";

const field = (number: number, bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from([number * 8 + 2, bytes.length]), bytes]);
const text = (number: number, value: string): Buffer => field(number, Buffer.from(value));

function body(kind: string, raw: Buffer): Buffer {
  return Buffer.concat([Buffer.from("k8s\0"), field(1, Buffer.concat([text(1, "v1"), text(2, kind)])), field(2, raw)]);
}

test("reads what `kubectl create configmap` and `create secret` send", () => {
  const metadata = field(1, Buffer.concat([text(1, "foo"), text(3, "default")]));
  const entry = field(2, Buffer.concat([text(1, "a"), text(2, "b")]));
  expect(decodeProtobuf(body("ConfigMap", Buffer.concat([metadata, entry])))).toEqual({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "foo", namespace: "default" },
    data: { a: "b" },
  });
  expect(decodeProtobuf(body("Secret", Buffer.concat([metadata, entry])))).toMatchObject({ data: { a: "Yg==" } });
});

test("a kind that is not in the table says how to send it", () => {
  expect(() => decodeProtobuf(body("Node", Buffer.alloc(0)))).toThrow("send it as JSON or YAML");
});

test("a field that is not in the table is refused, not lost", () => {
  // Field 5 of a ConfigMap, three bytes long.
  expect(() => decodeProtobuf(body("ConfigMap", Buffer.from([0x2a, 3, 1, 2, 3])))).toThrow("field 5 of ConfigMap");
});

test("fuzz: any bytes are an object or a clean refusal", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (bytes, enveloped) => {
      const buffer = Buffer.from(bytes);
      try {
        decodeProtobuf(
          enveloped ? body("Secret", buffer.subarray(0, 100)) : Buffer.concat([Buffer.from("k8s\0"), buffer]),
        );
      } catch (error) {
        expect(error).toBeInstanceOf(StatusError);
      }
    }),
    { seed: 1, numRuns: 500 },
  );
});
