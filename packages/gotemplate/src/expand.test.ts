import { describe, expect, test } from "vitest";
import { expandPrometheusTemplate } from "./expand.ts";
import type { TemplateSample } from "./functions/prometheus.ts";

const base = {
  name: "__alert_Test",
  labels: { instance: "host:9100", job: "node" },
  externalLabels: { cluster: "eu" },
  externalUrl: "http://prom.example/base",
  value: 1234.5,
  timestampMs: 1_700_000_000_000,
  query: async () => [],
};

describe("expandPrometheusTemplate", () => {
  test.each([
    ["{{ $labels.instance }} is {{ $value | humanize }}", "host:9100 is 1.234k"],
    ["{{ .Labels.none }}|{{ $externalLabels.cluster }}", "|eu"],
    ["{{ $externalURL }}{{ pathPrefix }}", "http://prom.example/base/base"],
    ["{{ humanizeDuration 93784.0 }} {{ humanizePercentage 0.123 }} {{ humanize1024 2048 }}", "1d 2h 3m 4s 12.3% 2ki"],
    ["{{ humanizeTimestamp 1.5 }}", "1970-01-01 00:00:01.5 +0000 UTC"],
    ['{{ stripPort $labels.instance }} {{ stripDomain "a.b.c:80" }}', "host a:80"],
    ['{{ "foo bar" | title }} {{ reReplaceAll "(o+)" "<$1>" "foo" }} {{ match "^f" "foo" }}', "Foo Bar f<oo> true"],
    ['{{ graphLink "up == 0" }}', "/graph?g0.expr=up+%3D%3D+0&g0.tab=0"],
  ])("%s", async (text, want) => {
    expect(await expandPrometheusTemplate(text, base)).toBe(want);
  });

  test("waits for queries, each made once, also ones that depend on others", async () => {
    const asked: string[] = [];
    const query = async (expr: string): Promise<TemplateSample[]> => {
      asked.push(expr);
      return [
        { labels: { n: "b" }, value: 2 },
        { labels: { n: "a", next: "second" }, value: 1 },
      ];
    };
    const text =
      '{{ with query "first" }}{{ range sortByLabel "n" . }}{{ .Labels.n }}={{ .Value }};{{ end }}' +
      "{{ range query (first . | label `next`) }}{{ . | value }}{{ end }}{{ end }}";
    expect(await expandPrometheusTemplate(text, { ...base, query })).toBe("a=1;b=2;21");
    expect(asked).toEqual(["first", "second"]);
  });

  test("limits the time of all runs together", async () => {
    const text = `${Array.from({ length: 40 }, (_, i) => `{{ query "q${i}" }}{{ range 20000 }}{{ end }}`).join("")}`;
    const limits = { milliseconds: 30, steps: 1e9 };
    await expect(expandPrometheusTemplate(text, { ...base, limits })).rejects.toThrow("took longer than");
  });

  test("names the failing place as upstream does", async () => {
    const query = async () => {
      throw new Error("no such query");
    };
    await expect(expandPrometheusTemplate('{{ query "x" }}', { ...base, query })).rejects.toThrow(
      /^error executing template __alert_Test: template: __alert_Test:1:\d+: executing "__alert_Test" at <query "x">: error calling query: no such query$/,
    );
    await expect(expandPrometheusTemplate("{{ $nope }}", base)).rejects.toThrow(
      'error parsing template __alert_Test: template: __alert_Test:1: undefined variable "$nope"',
    );
  });
});
