/**
 * Events exist in two groups, `v1` and `events.k8s.io/v1`, over one store: what is written in one is read in the other.
 * The names of the fields that differ, core's first; source of the mapping: upstream's event conversion.
 */
import type { KubeObject } from "../types.ts";
import type { ResourceKind } from "./kinds.ts";

type Fields = KubeObject & Record<string, unknown>;

const RENAMED: readonly (readonly [core: string, events: string])[] = [
  ["involvedObject", "regarding"],
  ["message", "note"],
  ["reportingComponent", "reportingController"],
  ["source", "deprecatedSource"],
  ["firstTimestamp", "deprecatedFirstTimestamp"],
  ["lastTimestamp", "deprecatedLastTimestamp"],
  ["count", "deprecatedCount"],
];

export function isEventsGroup({ group, plural }: ResourceKind): boolean {
  return group === "events.k8s.io" && plural === "events";
}

function rename(object: KubeObject, apiVersion: string, from: 0 | 1): KubeObject {
  const out = { ...object, apiVersion } as Fields;
  const source = object as Fields;
  for (const pair of RENAMED) {
    delete out[pair[from]];
    if (source[pair[from]] !== undefined) out[pair[from === 0 ? 1 : 0]] = source[pair[from]];
  }
  return out;
}

export function toCoreEvent(object: KubeObject): KubeObject {
  return object.apiVersion === "v1" ? object : rename(object, "v1", 1);
}

export function fromCoreEvent(object: KubeObject): KubeObject {
  return object.apiVersion === "v1" ? rename(object, "events.k8s.io/v1", 0) : object;
}
