/** One Alertmanager resource: base configuration, selected AlertmanagerConfigs, each checked alone, then the whole. */
import { UserError } from "@pharos/model";
import { toAlpha } from "./alertmanager/api-versions.ts";
import { baseConfig, generateAlertmanagerConfig, globalAlertmanagerConfig } from "./alertmanager/config.ts";
import { withReadableActions } from "./alertmanager/rocketchat.ts";
import type { AlertmanagerScope } from "./alertmanager/scope.ts";
import { templateFiles } from "./alertmanager/templates.ts";
import { AssetStore } from "./assets.ts";
import type { Plan, PlanContext } from "./plan.ts";
import { toYaml } from "./prometheus/config.ts";
import type { Yaml } from "./prometheus/http-client.ts";
import { checkAlertmanagerReadable } from "./readable.ts";
import { rejection } from "./report.ts";
import type { Alertmanager, AlertmanagerConfig } from "./resources/types.ts";
import { select, selectorPair } from "./selection.ts";
import { validateAlertmanagerConfig } from "./validate.ts";
import { DEFAULT_ALERTMANAGER_VERSION, VersionGate } from "./version.ts";

function selectConfigs(scope: AlertmanagerScope, { cache, report }: PlanContext) {
  const { metadata, spec } = scope.alertmanager;
  const { namespace = "", name = "" } = metadata;
  const instance = `Alertmanager ${namespace}/${name}`;
  const pair = selectorPair(spec, "alertmanagerConfig");
  const accepted: AlertmanagerConfig[] = [];
  let rejected = 0;
  for (const object of cache.list<AlertmanagerConfig>("AlertmanagerConfig")) {
    const { selected, reason } = select(object, namespace, pair, (ns) => cache.namespaceLabels(ns));
    if (!selected) {
      report.verdict(object, { instance, accepted: false, code: "operator.not-selected", reason });
      continue;
    }
    const config = toAlpha(object);
    // A gate of its own: what this object asks for beyond the version is this object's matter.
    const gate = new VersionGate(scope.gate.version);
    const error = validateAlertmanagerConfig(config, { ...scope, gate });
    if (error) {
      rejected++;
      report.verdict(object, rejection(instance, error));
      continue;
    }
    const notes = [...gate.ignored].map(([key, why]) => `${key} is left out: it ${why}`);
    report.verdict(object, { instance, accepted: true, code: "operator.accepted", reason: "", notes });
    accepted.push(config);
  }
  return { accepted, rejected };
}

/** The base: an AlertmanagerConfig that the resource names, else a Secret. */
function base(scope: AlertmanagerScope, { cache }: PlanContext): Yaml {
  const { metadata, spec } = scope.alertmanager;
  const wanted = spec.alertmanagerConfiguration?.name;
  if (!wanted) return baseConfig(scope);
  const namespace = metadata.namespace ?? "";
  const found = cache
    .list<AlertmanagerConfig>("AlertmanagerConfig")
    .find(({ metadata: { name, namespace: ns } }) => name === wanted && ns === namespace);
  if (!found) {
    throw new UserError("operator.reference", `AlertmanagerConfig ${namespace}/${wanted} does not exist`, {
      where: { field: "spec.alertmanagerConfiguration.name" },
      fix: "Create it in the namespace of the Alertmanager",
    });
  }
  return globalAlertmanagerConfig(scope, toAlpha(found));
}

export function planAlertmanager(alertmanager: Alertmanager, context: PlanContext): Plan {
  const { cache, driver, references } = context;
  const { namespace = "", name = "" } = alertmanager.metadata;
  const instance = `Alertmanager ${namespace}/${name}`;
  const { certificates } = driver.pathsOf("Alertmanager", namespace, name);
  const assets = new AssetStore(cache.lookup, certificates);
  const scope: AlertmanagerScope = {
    alertmanager,
    assets,
    gate: new VersionGate(alertmanager.spec.version || DEFAULT_ALERTMANAGER_VERSION),
  };
  try {
    const { accepted, rejected } = selectConfigs(scope, context);
    const config = withReadableActions(generateAlertmanagerConfig(scope, base(scope, context), accepted));
    const templates = templateFiles(scope);
    const text = toYaml({ ...config, templates: [...(config.templates as string[]), ...templates.globs] });
    checkAlertmanagerReadable(text, context.driver.readerOf(alertmanager));
    return {
      desired: {
        kind: "Alertmanager",
        resource: alertmanager,
        config: text,
        files: templates.files,
        certificates: assets.files,
      },
      selected: { AlertmanagerConfig: accepted.length },
      rejected,
      notes: [...scope.gate.ignored].map(([key, why]) => `${key} is left out: it ${why}`),
    };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(error.code, error.message, {
      where: { object: instance, field: error.where.field },
      fix: error.fix,
      cause: error,
    });
  } finally {
    for (const reference of assets.references) references.add(reference);
  }
}
