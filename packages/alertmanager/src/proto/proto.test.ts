import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeEnvelope, encodeEnvelope } from "../cluster/messages.ts";
import type { LogEntry } from "../notification-log.ts";
import { decodeEntry, encodeEntry } from "./nflog.ts";
import { decodeSilence, encodeSilence, type MeshSilence } from "./silence.ts";
import { delimited, ProtoError, readDelimited } from "./wire.ts";

const text = fc.string({ unit: "grapheme", maxLength: 12 });
const moment = fc.integer({ min: 1, max: 4_000_000_000_000 });
const hash = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const entry: fc.Arbitrary<LogEntry> = fc.record({
  groupKey: text,
  receiver: fc.record({ name: text, integration: text, index: fc.nat({ max: 1000 }) }),
  timestamp: moment,
  expiresAt: moment,
  firing: fc.array(hash, { maxLength: 4 }),
  resolved: fc.array(hash, { maxLength: 4 }),
  data: fc
    .array(
      fc.tuple(text, fc.oneof(text, fc.double({ noNaN: true }), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }))),
      { maxLength: 3 },
    )
    .map((pairs) => new Map(pairs)),
});

test("an entry of the notification log comes back as it was", () => {
  fc.assert(
    fc.property(entry, (one) => {
      expect(decodeEntry(encodeEntry(one))).toEqual(one);
    }),
    { seed: 1, numRuns: 300 },
  );
});

const matcher = fc.record({ name: text, value: text, isRegex: fc.boolean(), isEqual: fc.boolean() });
const silence: fc.Arbitrary<MeshSilence> = fc.record({
  silence: fc.record({
    id: fc.uuid(),
    matcherSets: fc.array(fc.array(matcher, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 2 }),
    receiverMatcherSets: fc.constant([]),
    startsAt: moment,
    endsAt: moment,
    updatedAt: moment,
    createdBy: text,
    comment: text,
    annotations: fc.constant({ runbook: "http://b" }),
  }),
  expiresAt: moment,
});

test("a silence comes back as it was", () => {
  fc.assert(
    fc.property(silence, (one) => {
      expect(decodeSilence(encodeSilence(one))).toEqual(one);
    }),
    { seed: 2, numRuns: 300 },
  );
});

test("messages of a stream are found one after another; a half-written last one is left", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }), fc.nat(), (messages, cut) => {
      const stream = Buffer.concat(messages.map(delimited));
      expect(readDelimited(stream).messages.map((one) => [...one])).toEqual(messages.map((one) => [...one]));
      const part = readDelimited(stream.subarray(0, cut % (stream.length + 1)));
      expect(part.messages.map((one) => [...one])).toEqual(
        messages.slice(0, part.messages.length).map((one) => [...one]),
      );
    }),
    { seed: 3, numRuns: 200 },
  );
});

test("bytes that are no message are refused, whatever they are", () => {
  const decoders = [decodeEntry, decodeSilence, decodeEnvelope, (data: Uint8Array) => readDelimited(data)];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (data) => {
      for (const decode of decoders) {
        try {
          decode(data);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtoError);
        }
      }
    }),
    { seed: 4, numRuns: 2000 },
  );
});

test("a message that was bent on its way is refused or read, and nothing else", () => {
  const envelope = encodeEnvelope({
    name: "a",
    address: "h:1",
    label: "l",
    members: [{ name: "b", address: "h:2" }],
    state: new Map([["sil", [new Uint8Array([1, 2, 3])]]]),
    leaving: true,
  });
  fc.assert(
    fc.property(fc.nat({ max: envelope.length - 1 }), fc.nat({ max: 255 }), (place, byte) => {
      const bent = Uint8Array.from(envelope);
      bent[place] = byte;
      try {
        decodeEnvelope(bent);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtoError);
      }
    }),
    { seed: 5, numRuns: 2000 },
  );
});
