import { type Collector, FamilySet, list, readText } from "../collector.ts";

const HELP =
  "Details of each CPU vulnerability reported by sysfs. The value of the series is an int encoded state of the vulnerability. The same state is stored as a string in the label";

const STATES = ["not affected", "vulnerable", "mitigation", "unknown"];

/** `Not affected`, `Vulnerable…`, `Mitigation: …` or `Unknown…`; any other text is told as it is. */
function parseState(text: string): { state: string; mitigation: string } {
  const state = STATES.find((prefix) => text.toLowerCase().startsWith(prefix));
  if (state === undefined) return { state: "unknown", mitigation: text };
  return { state, mitigation: state === STATES[0] ? "" : text.split(/\s+/).slice(1).join(" ") };
}

export const cpuVulnerabilities: Collector = {
  name: "cpu_vulnerabilities",
  collect({ paths }) {
    const root = `${paths.sysfs}/devices/system/cpu/vulnerabilities`;
    const out = new FamilySet();
    for (const codename of list(root)) {
      const { state, mitigation } = parseState(readText(root, codename).trim());
      out.gauge("node_cpu_vulnerabilities_info", HELP, 1, [
        "codename",
        codename,
        "state",
        state,
        "mitigation",
        mitigation,
      ]);
    }
    return out.families;
  },
};
