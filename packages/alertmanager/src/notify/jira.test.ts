import { afterEach, beforeEach, expect, test } from "vitest";
import { deliver, HttpRecorder, type RecorderAnswer, TEST_GROUP_HASH } from "../testing/index.ts";

let server: HttpRecorder;
/** Status category of the issue that is there; undefined: none is. */
let category: string | undefined;
beforeEach(async () => {
  category = undefined;
  server = await HttpRecorder.start(({ url }): RecorderAnswer => {
    const issue = { key: "OPS-7", fields: { status: { statusCategory: { key: category } } } };
    const body = url.includes("/search")
      ? { issues: category ? [issue] : [] }
      : url.endsWith("/transitions")
        ? {
            transitions: [
              { id: "5", name: "Close" },
              { id: "6", name: "Reopen" },
            ],
          }
        : issue;
    return { contentType: "application/json", body: JSON.stringify(body) };
  });
});
afterEach(() => server[Symbol.asyncDispose]());

const config = (more = "", version = "2"): string =>
  `{api_url: "${server.url}/rest/api/${version}", project: OPS, issue_type: Bug, resolve_transition: Close, reopen_transition: Reopen, reopen_duration: 2h${more}}`;
const calls = (): string[] =>
  server.requests.map(({ method, url }) => `${method} ${url.replace(/^\/rest\/api\/\d/, "")}`);
const bodyOf = (i: number) => JSON.parse(server.requests.at(i)!.body);

test("an issue is created once, found by its label", async () => {
  await deliver(
    "jira",
    config(", labels: [z], fields: {customfield_1: '{{ len .Alerts }}'}, wont_fix_resolution: \"Won't\""),
    {
      alerts: [{ labels: { severity: "critical" } }],
    },
  );
  expect(calls()).toEqual(["POST /search", "POST /issue"]);
  expect(bodyOf(0).jql).toBe(
    `(resolution is EMPTY or resolution != "Won't") and (resolutiondate is EMPTY OR resolutiondate >= -120m) and project="OPS" and labels="ALERT{${TEST_GROUP_HASH}}" order by status ASC,resolutiondate DESC`,
  );
  expect(bodyOf(1).fields).toMatchObject({
    summary: "[FIRING:1] Test (critical)",
    project: { key: "OPS" },
    issuetype: { name: "Bug" },
    priority: { name: "High" },
    labels: [`ALERT{${TEST_GROUP_HASH}}`, "z"],
    customfield_1: 1,
  });
});

test("it is resolved when all is over, reopened when it fires again, and left alone otherwise", async () => {
  category = "new";
  await deliver("jira", config(), { alerts: [{ resolved: true }] });
  expect(calls()).toEqual([
    "POST /search",
    "PUT /issue/OPS-7",
    "GET /issue/OPS-7/transitions",
    "POST /issue/OPS-7/transitions",
  ]);
  expect(bodyOf(-1)).toEqual({ transition: { id: "5" } });
  server.requests.length = 0;
  category = "done";
  await deliver("jira", config());
  expect(bodyOf(-1)).toEqual({ transition: { id: "6" } });
  server.requests.length = 0;
  category = "new";
  await deliver("jira", config(", summary: {template: s, enable_update: false}"));
  expect(calls()).toEqual(["POST /search", "PUT /issue/OPS-7"]);
  expect(bodyOf(-1).fields).not.toHaveProperty("summary");
  category = undefined;
  server.requests.length = 0;
  await deliver("jira", config(), { alerts: [{ resolved: true }] });
  expect(calls()).toEqual(["POST /search"]);
});

test("version 3 takes documents; the cloud has another search", async () => {
  await expect(deliver("jira", config("", "3"))).rejects.toThrow("invalid JSON for API v3");
  await deliver("jira", config(`, api_type: cloud, description: '{"type":"doc","text":"{{ .Status }}"}'`, "3"));
  expect(calls().slice(-2)).toEqual(["POST /search/jql", "POST /issue"]);
  expect(bodyOf(-1).fields.description).toEqual({ type: "doc", text: "firing" });
  server.answer = () => ({ status: 429 });
  await expect(deliver("jira", config())).rejects.toMatchObject({ retry: true });
});
