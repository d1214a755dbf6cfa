/** Results of unit tests as JUnit writes them: a suite a file, a case a test group. */
import type { RuleTestReport } from "@pharos/rules";

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&#34;",
  "'": "&#39;",
  "\n": "&#xA;",
  "\t": "&#x9;",
  "\r": "&#xD;",
};

function escapeXml(text: string): string {
  // XML has no other control characters at all.
  return text.replace(/[&<>"'\n\t\r]/g, (c) => ESCAPES[c]).replace(/[\u0000-\u001f]/g, "\uFFFD");
}

export function junitXml(reports: readonly RuleTestReport[]): string {
  const time = new Date().toISOString().slice(0, 19);
  const suites = reports.map(({ file, cases, error }) => {
    const failed = cases.reduce((sum, { failures }) => sum + failures.length, 0);
    const tests = cases.length + (error === undefined ? 0 : 1);
    const count = `tests="${tests}" failures="${failed}" errors="${error === undefined ? 0 : 1}" skipped="0"`;
    const lines = cases.map(({ name, failures }) => {
      const inner = failures.map((text) => `\n      <failure>${escapeXml(text)}</failure>`).join("");
      return `\n    <testcase name="${escapeXml(name)}">${inner}${inner === "" ? "" : "\n    "}</testcase>`;
    });
    const abort =
      error === undefined
        ? ""
        : `\n    <testcase name="unknown">\n      <error>${escapeXml(error)}</error>\n    </testcase>`;
    return `\n  <testsuite name="${escapeXml(file)}" ${count} timestamp="${time}">${lines.join("")}${abort}\n  </testsuite>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>${suites.join("")}\n</testsuites>\n`;
}
