/** `template render`. */
import { createTemplates, readTemplateFiles } from "@pharos/alertmanager";
import { type AlertmanagerData, alertmanagerData, Moment, parseTime } from "@pharos/gotemplate";
import { failed, listOf, parseJson, readText, type Subcommand, textOf } from "./context.ts";

const RFC3339 = "2006-01-02T15:04:05Z07:00";
const MINUTE_MS = 60_000;

/** What is rendered without --template.data, as amtool has it. */
function defaultData(): AlertmanagerData {
  const now = Date.now();
  const commonLabels = { commonlabelkey1: "commonlabelvalue1", commonlabelkey2: "commonlabelvalue2" };
  const commonAnnotations = {
    commonannotationkey1: "commonannotationvalue1",
    commonannotationkey2: "commonannotationvalue2",
  };
  const alert = (i: number, status: string, labels: Record<string, string>, annotations: Record<string, string>) => ({
    status,
    labels: { ...labels, ...commonLabels },
    annotations: { ...annotations, ...commonAnnotations },
    startsAt: Moment.fromMillis(now - 5 * i * MINUTE_MS),
    endsAt: Moment.fromMillis(now),
    generatorURL: "https://generatorurl.com",
    fingerprint: `fingerprint${i}`,
  });
  return {
    receiver: "receiver",
    status: "alertstatus",
    alerts: [
      alert(
        1,
        "firing",
        { label1: "value1", label2: "value2", instance: "foo.bar:1234" },
        { annotation1: "value1", annotation2: "value2" },
      ),
      alert(2, "resolved", { foo: "bar", baz: "qux" }, { aaa: "bbb", ccc: "ddd" }),
    ],
    groupLabels: { grouplabelkey1: "grouplabelvalue1", grouplabelkey2: "grouplabelvalue2" },
    commonLabels,
    commonAnnotations,
    externalURL: "https://example.com",
  };
}

interface JsonData extends Omit<AlertmanagerData, "alerts" | "notificationReason"> {
  alerts?: (Record<"startsAt" | "endsAt", string | undefined> & { status: string })[];
  notification_reason?: string;
}

function readData(file: string): AlertmanagerData {
  const { alerts, notification_reason: notificationReason, ...rest } = parseJson<JsonData>(readText(file), file);
  const moment = (text: string | undefined) => (text ? parseTime(RFC3339, text) : undefined);
  return {
    ...rest,
    notificationReason,
    alerts: (alerts ?? []).map((alert) => ({
      ...alert,
      startsAt: moment(alert.startsAt),
      endsAt: moment(alert.endsAt),
    })),
  };
}

const render: Subcommand = {
  path: "template render",
  summary: "Render a given definition in a template file to standard output.",
  remote: false,
  flags: {
    "template.glob": {
      type: "string",
      multiple: true,
      help: "Glob of paths that will be expanded and used for rendering.",
    },
    "template.text": { type: "string", default: "", help: "The template that will be rendered." },
    "template.type": { type: "string", default: "text", choices: ["text", "html"], help: "The type of the template." },
    "template.data": { type: "string", default: "", help: "Path to a file with the data of the alerts, in JSON." },
  },
  async run({ values, write }) {
    const globs = listOf(values, "template.glob");
    const text = textOf(values, "template.text");
    if (globs.length === 0) throw failed("required flag --template.glob not provided");
    if (text === "") throw failed("required flag --template.text not provided");
    const file = textOf(values, "template.data");
    const data = alertmanagerData(file === "" ? defaultData() : readData(file));
    const kind = textOf(values, "template.type") === "html" ? "html" : "text";
    write(createTemplates(readTemplateFiles(globs)).execute(kind, text, data));
    return 0;
  },
};

export const templateCommands: readonly Subcommand[] = [render];
