export * from "./discovery.ts";
export type { Mechanism, MechanismContext, SdConfig } from "./mechanism.ts";
export { parseSdConfigs } from "./registry.ts";
