/** VictorOps (Splunk On-Call), generic REST endpoint. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { VictorOpsConfig } from "../config/receivers.ts";
import type { NotificationData } from "./data.ts";
import type { OutgoingRequest } from "./integration.ts";
import type { Templates } from "./templates.ts";

const MAX_STATE_MESSAGE = 20_480;
const FIRING_TYPES = new Set(["INFO", "WARNING", "CRITICAL"]);

export function victorOpsRequest(
  config: VictorOpsConfig,
  data: NotificationData,
  templates: Templates,
  now: number,
): OutgoingRequest {
  const expand = (text: string): string => templates.expand(text, data, now);
  const wanted = expand(config.messageType);
  const messageType = data.status === "resolved" ? "RECOVERY" : FIRING_TYPES.has(wanted) ? wanted : "CRITICAL";
  const state = [...expand(config.stateMessage)];
  const key = config.apiKey?.reveal() ?? readFileSync(config.apiKeyFile, "utf8").trim();
  return {
    url: `${config.apiUrl.replace(/\/*$/, "/")}${key}/${encodeURIComponent(expand(config.routingKey))}`,
    timeout: 0,
    body: {
      ...Object.fromEntries(Object.entries(config.customFields).map(([name, value]) => [name, expand(value)])),
      message_type: messageType,
      entity_id: createHash("sha256").update(data.groupKey).digest("hex"),
      entity_display_name: expand(config.entityDisplayName),
      state_message:
        state.length <= MAX_STATE_MESSAGE ? state.join("") : `${state.slice(0, MAX_STATE_MESSAGE - 1).join("")}…`,
      monitoring_tool: expand(config.monitoringTool),
    },
  };
}
