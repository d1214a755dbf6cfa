/** What amtool prints: tables with two spaces between columns, or JSON. */
import { AlertMatcher, formatMatchers } from "@pharos/alertmanager";
import { formatTime, loadZone, Moment } from "@pharos/gotemplate";
import type { ApiAlert, ApiMatcher, ApiSilence, ApiStatus } from "./client.ts";
import { type Invocation, textOf } from "./context.ts";

const PADDING = 2;

/** Go's tabwriter: every cell padded to its column, the last one too. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, [...cell].length + PADDING);
  }
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => cell + " ".repeat(widths[i] - [...cell].length)).join("");
  return rows.map((row) => `${line(row)}\n`).join("");
}

export function matcherOf({ name, value, isRegex, isEqual = true }: ApiMatcher): AlertMatcher {
  return new AlertMatcher(isRegex ? (isEqual ? "=~" : "!~") : isEqual ? "=" : "!=", name, value);
}

function dateOf(invocation: Invocation, text: string): string {
  // The API speaks UTC.
  const zone = loadZone("UTC");
  return formatTime(Moment.fromMillis(Date.parse(text), zone), textOf(invocation.values, "date.format"));
}

const byTime =
  <T>(field: keyof T) =>
  (a: T, b: T): number =>
    Date.parse(String(a[field])) - Date.parse(String(b[field]));

function pairsOf(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${value}"`)
    .sort()
    .join(" ");
}

export function writeSilences(invocation: Invocation, silences: readonly ApiSilence[]): void {
  const output = textOf(invocation.values, "output");
  if (output === "json") {
    invocation.write(`${JSON.stringify(silences)}\n`);
    return;
  }
  const sorted = [...silences].sort(byTime("endsAt"));
  const date = (text: string): string => dateOf(invocation, text);
  const rows =
    output === "extended"
      ? [
          ["ID", "Matchers", "Starts At", "Ends At", "Updated At", "Created By", "Comment"],
          ...sorted.map(({ id, matchers, startsAt, endsAt, updatedAt, createdBy, comment }) => [
            id, formatMatchers(matchers.map(matcherOf)), date(startsAt), date(endsAt), date(updatedAt), createdBy, comment,
          ]), // biome-ignore format: a row
        ]
      : [
          ["ID", "Matchers", "Ends At", "Created By", "Comment"],
          ...sorted.map(({ id, matchers, endsAt, createdBy, comment }) => [
            id, matchers.map(matcherOf).join(" "), date(endsAt), createdBy, comment,
          ]), // biome-ignore format: a row
        ];
  invocation.write(table(rows));
}

export function writeAlerts(invocation: Invocation, alerts: readonly ApiAlert[]): void {
  const output = textOf(invocation.values, "output");
  if (output === "json") {
    invocation.write(`${JSON.stringify(alerts)}\n`);
    return;
  }
  const sorted = [...alerts].sort(byTime("startsAt"));
  const date = (text: string): string => dateOf(invocation, text);
  const rows =
    output === "extended"
      ? [
          ["Labels", "Annotations", "Starts At", "Ends At", "Generator URL", "State"],
          ...sorted.map(({ labels, annotations, startsAt, endsAt, generatorURL = "", status }) => [
            pairsOf(labels), pairsOf(annotations), date(startsAt), date(endsAt), generatorURL, status.state,
          ]), // biome-ignore format: a row
        ]
      : [
          ["Alertname", "Starts At", "Summary", "State"],
          ...sorted.map(({ labels, annotations, startsAt, status }) => [
            labels.alertname ?? "", date(startsAt), annotations.summary ?? "", status.state,
          ]), // biome-ignore format: a row
        ];
  invocation.write(table(rows));
}

export function writeConfig(invocation: Invocation, status: ApiStatus): void {
  const output = textOf(invocation.values, "output");
  if (output === "json") invocation.write(`${JSON.stringify(status)}\n`);
  else if (output === "simple") invocation.write(`${status.config.original}\n`);
  else {
    const { buildUser, goVersion, revision, version, branch, buildDate } = status.versionInfo;
    const facts = { buildUser, goVersion, revision, version, branch, buildDate, uptime: status.uptime };
    const lines = Object.entries(facts).map(([name, value]) => `${name} ${value}\n`);
    invocation.write(`${status.config.original}\n${lines.join("")}`);
  }
}

/** By address as numbers, then by port. */
function compareAddresses(a: string, b: string): number {
  const key = (address: string): string => address.replace(/\d+/g, (digits) => digits.padStart(5, "0"));
  return key(a) < key(b) ? -1 : 1;
}

export function writeCluster(invocation: Invocation, { cluster }: ApiStatus): void {
  const output = textOf(invocation.values, "output");
  if (output === "json") {
    invocation.write(`${JSON.stringify(cluster)}\n`);
    return;
  }
  // The second column is not closed in upstream's table: nothing is padded there.
  invocation.write(`Cluster Status:  ${cluster.status}\nNode Name:       ${cluster.name ?? ""}\n`);
  if (output === "simple") return;
  const peers = [...cluster.peers].sort((a, b) => compareAddresses(a.address, b.address));
  const width = Math.max("Address".length, ...peers.map(({ address }) => address.length)) + PADDING;
  const names = Math.max(0, ...peers.map(({ name }) => name.length)) + PADDING;
  invocation.write(`\n${"Address".padEnd(width)}Name\n`);
  for (const { address, name } of peers) invocation.write(`${address.padEnd(width)}${name.padEnd(names)}\n`);
}
