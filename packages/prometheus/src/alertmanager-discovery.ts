/** Finds Alertmanagers by service discovery and relabelling, and tells the notifier. */
import { Discovery } from "@pharos/discovery";
import type { Logger, Registry } from "@pharos/kit";
import { LabelsBuilder, type TargetGroup } from "@pharos/model";
import type { Notifier } from "@pharos/notify";
import { relabelBuilder } from "@pharos/relabel";
import type { AlertmanagerSetConfig } from "./config/alertmanagers.ts";

/** Where alerts are posted below an Alertmanager's prefix. */
const ALERTS_PATH = "/api/v2/alerts";

function urlOf(labels: LabelsBuilder): string {
  return `${labels.get("__scheme__")}://${labels.get("__address__")}${labels.get("__alerts_path__")}`;
}

export class AlertmanagerDiscovery {
  readonly #notifier: Notifier;
  readonly #discovery: Discovery;
  readonly #sets = new Map<string, AlertmanagerSetConfig>();

  constructor(notifier: Notifier, log: Logger, registry: Registry) {
    this.#notifier = notifier;
    this.#discovery = new Discovery({
      log,
      registry,
      name: "notify",
      onUpdate: (name, groups) => this.#update(name, groups),
    });
  }

  apply(configs: readonly AlertmanagerSetConfig[]): void {
    const names = configs.map((_, i) => `config-${i}`);
    for (const name of this.#sets.keys()) {
      if (names.includes(name)) continue;
      this.#sets.delete(name);
      this.#notifier.removeSet(name);
    }
    for (const [i, config] of configs.entries()) this.#sets.set(names[i], config);
    this.#discovery.apply(configs.map(({ sdConfigs }, i) => ({ job: names[i], sdConfigs })));
  }

  stop(): Promise<void> {
    return this.#discovery.stop();
  }

  #update(name: string, groups: readonly TargetGroup[]): void {
    const config = this.#sets.get(name);
    if (!config) return;
    const urls = new Set<string>();
    const dropped = new Set<string>();
    for (const group of groups) {
      for (const target of group.targets) {
        const labels = new LabelsBuilder(Object.entries({ ...group.labels, ...target }));
        labels.set("__scheme__", config.scheme);
        labels.set("__alerts_path__", `${config.pathPrefix.replace(/\/+$/, "")}${ALERTS_PATH}`);
        const before = urlOf(labels);
        if (relabelBuilder(labels, config.relabelConfigs) && labels.get("__address__") !== "") urls.add(urlOf(labels));
        else dropped.add(before);
      }
    }
    const { http, timeout, alertRelabelConfigs } = config;
    this.#notifier.setAlertmanagers({
      name,
      http,
      timeout,
      alertRelabelConfigs,
      urls: [...urls],
      dropped: [...dropped],
    });
  }
}
