/**
 * What replicas say to each other: upstream's parts of state, and who speaks.
 *
 *   FullState  1 parts* · Part 1 key ("sil", "nfl") · 2 data (length-prefixed entries)
 *   Envelope   1 name · 2 address · 3 label · 4 members* · 5 state · 6 leaving
 *   Member     1 name · 2 address
 */
import { bytesOf, delimited, numberOf, ProtoWriter, readDelimited, readFields, textOf } from "../proto/wire.ts";

export interface MemberId {
  name: string;
  /** host:port */
  address: string;
}

export interface Envelope extends MemberId {
  label: string;
  /** Those the speaker believes to be there. */
  members: MemberId[];
  /** Entries by key of the state they belong to. */
  state: Map<string, Uint8Array[]>;
  /** It is about to stop. */
  leaving: boolean;
}

export function encodeEnvelope({ name, address, label, members, state, leaving }: Envelope): Uint8Array {
  const writer = new ProtoWriter().text(1, name).text(2, address).text(3, label);
  for (const member of members) writer.message(4, (inner) => inner.text(1, member.name).text(2, member.address));
  if (state.size > 0)
    writer.message(5, (inner) => {
      for (const [key, entries] of state)
        inner.message(1, (part) => part.text(1, key).bytes(2, Buffer.concat(entries.map(delimited))));
    });
  return writer.varint(6, leaving).finish();
}

/** Throws a ProtoError when it is none. */
export function decodeEnvelope(data: Uint8Array): Envelope {
  const envelope: Envelope = { name: "", address: "", label: "", members: [], state: new Map(), leaving: false };
  for (const field of readFields(data)) {
    if (field.number === 1) envelope.name = textOf(field);
    else if (field.number === 2) envelope.address = textOf(field);
    else if (field.number === 3) envelope.label = textOf(field);
    else if (field.number === 6) envelope.leaving = numberOf(field) !== 0n;
    else if (field.number === 4) {
      const member: MemberId = { name: "", address: "" };
      for (const inner of readFields(bytesOf(field))) {
        if (inner.number === 1) member.name = textOf(inner);
        else if (inner.number === 2) member.address = textOf(inner);
      }
      envelope.members.push(member);
    } else if (field.number === 5) {
      for (const part of readFields(bytesOf(field))) {
        let key = "";
        let entries: Uint8Array[] = [];
        for (const inner of readFields(bytesOf(part))) {
          if (inner.number === 1) key = textOf(inner);
          else if (inner.number === 2) entries = readDelimited(bytesOf(inner)).messages;
        }
        envelope.state.set(key, entries);
      }
    }
  }
  return envelope;
}
