/**
 * What templates cost: `node packages/gotemplate/src/expand.bench.ts`. An annotation of a rule as kube-prometheus writes
 * them, and a notification of 1,000 alerts as text, as HTML and as JSON. Prints the best of seven rounds.
 */
import { expandPrometheusTemplate } from "./expand.ts";
import { alertmanagerFunctions } from "./functions/alertmanager.ts";
import { alertmanagerData } from "./functions/alertmanager-data.ts";
import { HtmlTemplate } from "./html/template.ts";
import { Template } from "./template.ts";

const ROUNDS = 7;

async function best(name: string, unit: number, run: () => unknown): Promise<void> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < ROUNDS; i++) {
    const start = performance.now();
    await run();
    least = Math.min(least, performance.now() - start);
  }
  console.log(`${name}: ${((least * 1000) / unit).toFixed(2)} µs`);
}

const ANNOTATION =
  "Pod {{ $labels.namespace }}/{{ $labels.pod }} ({{ $labels.container }}) is restarting {{ printf `%.2f` $value }} times / 5 minutes.";
const rule = {
  name: "__alert_KubePodCrashLooping",
  labels: { namespace: "default", pod: "web-7f9c6d5b8-x1", container: "main" },
  externalLabels: { cluster: "eu" },
  externalUrl: "http://localhost:9090",
  value: 2.5,
  timestampMs: 1_700_000_000_000,
  query: async () => [],
};
await best("annotation", 10_000, async () => {
  for (let i = 0; i < 10_000; i++) await expandPrometheusTemplate(ANNOTATION, rule);
});

const ALERTS = 1_000;
const data = alertmanagerData({
  receiver: "team",
  status: "firing",
  alerts: Array.from({ length: ALERTS }, (_, i) => ({
    status: "firing",
    labels: { alertname: "Down", instance: `host-${i}:9100`, job: "node", severity: "critical" },
    annotations: { summary: "it is <down> & out", runbook_url: "https://runbooks/x?a=1" },
    generatorURL: `http://localhost:9090/graph?g0.expr=up&n=${i}`,
    fingerprint: "aabbccddeeff0011",
  })),
  groupLabels: { alertname: "Down" },
  commonLabels: { alertname: "Down", job: "node" },
  externalURL: "http://localhost:9093",
});
const set = new Template("", { funcs: alertmanagerFunctions() });
const list =
  '{{ range .Alerts }}<a href="{{ .GeneratorURL }}">{{ range .Labels.SortedPairs }}{{ .Name }}={{ .Value }} {{ end }}</a>\n{{ end }}';
const text = set.clone("").parse(list);
const html = new HtmlTemplate(text);
const json = set.clone("").parse("{{ toJson . }}");
await best("alert as text", ALERTS, () => text.execute(data));
await best("alert as HTML", ALERTS, () => html.execute(data));
await best("alert as JSON", ALERTS, () => json.execute(data));
