/**
 * Which objects an instance takes, exactly as upstream: no object selector selects nothing, `{}` everything; no
 * namespace selector means the instance's own namespace, `{}` all. A refusal always says why.
 */
import { type KubeObject, type LabelSelector, matchesLabelSelector } from "@pharos/kube";

export interface Selection {
  selected: boolean;
  /** Why not; empty when selected. */
  reason: string;
}

export interface SelectorPair {
  /** Names of the two fields of the instance's spec, for the reason. */
  field: string;
  namespaceField: string;
  selector: LabelSelector | null | undefined;
  namespaceSelector: LabelSelector | null | undefined;
}

/** The two selectors of one kind; `field` as `serviceMonitor`. */
export function selectorPair(spec: object, field: string): SelectorPair {
  const selectors = spec as Record<string, LabelSelector | null | undefined>;
  return {
    field: `spec.${field}Selector`,
    namespaceField: `spec.${field}NamespaceSelector`,
    selector: selectors[`${field}Selector`],
    namespaceSelector: selectors[`${field}NamespaceSelector`],
  };
}

function describe(selector: LabelSelector): string {
  const labels = Object.entries(selector.matchLabels ?? {}).map(([name, value]) => `${name}=${value}`);
  const expressions = (selector.matchExpressions ?? []).map(
    ({ key, operator, values }) => `${key} ${operator}${values?.length ? ` (${values.join(", ")})` : ""}`,
  );
  return [...labels, ...expressions].join(", ");
}

export function select(
  object: KubeObject,
  instanceNamespace: string,
  pair: SelectorPair,
  namespaceLabels: (namespace: string) => Record<string, string> | undefined,
): Selection {
  const namespace = object.metadata.namespace ?? "";
  const { field, namespaceField, selector, namespaceSelector } = pair;
  if (!selector)
    return { selected: false, reason: `${field} is not set, which selects nothing; {} selects everything` };
  if (!namespaceSelector) {
    if (namespace !== instanceNamespace) {
      return {
        selected: false,
        reason: `${namespaceField} is not set, which selects only namespace ${instanceNamespace}; {} selects all namespaces`,
      };
    }
  } else {
    const labels = namespaceLabels(namespace);
    if (!labels) return { selected: false, reason: `namespace ${namespace} does not exist` };
    if (!matchesLabelSelector(namespaceSelector, labels)) {
      return {
        selected: false,
        reason: `the labels of namespace ${namespace} do not match ${namespaceField} (${describe(namespaceSelector)})`,
      };
    }
  }
  if (!matchesLabelSelector(selector, object.metadata.labels ?? {})) {
    return { selected: false, reason: `its labels do not match ${field} (${describe(selector)})` };
  }
  return { selected: true, reason: "" };
}
