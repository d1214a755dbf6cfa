/** An alert on its way from rules through notify to an Alertmanager. */
import type { Labels } from "./labels.ts";

export interface Alert {
  labels: Labels;
  annotations: Labels;
  /** Unix ms. */
  startsAt: number;
  /** Unix ms; 0: not known to have ended. */
  endsAt: number;
  generatorURL: string;
}
