/**
 * Upstream's MeshEntry of the notification log.
 *
 *   MeshEntry          1 entry · 2 expires_at
 *   Entry              1 group_key (bytes) · 2 receiver · 5 timestamp · 6 firing_alerts* · 7 resolved_alerts* · 8 receiver_data{}
 *   Receiver           1 group_name · 2 integration · 3 idx
 *   ReceiverDataValue  1 text · 2 int64 · 3 double
 */
import type { LogEntry } from "../notification-log.ts";
import {
  bytesOf,
  doubleOf,
  numberOf,
  ProtoError,
  ProtoWriter,
  packedOf,
  readFields,
  textOf,
  timestampOf,
} from "./wire.ts";

export function encodeEntry(entry: LogEntry): Uint8Array {
  const writer = new ProtoWriter();
  writer.message(1, (inner) => {
    inner.text(1, entry.groupKey);
    inner.message(2, (receiver) =>
      receiver.text(1, entry.receiver.name).text(2, entry.receiver.integration).varint(3, entry.receiver.index),
    );
    inner.timestamp(5, entry.timestamp).packed(6, entry.firing).packed(7, entry.resolved);
    for (const [name, value] of entry.data) {
      inner.message(8, (pair) =>
        pair.text(1, name, true).message(2, (holder) => {
          if (typeof value === "string") holder.text(1, value, true);
          else if (typeof value === "bigint") holder.varint(2, value, true);
          else holder.double(3, value);
        }),
      );
    }
  });
  return writer.timestamp(2, entry.expiresAt).finish();
}

function readValue(data: Uint8Array): string | number | bigint {
  for (const field of readFields(data)) {
    if (field.number === 1) return textOf(field);
    if (field.number === 2) return BigInt.asIntN(64, numberOf(field));
    if (field.number === 3) return doubleOf(field);
  }
  return "";
}

/** Throws a ProtoError when it is no entry. */
export function decodeEntry(data: Uint8Array): LogEntry {
  const entry: LogEntry = {
    groupKey: "", receiver: { name: "", integration: "", index: 0 }, timestamp: 0, expiresAt: 0, firing: [], resolved: [], data: new Map(),
  }; // biome-ignore format: a table
  let found = false;
  for (const field of readFields(data)) {
    if (field.number === 2) entry.expiresAt = timestampOf(field);
    if (field.number !== 1) continue;
    for (const inner of readFields(bytesOf(field))) {
      if (inner.number === 1) entry.groupKey = textOf(inner);
      else if (inner.number === 2) {
        found = true;
        for (const part of readFields(bytesOf(inner))) {
          if (part.number === 1) entry.receiver.name = textOf(part);
          else if (part.number === 2) entry.receiver.integration = textOf(part);
          else if (part.number === 3) entry.receiver.index = Number(numberOf(part));
        }
      } else if (inner.number === 5) entry.timestamp = timestampOf(inner);
      else if (inner.number === 6) entry.firing.push(...packedOf(inner));
      else if (inner.number === 7) entry.resolved.push(...packedOf(inner));
      else if (inner.number === 8) {
        let name = "";
        let value: string | number | bigint = "";
        for (const part of readFields(bytesOf(inner))) {
          if (part.number === 1) name = textOf(part);
          else if (part.number === 2) value = readValue(bytesOf(part));
        }
        entry.data.set(name, value);
      }
    }
  }
  if (!found) throw new ProtoError("no receiver in the entry");
  return entry;
}
