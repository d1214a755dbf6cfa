export { type AlertmanagerConfig, loadAlertmanagerConfig, loadAlertmanagerConfigFile } from "./config/config.ts";
export * from "./flags.ts";
export * from "./matcher/compat.ts";
export { AlertMatcher, compareMatchers, formatMatchers, matchAll } from "./matcher/matcher.ts";
export { DEFAULT_TEMPLATES } from "./notify/default-templates.ts";
export * from "./server.ts";
