/** The base configuration of Alertmanager: who is told about alerts before any AlertmanagerConfig adds to it. */
import { loadAlertmanagerConfig } from "@pharos/alertmanager";
import { stringify } from "yaml";
import type { Values } from "./values.ts";

/** Alerts become one message when they tell of the same thing. */
const GROUP_BY = ["cluster", "pod", "job", "alertname"];

const DESCRIPTIONS =
  "{{ range .Alerts }}{{ with .Annotations.description }}{{ . }}{{ else }}{{ .Annotations.summary }}{{ end }}\n{{ end }}";

/** "[FIRING:2] KubePodCrashLooping" */
const TITLE =
  '[{{ .Status | toUpper }}{{ if eq .Status "firing" }}:{{ .Alerts.Firing | len }}{{ end }}] {{ with .CommonLabels.alertname }}{{ . }}{{ else }}{{ .GroupLabels.SortedPairs.Values | join " " }}{{ end }}';

function slack(values: Values): object {
  const { domain } = values;
  return {
    name: "slack",
    slack_configs: [
      {
        api_url: values["slack.apiurl"],
        channel: values["slack.channel"],
        send_resolved: values["slack.sendResolved"],
        icon_emoji: ":ghost:",
        title: domain ? `${TITLE} (${domain})` : TITLE,
        ...(domain ? { title_link: `https://grafana.${domain}` } : {}),
        text: `<!channel>\n${DESCRIPTIONS}`,
      },
    ],
  };
}

function victorOps(values: Values): object {
  return {
    name: "victorOps",
    victorops_configs: [
      {
        api_key: values["victorOps.apikey"],
        api_url: "https://alert.victorops.com/integrations/generic/20131114/alert/",
        routing_key: values["victorOps.routingkey"],
        send_resolved: values["victorOps.sendResolved"],
        entity_display_name: values.domain || "{{ .CommonLabels.alertname }}",
        state_message: `Alert: ${TITLE}\n${DESCRIPTIONS}`,
      },
    ],
  };
}

/** Text of alertmanager.yaml. A channel is there when both of its values are. */
export function alertmanagerConfig(values: Values): string {
  const channels = [
    ...(values["victorOps.apikey"]
      ? [{ receiver: victorOps(values), matchers: values["victorOps.matchExpression"] }]
      : []),
    ...(values["slack.apiurl"] ? [{ receiver: slack(values), matchers: values["slack.matchExpression"] }] : []),
  ];
  const config = {
    global: { resolve_timeout: "5m" },
    route: {
      receiver: "null",
      group_by: GROUP_BY,
      group_wait: "30s",
      group_interval: "5m",
      repeat_interval: "12h",
      routes: [
        // It fires for ever to show that alerts get through: nobody wants to be told.
        { receiver: "null", matchers: ['alertname="Watchdog"'] },
        ...channels.map(({ receiver, matchers }) => ({
          receiver: (receiver as { name: string }).name,
          continue: true,
          ...(matchers ? { matchers: [matchers] } : {}),
        })),
      ],
    },
    receivers: [{ name: "null" }, ...channels.map(({ receiver }) => receiver)],
  };
  const text = stringify(config);
  loadAlertmanagerConfig(text, { file: "" });
  return text;
}
