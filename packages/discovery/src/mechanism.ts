/** What a discovery mechanism is: it watches something and says which target groups there are. */
import type { Logger, YamlMap, YamlNode } from "@pharos/kit";
import type { TargetGroup } from "@pharos/model";

export interface MechanismContext {
  log: Logger;
  /** Hands over changed groups; a group without targets replaces the one of the same source. */
  update(groups: TargetGroup[]): void;
  /** Says why nothing is found; "" takes it back. */
  explain(reason: string): void;
}

export interface Mechanism<Config = unknown> {
  /** As in `<name>_sd_configs`, or `static`. */
  name: string;
  parse(node: YamlNode): Config;
  /** Runs until the signal ends it. */
  run(config: Config, context: MechanismContext, signal: AbortSignal): Promise<void>;
}

export interface SdConfig {
  mechanism: Mechanism;
  config: unknown;
}

/** Every key that could hold discovery configuration, in upstream's spelling. */
export type SdParser = (map: YamlMap) => SdConfig[];
