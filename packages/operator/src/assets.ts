/**
 * What resources refer to: keys of Secrets and ConfigMaps. Values go inline into the generated configuration; TLS
 * material becomes files beside it, under upstream's names. Every reference is recorded, so that exactly the referenced
 * objects are watched.
 */
import { UserError } from "@pharos/model";
import type { SecretKeyRef, SecretOrConfigMap } from "./resources/common.ts";

export type AssetKind = "Secret" | "ConfigMap";

/** Text of one key; undefined when object or key do not exist. */
export type AssetLookup = (kind: AssetKind, namespace: string, name: string) => Record<string, string> | undefined;

/** What `Kind/namespace/name` holds. */
export function lookupReference(lookup: AssetLookup, id: string): Record<string, string> | undefined {
  const [kind, namespace, name] = id.split("/") as [AssetKind, string, string];
  return lookup(kind, namespace, name);
}

export class AssetStore {
  readonly #lookup: AssetLookup;
  /** Where the instance will find the files. */
  readonly directory: string;
  /** `Kind/namespace/name` of everything that was asked for, found or not. */
  readonly references = new Set<string>();
  /** Files to lie in the certificate directory: name → content. */
  readonly files = new Map<string, string>();

  /** Values stand in for ones that are not there yet: they must not be looked into. */
  readonly placeholders: boolean;

  constructor(lookup: AssetLookup, directory: string, options: { placeholders?: boolean } = {}) {
    this.#lookup = lookup;
    this.directory = directory;
    this.placeholders = options.placeholders ?? false;
  }

  #get(kind: AssetKind, namespace: string, { name = "", key = "" }: SecretKeyRef): string {
    this.references.add(`${kind}/${namespace}/${name}`);
    const data = this.#lookup(kind, namespace, name);
    if (!data) {
      throw new UserError("operator.reference", `${kind} ${namespace}/${name} does not exist`, {
        fix: `Create it with the key ${key}`,
      });
    }
    const value = data[key];
    if (value === undefined) {
      throw new UserError("operator.reference", `${kind} ${namespace}/${name} has no key ${JSON.stringify(key)}`, {
        fix: `Its keys are: ${Object.keys(data).sort().join(", ") || "none"}`,
      });
    }
    return value;
  }

  secret(namespace: string, ref: SecretKeyRef): string {
    return this.#get("Secret", namespace, ref);
  }

  /** As `secret`; undefined when an `optional` reference leads nowhere. */
  secretIfThere(namespace: string, ref: SecretKeyRef): string | undefined {
    this.references.add(`Secret/${namespace}/${ref.name ?? ""}`);
    const value = this.#lookup("Secret", namespace, ref.name ?? "")?.[ref.key ?? ""];
    return value === undefined && ref.optional ? undefined : this.secret(namespace, ref);
  }

  value(namespace: string, ref: SecretOrConfigMap): string {
    if (ref.secret) return this.#get("Secret", namespace, ref.secret);
    if (ref.configMap) return this.#get("ConfigMap", namespace, ref.configMap);
    return "";
  }

  /** All keys of an object, for whole-object references such as configSecret. */
  all(kind: AssetKind, namespace: string, name: string): Record<string, string> | undefined {
    this.references.add(`${kind}/${namespace}/${name}`);
    return this.#lookup(kind, namespace, name);
  }

  /** Path of the file that will hold the value: `<directory>/<0 Secret|1 ConfigMap>_<namespace>_<name>_<key>`. */
  file(namespace: string, ref: SecretOrConfigMap): string | undefined {
    const kind: AssetKind = ref.secret ? "Secret" : "ConfigMap";
    const key = ref.secret ?? ref.configMap;
    if (!key) return undefined;
    const name = `${kind === "Secret" ? 0 : 1}_${namespace}_${key.name ?? ""}_${key.key ?? ""}`;
    this.files.set(name, this.#get(kind, namespace, key));
    return `${this.directory}/${name}`;
  }
}
