/** What a discovery mechanism is: it watches something and says which target groups there are. */
import type { Logger, YamlNode } from "@pharos/kit";
import type { TargetGroup } from "@pharos/model";
import type { DiscoveryMetrics } from "./metrics.ts";

export interface MechanismContext {
  log: Logger;
  metrics: DiscoveryMetrics;
  /** Hands over changed groups; a group without targets takes away the one of the same source. */
  update(groups: readonly TargetGroup[]): void;
  /** Says why nothing is found; "" takes it back. */
  explain(reason: string): void;
  /** Counts a refresh that failed: what was found before stays. */
  refreshFailed(): void;
  /** Says how long a refresh took, in seconds, whether it failed or not. */
  refreshed(seconds: number): void;
}

export interface Mechanism<Config = unknown> {
  /** As in `<name>_sd_configs`, or `static`. */
  name: string;
  parse(node: YamlNode): Config;
  /** Runs until the signal ends it; it may return early when all was said. Calls `update` at least once when it could look. */
  run(config: Config, context: MechanismContext, signal: AbortSignal): Promise<void>;
}

export interface SdConfig {
  mechanism: Mechanism;
  config: unknown;
}
