/** The runtime section. It tunes Go's garbage collector, so nothing here acts on it; it is read so that it may stand there. */
import type { YamlNode } from "@pharos/kit";

export function checkRuntime(node: YamlNode | undefined): void {
  const map = node?.map();
  map?.get("gogc")?.integer();
  map?.done("config.RuntimeConfig");
}
