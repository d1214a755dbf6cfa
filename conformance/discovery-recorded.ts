/** Service discovery on the answers of real APIs that Prometheus recorded: the label sets are those its own tests expect. */
import { createHash } from "node:crypto";
import type { TargetLabels } from "@pharos/model";
import { recordedCases } from "./discovery/recorded.ts";
import { lookUp, serve } from "./discovery/serve.ts";
import type { Suite, SuiteResult } from "./suite.ts";

/** A digest of label sets that does not depend on their order. */
function digestOf(targets: readonly TargetLabels[]): string {
  const lines = targets.map((labels) => JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))));
  return createHash("sha256").update(lines.sort().join("\n")).digest("hex").slice(0, 16);
}

/** Targets and the digest of their label sets, by case: what upstream's tests expect. */
const EXPECTED: Readonly<Record<string, readonly [targets: number, digest: string]>> = {
  docker: [8, "9ec8f058d96c386c"],
  "docker, all networks": [13, "cae8c43659396bba"],
  "docker, IPv6": [1, "537015be730c92c3"],
  "dockerswarm nodes": [5, "3f2aae4ac8a9f8f8"],
  "dockerswarm services": [15, "629f086a942c3e7c"],
  "dockerswarm tasks": [27, "e9cfc179f6dd154c"],
  "dockerswarm services, filtered": [4, "71f52b1f72854f48"],
  "dockerswarm services, plugin": [2, "1dbec21719d3adc6"],
  linode: [4, "978278ad8d358ca7"],
  "linode, region: us-east": [2, "50f3e67e9a24327e"],
  "linode, region: ca-central": [1, "a3891ffc42956641"],
  ionos: [3, "97475580c82a51a5"],
  "ovhcloud dedicated_server": [1, "7e1f8227f84fff56"],
  "ovhcloud vps": [1, "8d64c5025e985b83"],
  puppetdb: [1, "cbee6979cc66c7c0"],
  "puppetdb with parameters": [1, "1afe2aab4957bb8b"],
  "scaleway instance": [4, "f9bf43733d3ef3a1"],
};

async function recorded(folder: string): Promise<SuiteResult> {
  const result: SuiteResult = { passed: 0, total: 0, failures: [] };
  for (const each of recordedCases(folder)) {
    result.total++;
    await using server = await serve(each.answer);
    const found = await lookUp(each.yaml, server.url);
    const [targets, digest] = EXPECTED[each.name];
    const good = Array.isArray(found) && found.length === targets && digestOf(found) === digest;
    if (good) result.passed++;
    else {
      const got = Array.isArray(found) ? `${found.length} targets, digest ${digestOf(found)}` : found;
      result.failures.push(`${each.name}: wanted ${targets} targets, digest ${digest}; got ${got}`);
    }
  }
  return result;
}

export const suites: Suite[] = [{ name: "discovery-recorded", data: "prometheus/discovery", run: recorded }];
