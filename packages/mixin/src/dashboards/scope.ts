/** What every dashboard is built with: selectors of a component in the chosen cluster, and the variables that choose. */
import type { Settings } from "../params.ts";
import type { Variable } from "./dsl.ts";

export interface Scope extends Settings {
  /** Matchers joined, in braces, with that of the cluster among them; empty ones are left out. */
  sel: (...matchers: string[]) => string;
  /** The variable of the cluster, from a metric that each cluster has; none where there is no such label. */
  clusterOf: (metric: string) => Variable[];
  /** Values of a label of a metric, within the cluster. */
  values: (
    name: string,
    label: string,
    metric: string,
    matchers: string[],
    more?: { many?: boolean; of?: string },
  ) => Variable;
  /** Variables that a link hands on, with the cluster's. */
  handing: (variables: Readonly<Record<string, string>>) => Record<string, string>;
}

export const RATE = "$__rate_interval";

export function scopeOf(settings: Settings): Scope {
  const { clusterLabel } = settings;
  const sel = (...matchers: string[]): string => {
    const all = [...matchers, clusterLabel === "" ? "" : `${clusterLabel}="$cluster"`].filter((one) => one !== "");
    return `{${all.join(",")}}`;
  };
  return {
    ...settings,
    sel,
    clusterOf: (metric) =>
      clusterLabel === ""
        ? []
        : [{ name: "cluster", label: "Cluster", query: `label_values(${metric}, ${clusterLabel})` }],
    values: (name, label, metric, matchers, { many, of = name } = {}) => ({
      name,
      label,
      query: `label_values(${metric}${sel(...matchers)}, ${of})`,
      many,
    }),
    handing: (variables) => ({
      datasource: "${datasource}",
      ...(clusterLabel === "" ? {} : { cluster: "${cluster}" }),
      ...variables,
    }),
  };
}
