/**
 * Upstream's operator writes two fields into every RocketChat action that Alertmanager does not know by these names, so that
 * Alertmanager refuses the whole configuration. Both are always false, as is their absence.
 */
import type { Yaml } from "../prometheus/http-client.ts";

function list(value: unknown): Yaml[] {
  return Array.isArray(value) ? value : [];
}

function readableAction({ is_webview: _webview, msg_in_chat_window: _window, ...action }: Yaml): Yaml {
  return action;
}

/** The configuration as Alertmanager can read it. */
export function withReadableActions(config: Yaml): Yaml {
  if (!list(config.receivers).some(({ rocketchat_configs }) => rocketchat_configs)) return config;
  const receivers = list(config.receivers).map((receiver) =>
    receiver.rocketchat_configs
      ? {
          ...receiver,
          rocketchat_configs: list(receiver.rocketchat_configs).map((entry) =>
            entry.actions ? { ...entry, actions: list(entry.actions).map(readableAction) } : entry,
          ),
        }
      : receiver,
  );
  return { ...config, receivers };
}
