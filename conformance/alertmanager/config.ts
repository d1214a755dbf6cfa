/** Configuration files: what is accepted, and the words of what is not. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadAlertmanagerConfig, MatcherSyntax, readIntegration } from "@pharos/alertmanager";
import { formatDuration, parseDuration } from "@pharos/model";
import { suite } from "./cases.ts";

/** Tests of upstream that expect an error their table does not name, by test and text of the input. */
const UNNAMED_ERRORS: readonly [test: RegExp, input: RegExp, error: string][] = [
  [/TestReceiverLabelsNameConflict/, /./, 'receiver label "name" must match receiver name'],
  [/TestRouteLabelsInvalidLabelName/, /./, "in route labels"],
  [/TestRootRouteHasNoMatcher/, /./, "root route must not have any matchers"],
  [/TestSNS/, /topic_arn: topic\n(target_arn|phone_number)/, "must provide either a Target ARN"],
  [/TestSNS/, /^sigv4/, "must provide either a Target ARN"],
  [/TestSNS/, /topic_arn: topic\nsigv4/, "must provide a AWS SigV4 Access key and Secret Key"],
  [/TestOpsGenieConfiguration/, /api_key_file/, "at most one of api_key & api_key_file"],
  [/TestOpsGenieConfiguration/, /type: wrong/, "type does not match valid options"],
  [/TestOpsGenieConfiguration/, /- type: schedule/, "has to have at least one of id, username or name"],
  [/TestOpsGenieConfiguration/, /invalid comment/, "type contains invalid template syntax"],
];

/** Tests whose table names the errors of several inputs: which input has which. */
const NAMED_FOR_SEVERAL: readonly [test: RegExp, input: RegExp, error: string | undefined][] = [
  [/TestVictorOpsConfiguration/, /routing_key: test\napi_key_file/, undefined],
  [/TestVictorOpsCustomFieldsValidation/, /my_special_field/, undefined],
  [/TestPagerDutySource/, /./, undefined],
];

const TYPE_OF_TEST: readonly [test: RegExp, type: string][] = [
  [/Slack/, "slack"], [/Webex/, "webex"], [/Email/, "email"], [/SNS/, "sns"], [/Mattermost/, "mattermost"], [/OpsGenie/, "opsgenie"],
  [/Pager[dD]uty/, "pagerduty"], [/Telegram/, "telegram"], [/Pushover/, "pushover"], [/VictorOps/, "victorops"], [/Webhook/, "webhook"],
]; // biome-ignore format: a table

interface InlineCase {
  source: string;
  kind: "config" | "fragment" | "table-row";
  yaml: string;
  errors_in_test: string[] | null;
}

/** What the value in question stands in, for rows that are not a whole block. */
function inlineRun(test: string, yaml: string): () => unknown {
  // Upstream looks at names of labels in the mode that its test has set: in the default one "-invalid-" is a name.
  if (/TestGroupByInvalidLabel|TestRouteLabelsInvalidLabelName/.test(test))
    return () => loadAlertmanagerConfig(yaml, { file: "", syntax: new MatcherSyntax("classic") });
  if (/TestUnmarshalHostPort/.test(test)) return () => readIntegration("email", `{to: a@b.c, smarthost: ${yaml}}`);
  if (/TestSecretTemplURL/.test(test))
    return () => readIntegration("webhook", `{url: ${yaml}, url_file: ${yaml === '""' ? "x" : '""'}}`);
  if (/TestMattermostField/.test(test))
    return () => readIntegration("mattermost", `fields:\n- ${yaml.trim().split("\n").join("\n  ")}`);
  const type = TYPE_OF_TEST.find(([pattern]) => pattern.test(test))?.[1];
  if (!type || /RootRoute/.test(test)) return () => loadAlertmanagerConfig(yaml, { file: "" });
  return () => readIntegration(type, yaml);
}

function inlineErrors({ source, yaml, errors_in_test: named }: InlineCase): readonly string[] | undefined {
  const test = source.split("#")[1];
  const special = NAMED_FOR_SEVERAL.find(([pattern, input]) => pattern.test(test) && input.test(yaml));
  if (special) return special[2] === undefined ? undefined : [special[2]];
  const unnamed = UNNAMED_ERRORS.find(([pattern, input]) => pattern.test(test) && input.test(yaml));
  if (unnamed) return [unnamed[2]];
  if (/TestUnmarshalHostPort/.test(test))
    return yaml === '"localhost"' ? ["missing port"] : yaml === '"localhost:"' ? ["port cannot be empty"] : undefined;
  if (/TestSecretTemplURL/.test(test)) {
    if (/ftp:|"example.com/.test(yaml)) return ["unsupported scheme"];
    return /\.Invalid"/.test(yaml) ? ["invalid template syntax"] : undefined;
  }
  return named?.map((text) => text.replaceAll('\\"', '"'));
}

export const config = suite("alertmanager-config", "config", (cases, read, path) => {
  const expected = read<Record<string, { error_contains: string[] | null; valid: boolean }>>("testdata-expected.json");
  for (const [file, { error_contains: errors, valid }] of Object.entries(expected)) {
    const text = readFileSync(join(path, file), "utf8");
    // The table has this one as valid; amtool refuses it, as upstream's test wants.
    const isOldTeam = file.endsWith("old-team.yml");
    const want = isOldTeam ? ["field teams not found in type"] : valid ? undefined : (errors ?? [""]);
    cases.error(file, () => loadAlertmanagerConfig(text, { file: join(path, file), withoutTemplates: true }), want);
  }
  for (const item of read<InlineCase[]>("inline-cases.json"))
    cases.error(
      `${item.source} ${item.yaml.slice(0, 60)}`,
      inlineRun(item.source.split("#")[1], item.yaml),
      inlineErrors(item),
    );
  for (const row of read<{ input: string; nanoseconds?: string; string?: string; error?: string }[]>(
    "duration-cases.json",
  )) {
    if (row.error) cases.error(`duration ${row.input}`, () => parseDuration(row.input), [row.error, ""]);
    else {
      cases.check(`duration ${row.input}`, parseDuration(row.input) * 1e6, Number(row.nanoseconds));
      cases.check(`duration ${row.input} written`, formatDuration(parseDuration(row.input)), row.string);
    }
  }
});
