export * from "./config/config.ts";
export type { GlobalConfig } from "./config/global.ts";
export type { StorageConfig } from "./config/storage.ts";
export * from "./facts.ts";
export { type Features, NO_FEATURES, readFeatures } from "./features.ts";
export { checkMode, type PrometheusFlagValues, prometheusFlags, prometheusOptions, shownFlags } from "./flags.ts";
export * from "./options.ts";
export * from "./server.ts";
