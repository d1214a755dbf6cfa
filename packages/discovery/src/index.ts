export * from "./discovery.ts";
export type { Mechanism, MechanismContext, SdConfig } from "./mechanism.ts";
export { type OfflineGroups, offlineGroups } from "./offline.ts";
export { parseSdConfigs } from "./registry.ts";
