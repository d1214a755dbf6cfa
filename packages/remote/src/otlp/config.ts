/** The section `otlp`. Semantics and complaints are upstream's config.OTLPConfig. */
import type { YamlNode } from "@pharos/kit";
import type { UserError } from "@pharos/model";

export const TRANSLATION_STRATEGIES = [
  "UnderscoreEscapingWithSuffixes",
  "UnderscoreEscapingWithoutSuffixes",
  "NoUTF8EscapingWithSuffixes",
  "NoTranslation",
] as const;
export type TranslationStrategy = (typeof TRANSLATION_STRATEGIES)[number];

export interface OtlpConfig {
  promoteAllResourceAttributes: boolean;
  promoteResourceAttributes: string[];
  ignoreResourceAttributes: string[];
  translationStrategy: TranslationStrategy;
  keepIdentifyingResourceAttributes: boolean;
  convertHistogramsToNhcb: boolean;
  promoteScopeMetadata: boolean;
  /** Labels that would begin with one underscore get `key` before it. */
  labelNameUnderscoreSanitization: boolean;
  /** Otherwise several underscores in a row become one. */
  labelNamePreserveMultipleUnderscores: boolean;
}

const fault = (node: YamlNode, message: string): UserError => node.error(message, { code: "remote.otlp-config" });

function attributes(node: YamlNode | undefined, key: string, adjective: string): string[] {
  const names = (node?.strings() ?? []).map((name) => name.trim());
  const problems = names.flatMap((name, i) => {
    if (name === "") return [`empty ${adjective} OTel resource attribute`];
    return names.indexOf(name) < i ? [`duplicated ${adjective} OTel resource attribute ${JSON.stringify(name)}`] : [];
  });
  if (problems.length > 0) throw fault(node!, `invalid '${key}': ${problems.join("\n")}`);
  return names;
}

/** `legacyNames`: metric names are validated by the legacy scheme. */
export function parseOtlpConfig(node: YamlNode | undefined, legacyNames: boolean): OtlpConfig {
  const map = node && !node.isNull ? node.map() : undefined;
  const flag = (key: string, initial: boolean): boolean => map?.get(key)?.boolean() ?? initial;
  const strategyNode = map?.get("translation_strategy");
  const strategy = strategyNode?.string() || "UnderscoreEscapingWithSuffixes";
  const all = flag("promote_all_resource_attributes", false);
  const promote = map?.get("promote_resource_attributes");
  const ignore = map?.get("ignore_resource_attributes");
  const has = (list: YamlNode | undefined): boolean => (list?.items().length ?? 0) > 0;
  if (all && has(promote)) {
    throw fault(
      promote!,
      "'promote_all_resource_attributes' and 'promote_resource_attributes' cannot be configured simultaneously",
    );
  }
  if (!all && has(ignore)) {
    throw fault(
      ignore!,
      "'ignore_resource_attributes' cannot be configured unless 'promote_all_resource_attributes' is true",
    );
  }
  const known = TRANSLATION_STRATEGIES.find((name) => name === strategy);
  if (!known) throw fault(strategyNode!, `unsupported OTLP translation strategy ${JSON.stringify(strategy)}`);
  if (legacyNames && (known === "NoTranslation" || known === "NoUTF8EscapingWithSuffixes")) {
    throw fault(
      strategyNode!,
      `OTLP translation strategy ${JSON.stringify(strategy)} is not allowed when UTF8 is disabled`,
    );
  }
  const config: OtlpConfig = {
    promoteAllResourceAttributes: all,
    promoteResourceAttributes: attributes(promote, "promote_resource_attributes", "promoted"),
    ignoreResourceAttributes: attributes(ignore, "ignore_resource_attributes", "ignored"),
    translationStrategy: known,
    keepIdentifyingResourceAttributes: flag("keep_identifying_resource_attributes", false),
    convertHistogramsToNhcb: flag("convert_histograms_to_nhcb", false),
    promoteScopeMetadata: flag("promote_scope_metadata", false),
    labelNameUnderscoreSanitization: flag("label_name_underscore_sanitization", true),
    labelNamePreserveMultipleUnderscores: flag("label_name_preserve_multiple_underscores", true),
  };
  map?.done("config.plain");
  return config;
}
