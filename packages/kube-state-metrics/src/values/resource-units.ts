/** Resource lists (requests, limits, capacity): which series a resource gets, in which unit. */
import type { Emit } from "../family.ts";
import { sanitizeLabelName } from "./label-names.ts";
import { quantityUnits, quantityValue } from "./quantity.ts";

export type ResourceList = Readonly<Record<string, string | number>> | null | undefined;

const BYTES = new Set(["storage", "ephemeral-storage", "memory"]);
const HUGE_PAGES = "hugepages-";
const ATTACHABLE = "attachable-volumes-";
const REQUESTS = "requests.";
/** A qualified name: an optional DNS subdomain, a slash, at most 63 characters of a name. */
const QUALIFIED =
  /^(?=[^/]{1,253}\/)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/(?=.{1,63}$)([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

function isExtended(name: string): boolean {
  const native = !name.includes("/") || name.includes("kubernetes.io/");
  return !native && !name.startsWith(REQUESTS) && QUALIFIED.test(REQUESTS + name);
}

/** Units of a resource; a name can fall under several rules, each of which gives a series. */
function unitsOf(name: string, countPods: boolean): string[] {
  if (name === "cpu") return ["core"];
  if (BYTES.has(name)) return ["byte"];
  if (countPods && name === "pods") return ["integer"];
  const units: string[] = [];
  if (name.startsWith(HUGE_PAGES)) units.push("byte");
  if (name.startsWith(ATTACHABLE)) units.push("byte");
  if (isExtended(name)) units.push("integer");
  return units;
}

/** Of a container: CPU to the thousandth, everything else in whole units. */
export function emitContainerResources(
  list: ResourceList,
  emit: Emit,
  container: string,
  node: string | undefined,
): void {
  for (const [name, quantity] of Object.entries(list ?? {})) {
    const value = name === "cpu" ? quantityValue(quantity) : quantityUnits(quantity);
    for (const unit of unitsOf(name, false)) {
      emit(value, ["container", container, "node", node, "resource", sanitizeLabelName(name), "unit", unit]);
    }
  }
}

/** Of a node, pods among them. */
export function emitNodeResources(list: ResourceList, emit: Emit): void {
  for (const [name, quantity] of Object.entries(list ?? {})) {
    const value = quantityValue(quantity);
    for (const unit of unitsOf(name, true)) emit(value, ["resource", sanitizeLabelName(name), "unit", unit]);
  }
}
