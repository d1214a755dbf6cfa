import { expect, test } from "vitest";
import { CONSOLE_PRELUDE, type ConsoleOptions, consoleData, expandPrometheusConsole } from "./console.ts";

const options: ConsoleOptions = {
  name: "__console_/node.html",
  data: consoleData({
    params: { instance: ["a<b", "c"], empty: [] },
    path: "/node.html",
    externalLabels: { cluster: "eu" },
  }),
  libraries: [{ name: "prom.lib", text: '{{ define "cell" }}<td>{{ . }}</td>{{ end }}' }],
  externalUrl: "http://prom/x",
  timestampMs: 0,
  query: async (expr) => [{ labels: { expr, instance: "<i>" }, value: 2 }],
};

test("a page with its variables, library, queries and tmpl", async () => {
  const text =
    "{{ $params.instance }}|{{ $rawParams.instance }}|{{ $path }}|{{ $externalLabels.cluster }}|" +
    '{{ range query "up" }}{{ template "cell" .Labels.instance }}{{ . | value }}{{ end }}{{ tmpl "cell" "&" }}';
  expect(await expandPrometheusConsole(CONSOLE_PRELUDE + text, options)).toBe(
    "a&lt;b|[a&lt;b c]|node.html|eu|<td>&lt;i&gt;</td>2<td>&amp;</td>",
  );
});

test("errors are upstream's", async () => {
  const page = (text: string, more: Partial<ConsoleOptions> = {}) =>
    expandPrometheusConsole(text, { ...options, ...more });
  await expect(page("{{ nope }}")).rejects.toThrow(
    'error parsing template __console_/node.html: template: __console_/node.html:1: function "nope" not defined',
  );
  await expect(page("x", { libraries: [{ name: "a.lib", text: "{{" }] })).rejects.toThrow(
    "error parsing template files for __console_/node.html: template: a.lib:1: unclosed action",
  );
  await expect(page('{{ tmpl "none" 1 }}')).rejects.toThrow('error calling tmpl: html/template: "none" is undefined');
  await expect(page('{{ define "r" }}{{ tmpl "r" . }}{{ end }}{{ tmpl "r" . }}')).rejects.toThrow(/steps|depth|ms/);
});
