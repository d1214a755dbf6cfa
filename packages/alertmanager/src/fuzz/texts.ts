/** What is bent: configurations, matchers, templates and rules that are good as they are. */

/** Small ones, so that an edit hits something; together they have every section. */
export const CONFIGS: readonly string[] = [
  `global: {resolve_timeout: 5m, smtp_smarthost: 'h:25', smtp_from: a@b, slack_api_url: 'http://s/x'}
templates: ['*.tmpl']
route: {receiver: r, group_by: [alertname, '...'], group_wait: 30s}
receivers:
- name: r
  webhook_configs: [{url: 'http://h/x', http_config: {basic_auth: {username: u, password: p}, proxy_url: 'http://p:1'}, max_alerts: 3}]
`,
  `route:
  receiver: r
  group_by: ['...']
  routes:
  - {receiver: s, matchers: ['a="b"', c=~"d|e"], continue: true, mute_time_intervals: [nights]}
  - {receiver: r, match_re: {f: g.*}, repeat_interval: 1h, labels: {x: '{{ .Status }}'}}
receivers: [{name: r, labels: {a: b}}, {name: s, always_resolve: true}]
time_intervals:
- name: nights
  time_intervals: [{times: [{start_time: '22:00', end_time: '24:00'}], weekdays: ['monday:friday'], days_of_month: ['1:5', '-3:-1'], months: [may], years: [2026], location: Europe/Berlin}]
`,
  `route: {receiver: r}
inhibit_rules:
- {name: n, source_matchers: [severity="critical"], target_match: {severity: warning}, equal: [alertname]}
- {source_match_re: {a: b.*}, target_matchers: ['{c="d", "é"!~"f"}']}
receivers:
- name: r
  email_configs: [{to: x@y, from: a@b, smarthost: 'h:25', headers: {Subject: '{{ .Status }}'}, tls_config: {insecure_skip_verify: true}}]
  victorops_configs: [{api_key: k, routing_key: r, custom_fields: {a: b}}]
`,
  `route: {receiver: s, group_interval: 1m, active_time_intervals: []}
receivers:
- name: s
  slack_configs: [{api_url: 'http://s/x', channel: '#c', fields: [{title: t, value: v}], actions: [{type: button, text: x, url: 'http://u'}]}]
  pagerduty_configs: [{routing_key: k, details: {a: {b: [1]}}}]
  opsgenie_configs: [{api_key: k, responders: [{type: team, name: n}], priority: P1}]
  telegram_configs: [{bot_token: t, chat_id: -1}]
  sns_configs: [{sigv4: {region: r}, topic_arn: 'arn:x'}]
`,
];

export const CONFIG_PIECES: readonly string[] = [
  "", "null", "[]", "{}", "'", '"', "-", ":", ": ", "\n", "\n- ", "  ", "x", "1h", "-1", "true", "{{", "}}", "&a ", "*a", "!!str ",
  "global:", "receivers:", "\0", "ä", "|\n", ">", "%", "@", "9".repeat(30), "0x7", "=~", "[[[[", "<<: ", "? ", "http://", "#",
]; // biome-ignore format: a list

export const MATCHER_PIECES: readonly string[] = [
  "a", "=", "!", "~", "=~", "!~", "!=", '"', "'", "\\", "{", "}", ",", " ", "\n", "ä", "(", ")", "|", ".*", "[", "\\n", "\\x", "😀", "b1", "_",
  "\\u00e4", "+", "?", "{2,3}", "\t", "\ud800",
]; // biome-ignore format: a list

export const TEMPLATES: readonly string[] = [
  `[{{ .Status | toUpper }}{{ if eq .Status "firing" }}:{{ .Alerts.Firing | len }}{{ end }}] {{ .GroupLabels.SortedPairs.Values | join " " }}`,
  `{{ range .Alerts }}{{ .Labels.alertname }}: {{ .Annotations.summary | title }} since {{ .StartsAt.Format "2006-01-02" }}{{ end }}`,
  `{{ with .CommonLabels.Remove (stringSlice "a" "alertname") }}{{ .SortedPairs }}{{ else }}none{{ end }}`,
  `{{ template "slack.default.text" . }}{{ template "email.default.html" . }}`,
  `{{ define "x" }}{{ . | safeHtml }}{{ end }}{{ template "x" .ExternalURL }}{{ reReplaceAll "a(.*)b" "$1" .Receiver }}`,
  `<a href="{{ .ExternalURL }}/#{{ .Receiver | urlquery }}" onclick="f({{ .CommonLabels }})">{{ humanizeDuration (since (index .Alerts 0).StartsAt) }}</a>`,
];

export const TEMPLATE_PIECES: readonly string[] = [
  "{{", "}}", "{{-", "-}}", ".", "..", "|", "(", ")", '"', "`", "$", "$x := ", "range ", "end", "else", "if ", "with ", "template ",
  "define ", "break", "nil", "1e9", "-1", "'a'", "len ", "index ", "printf ", "%v", "<", ">", "<script>", "style=", ".Alerts", ".Labels",
  "call ", "slice ", "and ", "/*", "*/", "\0", "é",
]; // biome-ignore format: a list

export const RULES: readonly string[] = [
  "sat,sun 22:00-06:00 Europe/Berlin until 2026-12-31T00:00:00.000Z",
  "daily 00:00-24:00 UTC",
  "mon 09:30-17:00 America/New_York since 2026-01-01T00:00:00.000Z",
];

export const RULE_PIECES: readonly string[] = [
  "", " ", ",", ":", "-", "mon", "daily", "24:00", "00:60", "Asia/Tokyo", "since ", "until ", "2026", "T", "Z", "+275760-09-13T00:00:00Z",
]; // biome-ignore format: a list
