/** spec.otlp and spec.tracingConfig → the otlp and tracing sections. */
import { UserError } from "@pharos/model";
import { atLeast } from "../version.ts";
import { quantityNumber } from "./endpoint.ts";
import { tlsConfig, type Yaml } from "./http-client.ts";
import { type GenerationScope, ownScope } from "./scope.ts";

/** Strategies that only newer versions have. */
const STRATEGIES: Record<string, string> = { NoTranslation: "3.4.0", UnderscoreEscapingWithoutSuffixes: "3.6.0" };

function invalid(field: string, message: string, fix: string): UserError {
  return new UserError("operator.invalid", message, { where: { field }, fix });
}

function checkOtlp({ prometheus: { spec }, gate: { version } }: GenerationScope): void {
  const otlp = spec.otlp;
  const strategy = otlp?.translationStrategy;
  if (!atLeast(version, "2.55.0")) {
    throw invalid("spec.otlp", "OTLP configuration needs Prometheus 2.55.0", "Raise spec.version or remove spec.otlp");
  }
  if (strategy === "NoUTF8EscapingWithSuffixes" && spec.nameValidationScheme === "Legacy") {
    throw invalid(
      "spec.otlp.translationStrategy",
      `translation strategy ${strategy} is not compatible with nameValidationScheme Legacy`,
      "Use nameValidationScheme UTF8 or another strategy",
    );
  }
  const since = strategy && STRATEGIES[strategy];
  if (since && !atLeast(version, since)) {
    throw invalid(
      "spec.otlp.translationStrategy",
      `translation strategy ${strategy} needs Prometheus ${since}`,
      "Raise spec.version or use another strategy",
    );
  }
  if (!atLeast(version, "3.5.0")) return;
  if (otlp?.promoteAllResourceAttributes && otlp.promoteResourceAttributes?.length) {
    throw invalid(
      "spec.otlp",
      "promoteAllResourceAttributes and promoteResourceAttributes cannot be set together",
      "Remove one of them",
    );
  }
  if (otlp?.ignoreResourceAttributes?.length && !otlp.promoteAllResourceAttributes) {
    throw invalid(
      "spec.otlp.ignoreResourceAttributes",
      "ignoreResourceAttributes needs promoteAllResourceAttributes",
      "Set promoteAllResourceAttributes: true or remove the list",
    );
  }
}

export function otlpSection(scope: GenerationScope): Yaml {
  const { otlp } = scope.prometheus.spec;
  if (!otlp) return {};
  checkOtlp(scope);
  const out: Yaml = {};
  const set = (key: string, value: unknown, since: string): void => {
    if (!Array.isArray(value) || value.length > 0) scope.gate.set(out, key, value, since);
  };
  set("promote_resource_attributes", otlp.promoteResourceAttributes, "2.55.0");
  set("translation_strategy", otlp.translationStrategy || undefined, "3.0.0");
  set("keep_identifying_resource_attributes", otlp.keepIdentifyingResourceAttributes, "3.1.0");
  set("convert_histograms_to_nhcb", otlp.convertHistogramsToNHCB, "3.4.0");
  set("promote_all_resource_attributes", otlp.promoteAllResourceAttributes, "3.5.0");
  set("ignore_resource_attributes", otlp.ignoreResourceAttributes, "3.5.0");
  set("promote_scope_metadata", otlp.promoteScopeMetadata, "3.6.0");
  set("label_name_underscore_sanitization", otlp.labelNameUnderscoreSanitization, "3.8.0");
  set("label_name_preserve_multiple_underscores", otlp.labelNamePreserveMultipleUnderscores, "3.8.0");
  return Object.keys(out).length > 0 ? { otlp: out } : {};
}

export function tracingSection(scope: GenerationScope): Yaml {
  const tracing = scope.prometheus.spec.tracingConfig;
  if (!tracing) return {};
  const out: Yaml = { endpoint: tracing.endpoint };
  if (tracing.clientType) out.client_type = tracing.clientType.toLowerCase();
  if (tracing.samplingFraction !== undefined) {
    const fraction = quantityNumber(tracing.samplingFraction);
    if (!(fraction >= 0 && fraction <= 1)) {
      throw invalid(
        "spec.tracingConfig.samplingFraction",
        `samplingFraction ${tracing.samplingFraction} is not between 0 and 1`,
        "Write a fraction such as 0.1",
      );
    }
    out.sampling_fraction = fraction;
  }
  if (tracing.insecure !== undefined) out.insecure = tracing.insecure;
  if (tracing.headers && Object.keys(tracing.headers).length > 0) out.headers = tracing.headers;
  if (tracing.compression) out.compression = tracing.compression.toLowerCase();
  if (tracing.timeout) out.timeout = tracing.timeout;
  return { tracing: { ...out, ...tlsConfig(tracing.tlsConfig, ownScope(scope)) } };
}
