/** One Alertmanager resource: base configuration, selected AlertmanagerConfigs, each checked alone, then the whole. */
import { loadAlertmanagerConfig } from "@pharos/alertmanager";
import { UserError } from "@pharos/model";
import { baseConfig, generateAlertmanagerConfig } from "./alertmanager/config.ts";
import type { AlertmanagerScope } from "./alertmanager/scope.ts";
import { AssetStore } from "./assets.ts";
import type { OperatorCache } from "./cache.ts";
import type { InstanceDriver } from "./drivers/driver.ts";
import { toYaml } from "./prometheus/config.ts";
import type { Plan } from "./reconcile-prometheus.ts";
import { type ReportBuilder, rejection } from "./report.ts";
import type { Alertmanager, AlertmanagerConfig } from "./resources/types.ts";
import { select } from "./selection.ts";
import { validateAlertmanagerConfig } from "./validate.ts";
import { DEFAULT_ALERTMANAGER_VERSION, VersionGate } from "./version.ts";

export function planAlertmanager(
  alertmanager: Alertmanager,
  cache: OperatorCache,
  driver: InstanceDriver,
  report: ReportBuilder,
): Plan<Alertmanager> {
  const { namespace = "", name = "" } = alertmanager.metadata;
  const { spec } = alertmanager;
  const instance = `Alertmanager ${namespace}/${name}`;
  const { certificates } = driver.pathsOf("Alertmanager", namespace, name);
  const assets = new AssetStore(cache.lookup, certificates);
  const scope: AlertmanagerScope = {
    alertmanager,
    assets,
    gate: new VersionGate(spec.version ?? DEFAULT_ALERTMANAGER_VERSION),
  };
  const accepted: AlertmanagerConfig[] = [];
  let rejected = 0;
  for (const config of cache.list<AlertmanagerConfig>("AlertmanagerConfig")) {
    const { selected, reason } = select(
      config,
      namespace,
      {
        field: "spec.alertmanagerConfigSelector",
        namespaceField: "spec.alertmanagerConfigNamespaceSelector",
        selector: spec.alertmanagerConfigSelector,
        namespaceSelector: spec.alertmanagerConfigNamespaceSelector,
      },
      (ns) => cache.namespaceLabels(ns),
    );
    if (!selected) {
      report.verdict(config, { instance, accepted: false, code: "operator.not-selected", reason });
      continue;
    }
    const error = validateAlertmanagerConfig(config, scope);
    if (error) {
      rejected++;
      report.verdict(config, rejection(instance, error));
      continue;
    }
    report.verdict(config, { instance, accepted: true, code: "operator.accepted", reason: "" });
    accepted.push(config);
  }
  const text = toYaml(generateAlertmanagerConfig(scope, baseConfig(scope), accepted));
  try {
    loadAlertmanagerConfig(text, { file: "" });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(error.code, error.message, {
      where: { object: instance, field: error.where.field },
      fix: error.fix,
      cause: error,
    });
  }
  return {
    desired: { resource: alertmanager, config: text, files: new Map(), certificates: assets.files },
    selected: { AlertmanagerConfig: accepted.length },
    rejected,
    references: assets.references,
  };
}
