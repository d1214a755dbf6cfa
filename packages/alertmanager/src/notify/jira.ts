/** Jira: one issue a group, found again by a label; created, updated, resolved and reopened. */

import { quote } from "@pharos/gotemplate";
import type { YamlNode } from "@pharos/kit";
import { anyMap, duration, type Field, optionalFlag, readBlock, text, texts, url } from "../config/fields.ts";
import { checkStatus, NotifyClient } from "./http.ts";
import { type Delivery, defineIntegration, NotifyError } from "./integration.ts";
import { given } from "./json.ts";
import { renderDeep } from "./render-deep.ts";
import { truncateRunes } from "./truncate.ts";

/** Jira's limits, in characters. */
const MAX_SUMMARY = 255;
const MAX_DESCRIPTION = 32_767;

interface IssueField {
  template: string;
  enable_update: boolean | undefined;
}

interface Issue {
  key?: string;
  fields?: { status?: { statusCategory?: { key?: string } } };
}

const FIELD = { template: text(), enable_update: optionalFlag() };

/** A template alone, or a map that also says whether updates may change the field. */
function issueField(template: string): Field<IssueField> {
  return {
    read(node: YamlNode | undefined) {
      if (!node || node.isNull) return { template, enable_update: undefined };
      if (node.kind === "scalar") return { template: node.string(), enable_update: undefined };
      return readBlock(node, { ...FIELD, template: text(template) }, "jira.plain");
    },
  };
}

export const jira = defineIntegration({
  name: "jira",
  sendResolved: true,
  fields: {
    api_url: url(),
    api_type: text("auto"),
    project: text(),
    summary: issueField('{{ template "jira.default.summary" . }}'),
    description: issueField('{{ template "jira.default.description" . }}'),
    labels: texts(),
    priority: text('{{ template "jira.default.priority" . }}'),
    issue_type: text(),
    reopen_transition: text(),
    resolve_transition: text(),
    wont_fix_resolution: text(),
    reopen_duration: duration(),
    fields: anyMap(),
  },
  check({ project, issue_type, api_type }, fail) {
    if (project === "") throw fail("missing project in jira_config");
    if (issue_type === "") throw fail("missing issue_type in jira_config");
    if (!["auto", "cloud", "datacenter"].includes(api_type))
      throw fail("unknown api_type on jira_config, must be auto, cloud or datacenter");
  },
  complete(settings, global, fail) {
    settings.api_url ??= global.jira_api_url;
    if (!settings.api_url) throw fail("no global Jira Cloud URL set");
  },
  create(settings, { http, version }) {
    const client = new NotifyClient(http, version);
    const base = settings.api_url!.replace(/\/+$/, "");

    async function call<T>(
      method: "GET" | "POST" | "PUT",
      url: string,
      signal: AbortSignal,
      body?: unknown,
    ): Promise<T> {
      const answer = await client.request(url, {
        method,
        body,
        signal,
        headers: { "accept-language": "en", "content-type": "application/json" },
      });
      checkStatus(answer, { retryCodes: [429] });
      if (answer.body.trim() === "") return {} as T;
      try {
        return JSON.parse(answer.body) as T;
      } catch (error) {
        throw new NotifyError("Jira's answer is not JSON", { cause: error });
      }
    }

    /** Atlassian's cloud has given up the search that its data centre edition still has. */
    function searchUrl(): string {
      const { api_type: type } = settings;
      const isCloud = type === "cloud" || (type === "auto" && new URL(base).hostname.endsWith("atlassian.net"));
      return isCloud ? `${base}/search/jql`.replace("/rest/api/2/", "/rest/api/3/") : `${base}/search`;
    }

    async function findIssue(delivery: Delivery, label: string, firing: boolean): Promise<Issue | undefined> {
      const { wont_fix_resolution: wontFix, reopen_transition: reopen, reopen_duration: reopenMs } = settings;
      let jql = "";
      // A plain "!=" leaves out issues without a resolution.
      if (wontFix !== "") jql += `(resolution is EMPTY or resolution != ${quote(wontFix)}) and `;
      const minutes = Math.floor(reopenMs / 60_000);
      jql +=
        firing && reopen !== "" && minutes > 0
          ? `(resolutiondate is EMPTY OR resolutiondate >= -${minutes}m) and `
          : "statusCategory != Done and ";
      jql += `project=${quote(delivery.text(settings.project))} and labels=${quote(label)} order by status ASC,resolutiondate DESC`;
      const body = { fields: ["status"], jql, maxResults: 2 };
      const { issues } = await call<{ issues?: Issue[] }>("POST", searchUrl(), delivery.signal, body);
      if (issues && issues.length > 1)
        delivery.log.warn("more than one issue matched, selecting the most recently resolved", {
          issue: issues[0].key,
        });
      return issues?.[0];
    }

    function description(delivery: Delivery): unknown {
      const rendered = truncateRunes(delivery.text(settings.description.template), MAX_DESCRIPTION);
      if (!base.endsWith("/3")) return rendered === "" ? undefined : rendered;
      // Version 3 takes a document, not text.
      if (rendered.trim() === "") return undefined;
      try {
        return JSON.parse(rendered);
      } catch (error) {
        throw new NotifyError("description template: invalid JSON for API v3", { cause: error });
      }
    }

    function issueBody(delivery: Delivery, label: string, updating: boolean): unknown {
      const { text } = delivery;
      const mayChange = ({ enable_update: enabled }: IssueField): boolean => !updating || (enabled ?? true);
      const summary = truncateRunes(text(settings.summary.template), MAX_SUMMARY);
      const priority = text(settings.priority);
      return {
        fields: {
          ...(mayChange(settings.summary) ? { summary } : {}),
          ...(mayChange(settings.description) ? given({ description: description(delivery) }) : {}),
          issuetype: { name: text(settings.issue_type) },
          labels: [...settings.labels.map(text), label].sort(),
          ...(priority === "" ? {} : { priority: { name: priority } }),
          project: { key: text(settings.project) },
          ...Object.fromEntries(
            Object.entries(settings.fields).map(([name, value]) => [name, renderDeep(value, text)]),
          ),
        },
      };
    }

    async function transition({ signal }: Delivery, { key, fields }: Issue, firing: boolean): Promise<void> {
      const category = fields?.status?.statusCategory;
      if (!key || !category) return;
      const isDone = category.key === "done";
      const name = firing ? settings.reopen_transition : settings.resolve_transition;
      if (name === "" || isDone !== firing) return;
      const path = `${base}/issue/${encodeURIComponent(key)}/transitions`;
      const { transitions = [] } = await call<{ transitions?: { id: string; name: string }[] }>("GET", path, signal);
      const id = transitions.find((one) => one.name === name)?.id;
      if (id === undefined) throw new NotifyError(`can't find transition ${name} for issue ${key}`);
      await call("POST", path, signal, { transition: { id } });
    }

    return {
      async send(delivery) {
        const { data, signal } = delivery;
        const firing = data.status === "firing";
        const label = `ALERT{${data.groupKeyHash}}`;
        const existing = await findIssue(delivery, label, firing);
        if (!existing) {
          // An issue that is not there need not be resolved.
          if (!firing) return "no issue to resolve";
          const created = await call<Issue>("POST", `${base}/issue`, signal, issueBody(delivery, label, false));
          return `created ${created.key ?? ""}`;
        }
        const path = `${base}/issue/${encodeURIComponent(existing.key ?? "")}`;
        await call("PUT", path, signal, issueBody(delivery, label, true));
        await transition(delivery, existing, firing);
        return `updated ${existing.key ?? ""}`;
      },
      [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
    };
  },
});
