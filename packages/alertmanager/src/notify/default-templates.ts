/**
 * What notifications say unless the user's templates say otherwise. The names are upstream's, and so is what they print: people
 * build their own templates upon them. Most integrations say the same in a few layouts, so the texts are made from a table.
 */
import { EMAIL_TEMPLATES } from "./email-templates.ts";

const define = (name: string, body: string): string => `{{ define "${name}" }}${body}{{ end }}\n`;
const call = (name: string): string => `{{ template "${name}" . }}`;

const SUBJECT = call("__subject");
const ALERTMANAGER = call("__alertmanager");
const LINK = call("__alertmanagerURL");
const ANNOTATIONS = '{{ .CommonAnnotations.SortedPairs.Values | join " " }}\n';
const STATUS_COLOR = '{{ if eq .Status "firing" }}danger{{ else }}good{{ end }}';

/** One alert's labels, annotations and source; the lines of the three lists start with `indent`. */
function alertText(indent: string, gap: string): string {
  const pairs = (list: string): string =>
    `${list}:\n{{ range .${list}.SortedPairs }}${indent}- {{ .Name }} = {{ .Value }}\n{{ end }}${gap}`;
  return `${pairs("Labels")}${pairs("Annotations")}Source: {{ .GeneratorURL }}\n`;
}

/** Firing and resolved alerts, each under a heading, without blank lines around them. */
const TIGHT = ["Firing", "Resolved"]
  .map(
    (state) =>
      `{{ if gt (len .Alerts.${state}) 0 -}}\nAlerts ${state}:\n{{ template "__text_alert_list" .Alerts.${state} }}\n{{- end }}`,
  )
  .join("\n");

/** The same with blank lines. */
function loose(heading: string, list: string): string {
  return ["Firing", "Resolved"]
    .map(
      (state) =>
        `{{ if gt (len .Alerts.${state}) 0 }}\n${heading}Alerts ${state}:\n{{ template "${list}" .Alerts.${state} }}\n{{ end }}\n`,
    )
    .join("");
}
const LOOSE = loose("", "__text_alert_list");
const MARKDOWN = `\n${loose("# ", "__text_alert_list_markdown")}`;

/** The highest severity counts, of the firing alerts, or of the resolved ones when none of those has one. */
const JIRA_PRIORITY = `{{- $priority := "" }}
${["Firing", "Resolved"]
  .map((state, i) => {
    const ranks = `{{- range .Alerts.${state} -}}
  {{- $severity := index .Labels "severity" -}}
  {{- if eq $severity "critical" -}}{{- $priority = "High" -}}
  {{- else if and (eq $severity "warning") (ne $priority "High") -}}{{- $priority = "Medium" -}}
  {{- else if and (eq $severity "info") (eq $priority "") -}}{{- $priority = "Low" -}}
  {{- end -}}
{{- end -}}`;
    return i === 0 ? ranks : `{{- if eq $priority "" -}}${ranks}{{- end -}}`;
  })
  .join("\n")}
{{- $priority -}}`;

const TEMPLATES: readonly (readonly [name: string, body: string])[] = [
  ["__alertmanager", "Alertmanager"],
  ["__alertmanagerURL", "{{ .ExternalURL }}/#/alerts?receiver={{ .Receiver | urlquery }}"],
  [
    "__subject",
    '[{{ .Status | toUpper }}{{ if eq .Status "firing" }}:{{ .Alerts.Firing | len }}{{ end }}] {{ .GroupLabels.SortedPairs.Values | join " " }} {{ if gt (len .CommonLabels) (len .GroupLabels) }}({{ with .CommonLabels.Remove .GroupLabels.Names }}{{ .Values | join " " }}{{ end }}){{ end }}',
  ],
  ["__description", ""],
  ["__text_alert_list", `{{ range . }}${alertText(" ", "")}{{ end }}`],
  ["__text_alert_list_markdown", `{{ range . }}\n${alertText("  ", "\n")}{{ end }}\n`],

  ["slack.default.title", SUBJECT],
  ["slack.default.username", ALERTMANAGER],
  ["slack.default.fallback", `${call("slack.default.title")} | ${call("slack.default.titlelink")}`],
  ["slack.default.callbackid", ""],
  ["slack.default.pretext", ""],
  ["slack.default.titlelink", LINK],
  ["slack.default.iconemoji", ""],
  ["slack.default.iconurl", ""],
  ["slack.default.text", ""],
  ["slack.default.footer", ""],
  ["slack.default.color", STATUS_COLOR],

  ["pagerduty.default.description", SUBJECT],
  ["pagerduty.default.client", ALERTMANAGER],
  ["pagerduty.default.clientURL", LINK],
  ["pagerduty.default.instances", call("__text_alert_list")],

  ["opsgenie.default.message", SUBJECT],
  ["opsgenie.default.description", `${ANNOTATIONS}${TIGHT}`],
  ["opsgenie.default.source", LINK],

  ["wechat.default.message", `${SUBJECT}\n${ANNOTATIONS}${TIGHT}\nAlertmanagerUrl:\n${LINK}`],
  ["wechat.default.to_user", ""],
  ["wechat.default.to_party", ""],
  ["wechat.default.to_tag", ""],
  ["wechat.default.agent_id", ""],

  ["victorops.default.state_message", `${ANNOTATIONS}${TIGHT}`],
  ["victorops.default.entity_display_name", SUBJECT],
  ["victorops.default.monitoring_tool", ALERTMANAGER],

  ["pushover.default.title", SUBJECT],
  ["pushover.default.message", `${ANNOTATIONS}${LOOSE}`],
  ["pushover.default.url", LINK],

  ["sns.default.subject", SUBJECT],
  ["sns.default.message", `${ANNOTATIONS}${LOOSE}`],

  ["telegram.default.message", `\n${LOOSE}`],

  ["discord.default.content", ""],
  ["discord.default.title", SUBJECT],
  ["discord.default.message", `\n${LOOSE}`],

  ["webex.default.message", `${ANNOTATIONS}${LOOSE}`],

  ["msteams.default.summary", SUBJECT],
  ["msteams.default.title", SUBJECT],
  ["msteams.default.text", MARKDOWN],
  ["msteamsv2.default.title", SUBJECT],
  ["msteamsv2.default.text", MARKDOWN],

  ["jira.default.summary", SUBJECT],
  ["jira.default.description", MARKDOWN],
  ["jira.default.priority", JIRA_PRIORITY],

  ["rocketchat.default.title", SUBJECT],
  ["rocketchat.default.alias", ALERTMANAGER],
  ["rocketchat.default.titlelink", LINK],
  ["rocketchat.default.emoji", ""],
  ["rocketchat.default.iconurl", ""],
  ["rocketchat.default.text", ""],

  ["mattermost.default.color", STATUS_COLOR],
  ["mattermost.default.username", ALERTMANAGER],
  ["mattermost.default.title", SUBJECT],
  ["mattermost.default.titlelink", LINK],
  ["mattermost.default.fallback", `${call("mattermost.default.title")} | ${call("mattermost.default.titlelink")}`],
  ["mattermost.default.text", MARKDOWN],
];

export const DEFAULT_TEMPLATES = TEMPLATES.map(([name, body]) => define(name, body)).join("") + EMAIL_TEMPLATES;
