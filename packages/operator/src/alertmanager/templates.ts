/** spec.alertmanagerConfiguration.templates → template files beside the configuration. */
import { dirname, join } from "node:path";
import type { SecretKeyRef } from "../resources/common.ts";
import type { AlertmanagerScope } from "./scope.ts";

export interface TemplateFiles {
  files: Map<string, string>;
  /** Entries of `templates`; none when there are no files. */
  globs: string[];
}

/** Folder of templates beside that of TLS material, in every driver. */
export function templateFolder(certificates: string): string {
  return join(dirname(certificates), "templates");
}

/** One file a reference, named by its key; the first of two with the same name stays. */
export function templateFiles({ alertmanager, assets }: AlertmanagerScope): TemplateFiles {
  const files = new Map<string, string>();
  const namespace = alertmanager.metadata.namespace ?? "";
  for (const reference of alertmanager.spec.alertmanagerConfiguration?.templates ?? []) {
    const key: SecretKeyRef | undefined = reference.secret ?? reference.configMap;
    if (!key?.key || files.has(key.key)) continue;
    files.set(key.key, assets.value(namespace, reference));
  }
  return { files, globs: files.size > 0 ? [join(templateFolder(assets.directory), "*")] : [] };
}
