/** Every alert has its page in docs/runbooks, and no page is left over. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseExpr } from "@pharos/promql";
import { expect, test } from "vitest";
import { type Components, MANAGED_CLUSTER } from "./params.ts";
import { makeRuleSets } from "./rules/index.ts";

const FOLDER = join(import.meta.dirname, "../../../docs/runbooks");
const components = Object.fromEntries(
  Object.keys(MANAGED_CLUSTER).map((name) => [name, true]),
) as unknown as Components;
const alerts = new Set(
  makeRuleSets({ components }).flatMap(({ groups }) =>
    groups.flatMap(({ rules }) => rules.flatMap(({ alert }) => alert ?? [])),
  ),
);
const pages = readdirSync(FOLDER).map((file) => file.replace(/\.md$/, ""));

test("alerts and pages are the same", () => {
  expect(pages.sort()).toEqual([...alerts].sort());
});

test.each(pages)("%s says what it means, what to ask and what to do", (name) => {
  const text = readFileSync(join(FOLDER, `${name}.md`), "utf8");
  expect(text.match(/^#+ .*/gm)).toEqual([`# ${name}`, "## Meaning", "## Impact", "## Diagnosis", "## Mitigation"]);
  const [, queries] = /```promql\n([\s\S]*?)\n```/.exec(text) ?? [];
  for (const query of queries.split("\n")) expect(() => parseExpr(query), query).not.toThrow();
  expect(text).toMatch(/```sh\n\S/);
  // See also: pages that are there.
  for (const [, other] of text.matchAll(
    /\b(?:see|in|for) ((?:Kube|Node|Prometheus|Alertmanager|etcd|CoreDNS)[A-Z]\w{6,})/gi,
  ))
    if (other !== "PrometheusRule") expect(pages, `${name} names`).toContain(other);
});
