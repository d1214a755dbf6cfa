export { alertHash } from "./alert-hash.ts";
export { type AlertListener, AlertStore, compareAlerts, fingerprint, mergeAlerts, type StoredAlert } from "./alerts.ts";
export {
  type AlertmanagerConfig,
  type LoadOptions,
  loadAlertmanagerConfig,
  loadAlertmanagerConfigFile,
} from "./config/config.ts";
export { readIntegration } from "./config/receivers.ts";
export { allRoutes, matchRoutes, type Route } from "./config/routes.ts";
export { intervalContains, periodContains, readTimePeriod, type TimePeriod } from "./config/time-intervals.ts";
export { notificationReason } from "./dedup.ts";
export * from "./flags.ts";
export type { AlertEvent, HistoryEvent, NotificationEvent, SilenceEvent } from "./history.ts";
export { Inhibitor } from "./inhibit.ts";
export * from "./matcher/compat.ts";
export { AlertMatcher, compareMatchers, formatMatchers, matchAll } from "./matcher/matcher.ts";
export { Lexer as MatcherLexer, parseUtf8Matcher } from "./matcher/utf8.ts";
export { NotificationLog } from "./notification-log.ts";
export { DEFAULT_TEMPLATES } from "./notify/default-templates.ts";
export { createTemplates, readTemplateFiles, type Templates } from "./notify/templates.ts";
export { encodeSilence } from "./proto/silence.ts";
export { formatRecurrence, nextWindows, parseRecurrence, type Recurrence } from "./recurring/recurrence.ts";
export * from "./server.ts";
export { canUpdate, type Silence, SilenceError, type SilenceInput, Silences, validateSilence } from "./silences.ts";
