/** What a metric of a custom resource's configuration makes of an object: gauges, infos and state sets, as upstream's. */
import { compareStrings } from "@pharos/model";
import type { FamilyType } from "../family.ts";
import { goText, isMap, toNumber } from "./go-value.ts";
import { type LabelMap, type PathLabels, ValuePath } from "./path.ts";

export interface EachValue {
  labels: LabelMap;
  value: number;
}

export type OnError = (message: string) => void;

/** A way to make series of what a path leads to. */
export interface Each {
  type: FamilyType;
  path: ValuePath;
  values(found: unknown, onError: OnError): EachValue[];
}

export interface GaugeConfig {
  path: ValuePath;
  valueFrom: ValuePath;
  labelFromKey: string;
  labelsFromPath: PathLabels;
  nilIsZero: boolean;
}

export function gauge({ path, valueFrom, labelFromKey, labelsFromPath, nilIsZero }: GaugeConfig): Each {
  /** Undefined: nothing to show. Throws when it is no number. */
  const one = (item: unknown): EachValue | undefined => {
    const found = valueFrom.get(item);
    if (found !== null && found !== undefined) {
      try {
        return { labels: {}, value: toNumber(found, nilIsZero) };
      } catch (error) {
        throw new Error(`${valueFrom}: ${(error as Error).message}`);
      }
    }
    if (nilIsZero) return { labels: {}, value: 0 };
    if (item === null || item === undefined) throw new Error("got nil while resolving path");
    return undefined;
  };
  /** `valueFrom` may name the key of the very entry at hand. */
  const direct = valueFrom.parts.length === 1 && /^[^,]+$/.test(valueFrom.parts[0]) ? valueFrom.parts[0] : undefined;
  const ofMap = (map: Readonly<Record<string, unknown>>, onError: OnError): EachValue[] => {
    const values: EachValue[] = [];
    for (const [key, item] of Object.entries(map)) {
      let value: EachValue | undefined;
      if (key === direct) {
        try {
          value = { labels: {}, value: toNumber(item, nilIsZero) };
        } catch (error) {
          onError(`${path}: [${key}]: ${(error as Error).message}`);
        }
      } else {
        // An entry that is no number is passed over: a map may hold other things besides.
        value = quietly(() => one(item));
      }
      if (!value) continue;
      if (key !== "" && labelFromKey !== "") value.labels[labelFromKey] = key;
      labelsFromPath.addTo(value.labels, item);
      labelsFromPath.addTo(value.labels, map);
      values.push(value);
    }
    return values;
  };
  return {
    type: "gauge",
    path,
    values(found, onError) {
      if (isMap(found)) return ofMap(found, onError);
      const items = Array.isArray(found) ? found : [found];
      return items.flatMap((item, i) => {
        try {
          const value = one(item);
          if (!value) return [];
          labelsFromPath.addTo(value.labels, item);
          return [value];
        } catch (error) {
          onError(`${path}: ${Array.isArray(found) ? `[${i}]: ` : ""}${(error as Error).message}`);
          return [];
        }
      });
    },
  };
}

function quietly<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

export interface InfoConfig {
  path: ValuePath;
  labelFromKey: string;
  labelsFromPath: PathLabels;
}

export function info({ path, labelFromKey, labelsFromPath }: InfoConfig): Each {
  const one = (item: unknown): EachValue[] => {
    if (item === null || item === undefined) return [];
    const labels: LabelMap = {};
    labelsFromPath.addTo(labels, item);
    return Object.keys(labels).length > 0 ? [{ labels, value: 1 }] : [];
  };
  return {
    type: "info",
    path,
    values(found) {
      if (Array.isArray(found)) return found.flatMap(one);
      if (!isMap(found)) return one(found);
      const values: EachValue[] = [];
      for (const [key, item] of Object.entries(found)) {
        const labels: LabelMap = {};
        if (key !== "" && labelFromKey !== "") labels[labelFromKey] = key;
        labelsFromPath.addTo(labels, item);
        if (Object.keys(labels).length > 0) values.push({ labels, value: 1 });
      }
      return [...values, ...one(found)];
    },
  };
}

export interface StateSetConfig {
  path: ValuePath;
  valueFrom: ValuePath;
  labelName: string;
  labelsFromPath: PathLabels;
  list: readonly string[];
}

export function stateSet({ path, valueFrom, labelName, labelsFromPath, list }: StateSetConfig): Each {
  const where = new ValuePath([...path.parts, ...valueFrom.parts]);
  const one = (item: unknown, onError: OnError): EachValue[] => {
    const state = valueFrom.get(item);
    // Status fields that are not there yet are no error.
    if (state === null || state === undefined) return [];
    if (typeof state !== "string") {
      onError(`${where}: expected value for path to be string, got ${goText(state)}`);
      return [];
    }
    return list.map((entry) => {
      const labels: LabelMap = { [labelName]: entry };
      labelsFromPath.addTo(labels, item);
      return { labels, value: Number(entry === state) };
    });
  };
  return {
    type: "stateset",
    path,
    values: (found, onError) =>
      Array.isArray(found) ? found.flatMap((item) => one(item, onError)) : one(found, onError),
  };
}

/** Order of series: by names and values of their labels. */
export function compareLabels({ labels: a }: EachValue, { labels: b }: EachValue): number {
  const aNames = Object.keys(a).sort(compareStrings);
  const bNames = Object.keys(b).sort(compareStrings);
  for (let i = 0; i < Math.min(aNames.length, bNames.length); i++) {
    const order = compareStrings(aNames[i], bNames[i]) || compareStrings(a[aNames[i]], b[bNames[i]]);
    if (order !== 0) return order;
  }
  return aNames.length - bNames.length;
}
