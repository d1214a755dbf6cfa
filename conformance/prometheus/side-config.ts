/** The configuration of the side-by-side run: one job for each thing that may differ. */

/** `own` has what only newer versions know; there the peer has a flag for it. */
export function sideConfig(port: number, own: boolean): string {
  const target = `127.0.0.1:${port}`;
  const job = (name: string, path: string, more = ""): string =>
    `- job_name: ${name}\n  metrics_path: /${path}\n  static_configs: [{targets: ['${target}'], labels: {zone: eu}}]\n${more}`;
  return `
global:
  scrape_interval: 2s
  scrape_timeout: 1s
  evaluation_interval: 2s
  external_labels: {cluster: side}
${own ? "  scrape_native_histograms: true\n" : ""}
rule_files: [rules.yml]
alerting:
  alert_relabel_configs: [{source_labels: [zone], target_label: region}, {regex: zone, action: labeldrop}]
  alertmanagers:
  - path_prefix: /${own ? "own" : "peer"}
    static_configs: [{targets: ['${target}', 'dropped:1']}]
    relabel_configs: [{source_labels: [__address__], regex: 'dropped.*', action: drop}]
    alert_relabel_configs: [{source_labels: [alertname], regex: Kept, action: drop}]
scrape_configs:
${job("text", "text")}
${job("openmetrics", "openmetrics")}
${job("conflict", "conflict")}
${job("conflict-honored", "conflict", "  honor_labels: true\n")}
${job("timestamps", "timestamps")}
${job("timestamps-ignored", "timestamps", "  honor_timestamps: false\n")}
${job("timestamps-tracked", "timestamps", "  track_timestamps_staleness: true\n")}
${job("sample-limit", "many", "  sample_limit: 10\n")}
${job("sample-limit-after-relabel", "many", "  sample_limit: 10\n  metric_relabel_configs: [{source_labels: [i], regex: '[0-4]', action: keep}]\n")}
${job("label-limit", "long", "  label_limit: 5\n")}
${job("label-name-length", "long", "  label_name_length_limit: 4\n")}
${job("label-value-length", "long", "  label_value_length_limit: 50\n")}
${job("body-size-limit", "many", "  body_size_limit: 100B\n")}
- job_name: target-limit
  metrics_path: /text
  target_limit: 1
  static_configs: [{targets: ['${target}', 'localhost:${port}']}]
${job(
  "metric-relabel",
  "text",
  `  metric_relabel_configs:
  - {source_labels: [__name__], regex: 'app_size.*', action: drop}
  - {regex: code, action: labeldrop}
  - {source_labels: [method], target_label: how, replacement: 'by-$1'}
  - {source_labels: [room], modulus: 4, target_label: shard, action: hashmod}
  - {regex: '(ro)om', action: labelmap, replacement: '\${1}_name'}
  - {source_labels: [room], target_label: room, action: uppercase}
`,
)}
- job_name: probe
  metrics_path: /probe
  params: {module: [http_2xx]}
  static_configs: [{targets: ['https://example.org', 'https://example.com/path?a=b']}]
  relabel_configs:
  - {source_labels: [__address__], target_label: __param_target}
  - {source_labels: [__param_target], target_label: instance}
  - {target_label: __address__, replacement: '${target}'}
- job_name: dropped
  metrics_path: /text
  keep_dropped_targets: 2
  static_configs: [{targets: ['${target}', 'a:1', 'b:1', 'c:1']}]
  relabel_configs: [{source_labels: [__address__], regex: '[abc]:1', action: drop}]
${job("hang", "hang")}
${job("slow", "slow", "  scrape_timeout: 100ms\n")}
${job("garbage", "garbage")}
${job("half", "half")}
${job("missing", "nothing-here")}
- job_name: refused
  static_configs: [{targets: ['127.0.0.1:9']}]
${job("flapping", "flapping")}
${job("vanishing", "vanishing")}
${job("blank", "blank")}
${job("blank-fallback", "blank", "  fallback_scrape_protocol: PrometheusText0.0.4\n")}
${job("utf8", "utf8")}
${job("utf8-escaped", "utf8", "  metric_name_validation_scheme: legacy\n  metric_name_escaping_scheme: underscores\n")}
${job("native", "native")}
${job("native-and-classic", "native", "  always_scrape_classic_histograms: true\n")}
${job("native-limit", "native", "  native_histogram_bucket_limit: 1\n")}
${job("to-native", "text", "  convert_classic_histograms_to_nhcb: true\n")}
${job("uncompressed", "text", "  enable_compression: false\n")}
${job("duplicate", "duplicate")}
${job("auth", "auth", "  basic_auth: {username: user, password: pass}\n")}
${job("auth-wrong", "auth", "  basic_auth: {username: user, password: wrong}\n")}
${job("bearer", "bearer", "  authorization: {credentials: token}\n")}
${job("redirect", "redirect")}
${job("redirect-refused", "redirect", "  follow_redirects: false\n")}
- job_name: http-sd
  http_sd_configs: [{url: 'http://${target}/sd', refresh_interval: 5s}]
- job_name: file-sd
  metrics_path: /text
  file_sd_configs: [{files: ['sd/*.json'], refresh_interval: 5s}]
`;
}

export const sideFiles = (port: number): Record<string, string> => ({
  "sd/targets.json": JSON.stringify([{ targets: [`127.0.0.1:${port}`], labels: { from: "file" } }]),
  "rules.yml": `groups:
- name: recording
  rules:
  - {record: 'job:up:sum', expr: sum by (job) (up)}
  - {record: 'job:up:copy', expr: 'job:up:sum * 2', labels: {kind: copy}}
  - {record: 'flapping:copy', expr: flapping}
- name: limited
  limit: 1
  rules:
  - {record: too_many, expr: 'vector(1) or label_replace(vector(2), "a", "b", "", "")'}
- name: alerts
  interval: 2s
  rules:
  - alert: Down
    expr: up == 0
    for: 12s
    labels: {severity: page}
    annotations: {summary: '{{ $labels.job }} at {{ $externalLabels.cluster }}: {{ $value }}'}
  - {alert: Later, expr: up == 1, for: 1h}
  - {alert: Kept, expr: 'flapping == 1', keep_firing_for: 20s}
`,
});
