/** What a role of kubernetes_sd_configs is: one kind of object, and the targets each such object has. */
import type { KubeObject } from "@pharos/kube";
import type { TargetGroup } from "@pharos/model";
import type { AttachMetadata } from "./config.ts";
import type { Kind, ObjectCache } from "./objects.ts";

export interface Scope {
  cache: ObjectCache;
  attach: AttachMetadata;
}

export interface Role<T extends KubeObject = KubeObject> {
  kind: Kind;
  /** Kinds whose labels its targets always have. */
  companions: readonly Kind[];
  source(namespace: string, name: string): string;
  /** Other objects its group depends on, as `reference` names them. */
  references(object: T): string[];
  /** `undefined`: there is no group. */
  group(object: T, scope: Scope): TargetGroup | undefined;
}

/** Key of an object of any kind; `key` is `namespace/name`, with an empty namespace for kinds without one. */
export function reference(kind: Kind, key: string): string {
  return `${kind} ${key}`;
}
