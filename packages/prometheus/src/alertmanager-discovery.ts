/** Finds Alertmanagers by service discovery and relabelling, and tells the notifier. */
import { Discovery } from "@pharos/discovery";
import type { Logger, Registry } from "@pharos/kit";
import { LabelsBuilder, type TargetGroup } from "@pharos/model";
import type { Notifier } from "@pharos/notify";
import { relabelBuilder } from "@pharos/relabel";
import { type Authorizer, createAuthorizer } from "@pharos/remote";
import type { AlertmanagerSetConfig } from "./config/alertmanagers.ts";

/** Where alerts are posted below an Alertmanager's prefix. */
const ALERTS_PATH = "/api/v2/alerts";

function urlOf(labels: LabelsBuilder): string {
  return `${labels.get("__scheme__")}://${labels.get("__address__")}${labels.get("__alerts_path__")}`;
}

export class AlertmanagerDiscovery {
  readonly #notifier: Notifier;
  readonly #discovery: Discovery;
  readonly #sets = new Map<string, { config: AlertmanagerSetConfig; authorizer: Authorizer | undefined }>();

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
    const former = [...this.#sets.values()];
    for (const name of this.#sets.keys()) {
      if (names.includes(name)) continue;
      this.#sets.delete(name);
      this.#notifier.removeSet(name);
    }
    for (const [i, config] of configs.entries()) {
      this.#sets.set(names[i], { config, authorizer: createAuthorizer({ sigv4: config.sigv4 }) });
    }
    for (const { authorizer } of former) void authorizer?.[Symbol.asyncDispose]();
    this.#discovery.apply(configs.map(({ sdConfigs }, i) => ({ job: names[i], sdConfigs })));
  }

  async stop(): Promise<void> {
    await this.#discovery.stop();
    await Promise.all([...this.#sets.values()].map(({ authorizer }) => authorizer?.[Symbol.asyncDispose]()));
  }

  #update(name: string, groups: readonly TargetGroup[]): void {
    const set = this.#sets.get(name);
    if (!set) return;
    const { config, authorizer } = set;
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
      authorize: authorizer && ((request, signal) => authorizer.headers(request, signal)),
      urls: [...urls],
      dropped: [...dropped],
    });
  }
}
