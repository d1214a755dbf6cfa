/**
 * Upstream's MeshSilence.
 *
 *   MeshSilence  1 silence · 2 expires_at
 *   Silence      1 id · 2 matchers* · 3 starts_at · 4 ends_at · 5 updated_at · 7 comments* (old) · 8 created_by · 9 comment
 *                10 annotations{} · 11 matcher_sets* · 12 receiver_matcher_sets*
 *   Matcher      1 type (0 =, 1 =~, 2 !=, 3 !~) · 2 name · 3 pattern
 *   MatcherSet   1 matchers* · Comment 1 author · 2 comment · 3 timestamp
 *
 * `matchers` repeats the first matcher set, for readers that do not know of sets.
 */
import type { Silence, SilenceMatcher } from "../silences.ts";
import { bytesOf, numberOf, ProtoError, ProtoWriter, readFields, textOf, timestampOf } from "./wire.ts";

export interface MeshSilence {
  silence: Silence;
  /** Unix ms. */
  expiresAt: number;
}

const TYPES = [
  { isRegex: false, isEqual: true },
  { isRegex: true, isEqual: true },
  { isRegex: false, isEqual: false },
  { isRegex: true, isEqual: false },
];

function writeMatcher({ name, value, isRegex, isEqual }: SilenceMatcher): (writer: ProtoWriter) => void {
  const type = TYPES.findIndex((one) => one.isRegex === isRegex && one.isEqual === isEqual);
  return (writer) => writer.varint(1, type).text(2, name).text(3, value);
}

function readMatcher(data: Uint8Array): SilenceMatcher {
  const matcher = { name: "", value: "", ...TYPES[0] };
  for (const field of readFields(data)) {
    if (field.number === 1) {
      const type = TYPES[Number(numberOf(field))];
      if (!type) throw new ProtoError(`unknown matcher type ${numberOf(field)}`);
      Object.assign(matcher, type);
    } else if (field.number === 2) matcher.name = textOf(field);
    else if (field.number === 3) matcher.value = textOf(field);
  }
  return matcher;
}

function readMatcherSet(data: Uint8Array): SilenceMatcher[] {
  const set: SilenceMatcher[] = [];
  for (const field of readFields(data)) if (field.number === 1) set.push(readMatcher(bytesOf(field)));
  return set;
}

function readPair(data: Uint8Array): [first: string, second: string] {
  const pair: [string, string] = ["", ""];
  for (const field of readFields(data))
    if (field.number === 1 || field.number === 2) pair[field.number - 1] = textOf(field);
  return pair;
}

export function encodeSilence({ silence, expiresAt }: MeshSilence): Uint8Array {
  const writer = new ProtoWriter();
  writer.message(1, (inner) => {
    inner.text(1, silence.id);
    for (const matcher of silence.matcherSets[0] ?? []) inner.message(2, writeMatcher(matcher));
    inner.timestamp(3, silence.startsAt).timestamp(4, silence.endsAt).timestamp(5, silence.updatedAt);
    inner.text(8, silence.createdBy).text(9, silence.comment);
    for (const [name, value] of Object.entries(silence.annotations))
      inner.message(10, (entry) => entry.text(1, name, true).text(2, value, true));
    for (const [number, sets] of [
      [11, silence.matcherSets],
      [12, silence.receiverMatcherSets],
    ] as const) {
      for (const set of sets)
        inner.message(number, (entry) => {
          for (const matcher of set) entry.message(1, writeMatcher(matcher));
        });
    }
  });
  return writer.timestamp(2, expiresAt).finish();
}

/** Throws a ProtoError when it is no silence. */
export function decodeSilence(data: Uint8Array): MeshSilence {
  const silence: Silence = {
    id: "", matcherSets: [], receiverMatcherSets: [], startsAt: 0, endsAt: 0, updatedAt: 0, createdBy: "", comment: "", annotations: {},
  }; // biome-ignore format: a table
  const matchers: SilenceMatcher[] = [];
  let expiresAt = 0;
  let found = false;
  for (const field of readFields(data)) {
    if (field.number === 2) expiresAt = timestampOf(field);
    if (field.number !== 1) continue;
    found = true;
    for (const inner of readFields(bytesOf(field))) {
      switch (inner.number) {
        case 1:
          silence.id = textOf(inner);
          break;
        case 2:
          matchers.push(readMatcher(bytesOf(inner)));
          break;
        case 3:
          silence.startsAt = timestampOf(inner);
          break;
        case 4:
          silence.endsAt = timestampOf(inner);
          break;
        case 5:
          silence.updatedAt = timestampOf(inner);
          break;
        case 7:
          // Old versions kept a list; the first one counts.
          if (silence.comment === "") [silence.createdBy, silence.comment] = readPair(bytesOf(inner));
          break;
        case 8:
          silence.createdBy = textOf(inner);
          break;
        case 9:
          silence.comment = textOf(inner);
          break;
        case 10: {
          const [name, value] = readPair(bytesOf(inner));
          silence.annotations[name] = value;
          break;
        }
        case 11:
          silence.matcherSets.push(readMatcherSet(bytesOf(inner)));
          break;
        case 12:
          silence.receiverMatcherSets.push(readMatcherSet(bytesOf(inner)));
      }
    }
  }
  if (!found || silence.id === "") throw new ProtoError("no silence in the entry");
  if (silence.matcherSets.length === 0 && matchers.length > 0) silence.matcherSets = [matchers];
  return { silence, expiresAt };
}
