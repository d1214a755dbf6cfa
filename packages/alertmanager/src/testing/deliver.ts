/** One notification through one integration, as the pipeline would send it. */
import { parseYaml, silentLogger } from "@pharos/kit";
import { Labels } from "@pharos/model";
import type { StoredAlert } from "../alerts.ts";
import { checkGlobal, readGlobal } from "../config/global.ts";
import { readIntegration } from "../config/receivers.ts";
import { notificationData } from "../notify/data.ts";
import type { ReceiverData } from "../notify/integration.ts";
import { createTemplates } from "../notify/templates.ts";

export interface TestAlert {
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  resolved?: boolean;
}

export interface DeliverOptions {
  alerts?: readonly TestAlert[];
  /** YAML of the global block. */
  global?: string;
  store?: ReceiverData;
  timeoutMs?: number;
}

/** The start of each alert, Unix ms; resolved ones end a minute later. */
export const TEST_START = Date.UTC(2026, 0, 2, 3, 4, 5, 600);

/** Key of the group, and its SHA-256. */
export const TEST_GROUP = '{}:{alertname="Test"}';
export const TEST_GROUP_HASH = "e9431e3956d0c42acc81f7e5efa9f884c86bb68f834cbecb73e7cb9a0c1271d5";

function alertOf({ labels = {}, annotations = {}, resolved = false }: TestAlert): StoredAlert {
  return {
    labels: Labels.from({ alertname: "Test", ...labels }),
    annotations: Labels.from(annotations),
    startsAt: TEST_START,
    endsAt: resolved ? TEST_START + 60_000 : 0,
    updatedAt: TEST_START,
    generatorURL: "http://prometheus/graph",
    timeout: false,
  };
}

/** Answers what the receiver said; throws a NotifyError. */
export async function deliver(type: string, yaml: string, options: DeliverOptions = {}): Promise<string> {
  const { alerts = [{}], global = "{}", store = new Map(), timeoutMs = 5_000 } = options;
  const node = parseYaml(global);
  const settings = readGlobal(node);
  checkGlobal(settings, node);
  const integration = readIntegration(type, yaml);
  integration.complete(settings);
  const templates = createTemplates([]);
  await using notifier = integration.create({ templates, version: "test" });
  const data = notificationData({
    receiver: "team.x",
    alerts: alerts.map(alertOf),
    groupLabels: Labels.from({ alertname: "Test" }),
    routeLabels: {},
    externalUrl: "http://alertmanager",
    groupKey: TEST_GROUP,
    reason: "first notification",
  });
  return await notifier.send({
    data,
    text: (template) => templates.text(template, data),
    html: (template) => templates.html(template, data),
    store,
    signal: AbortSignal.timeout(timeoutMs),
    log: silentLogger,
  });
}
