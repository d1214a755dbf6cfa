/** Alerts as a table names them: by their labels. */
import type { StoredAlert } from "@pharos/alertmanager";
import { Labels } from "@pharos/model";

export type LabelMap = Record<string, string>;

export function alertOf(labels: LabelMap, endsAt: number, updatedAt = 1_000_000): StoredAlert {
  return {
    labels: Labels.from(labels),
    annotations: Labels.empty,
    startsAt: 1,
    endsAt,
    updatedAt,
    generatorURL: "",
    timeout: false,
  };
}
