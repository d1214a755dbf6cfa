/** Receivers: the list of the integrations there are, and the reading of a receiver's. */
import { parseYaml, type YamlNode } from "@pharos/kit";
import { discord } from "../notify/discord.ts";
import { email } from "../notify/email.ts";
import { incidentio } from "../notify/incidentio.ts";
import type { ConfiguredIntegration, IntegrationType } from "../notify/integration.ts";
import { jira } from "../notify/jira.ts";
import { mattermost } from "../notify/mattermost.ts";
import { msteams } from "../notify/msteams.ts";
import { msteamsv2 } from "../notify/msteamsv2.ts";
import { opsgenie } from "../notify/opsgenie.ts";
import { pagerduty } from "../notify/pagerduty.ts";
import { pushover } from "../notify/pushover.ts";
import { rocketchat } from "../notify/rocketchat.ts";
import { slack } from "../notify/slack.ts";
import { sns } from "../notify/sns.ts";
import { telegram } from "../notify/telegram.ts";
import { victorops } from "../notify/victorops.ts";
import { webex } from "../notify/webex.ts";
import { webhook } from "../notify/webhook.ts";
import { wechat } from "../notify/wechat.ts";
import { configError } from "./fields.ts";

/** In upstream's order, in which a receiver's integrations are made. */
export const INTEGRATIONS: readonly IntegrationType[] = [
  webhook, email, pagerduty, opsgenie, wechat, slack, victorops, pushover, sns, telegram, discord, webex, msteams, msteamsv2, jira, rocketchat,
  mattermost, incidentio,
]; // biome-ignore format: a list

/** Upstream says so when a list holds nothing at an entry; the others count an empty entry as one with defaults. */
const NO_EMPTY_ENTRY: ReadonlySet<string> = new Set([
  "webhook", "email", "pushover", "pagerduty", "incidentio", "victorops", "sns", "telegram", "discord", "webex", "msteams", "msteamsv2", "jira",
  "mattermost",
]); // biome-ignore format: a list

export interface Receiver {
  name: string;
  labels: Record<string, string>;
  integrations: ConfiguredIntegration[];
  /** `always_resolve` of the receiver: Pharos' own. */
  alwaysResolve: boolean;
}

export function readReceiver(node: YamlNode): Receiver {
  const map = node.map();
  const name = map.get("name")?.string() ?? "";
  const labels = map.get("labels")?.stringMap() ?? {};
  const alwaysResolve = map.get("always_resolve")?.boolean() ?? false;
  const integrations: ConfiguredIntegration[] = [];
  for (const type of INTEGRATIONS) {
    for (const item of map.get(`${type.name}_configs`)?.items() ?? []) {
      if (item.isNull && NO_EMPTY_ENTRY.has(type.name)) throw configError(item, `missing ${type.name} config`);
      integrations.push(type.read(item.isNull ? parseYaml("{}") : item));
    }
  }
  map.done("config.plain");
  if (name === "") throw configError(node, "missing name in receiver");
  if (labels.name !== undefined && labels.name !== name)
    throw configError(
      node,
      `receiver label "name" must match receiver name ${JSON.stringify(name)}, got ${JSON.stringify(labels.name)}`,
    );
  return { name, labels: { ...labels, name }, integrations, alwaysResolve };
}

/** Reads the settings of one integration, as they stand in a receiver's list; throws what is wrong with them. */
export function readIntegration(type: string, yaml: string): ConfiguredIntegration {
  const found = INTEGRATIONS.find(({ name }) => name === type);
  if (!found) throw new Error(`no integration ${type}`);
  return found.read(parseYaml(yaml));
}
