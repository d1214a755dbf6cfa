/**
 * What an integration is: a table of settings, its rules, and a notifier made of them. Each lies in a file of its own; the list of
 * them is in `config/receivers.ts`.
 */
import { readFileSync } from "node:fs";
import { type HttpClientConfig, type Logger, parseHttpClientConfig, type Secret, type YamlNode } from "@pharos/kit";
import { configError, type Fields, flag, readFields, type ValuesOf } from "../config/fields.ts";
import type { GlobalSettings } from "../config/global.ts";
import type { NotificationData } from "./data.ts";
import type { Templates } from "./templates.ts";

/** Classes of failures, as upstream's metric names them. */
export type FailureReason =
  | "other"
  | "clientError"
  | "serverError"
  | "contextCanceled"
  | "contextDeadlineExceeded"
  | "authError"
  | "rateLimited";

/** The notification failed. */
export class NotifyError extends Error {
  /** Whether trying again may help. */
  readonly retry: boolean;
  readonly reason: FailureReason;

  constructor(message: string, options: { retry?: boolean; reason?: FailureReason; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.retry = options.retry ?? false;
    this.reason = options.reason ?? "other";
  }
}

/** What an integration remembers of a group from one notification to the next, such as the message to update. */
export type ReceiverData = Map<string, string | number | bigint>;

/** One try to tell a receiver. */
export interface Delivery {
  data: NotificationData;
  /** Runs a text as a template over the notification; throws a NotifyError that no retry mends. */
  text(template: string): string;
  html(template: string): string;
  /** Filled from the notification log; what the integration writes is logged with the notification. */
  store: ReceiverData;
  signal: AbortSignal;
  log: Logger;
}

export interface Notifier extends AsyncDisposable {
  /** Sends once; throws a NotifyError. Answers what the receiver said, for the history. */
  send(delivery: Delivery): Promise<string>;
}

export interface NotifierEnvironment {
  templates: Templates;
  version: string;
  http: HttpClientConfig;
}

export interface CommonSettings {
  send_resolved: boolean;
  /** As given; undefined: the global one. */
  http: HttpClientConfig | undefined;
}

/** An integration of a receiver as the configuration has it. */
export interface ConfiguredIntegration {
  readonly type: string;
  readonly sendResolved: boolean;
  readonly node: YamlNode;
  /** Takes what is missing from the global settings; throws when it is missing there too. */
  complete(global: GlobalSettings): void;
  create(environment: Omit<NotifierEnvironment, "http">): Notifier;
}

export interface IntegrationType {
  readonly name: string;
  read(node: YamlNode): ConfiguredIntegration;
}

type Fail = (message: string) => Error;

export interface IntegrationDefinition<F extends Fields> {
  name: string;
  /** Package of upstream's type, for the wording of errors. */
  goType?: string;
  sendResolved: boolean;
  fields: F;
  /** Email has no HTTP client. */
  withoutHttp?: boolean;
  /** Rules between its own fields. */
  check?(settings: ValuesOf<F> & CommonSettings, fail: Fail): void;
  complete?(settings: ValuesOf<F> & CommonSettings, global: GlobalSettings, fail: Fail): void;
  create(settings: ValuesOf<F> & CommonSettings, environment: NotifierEnvironment): Notifier;
}

export function defineIntegration<F extends Fields>(definition: IntegrationDefinition<F>): IntegrationType {
  const { name, goType = `${definition.name}.plain`, fields, check, complete, create } = definition;
  return {
    name,
    read(node) {
      const map = node.map();
      const fail: Fail = (message) => configError(node, message);
      let http: HttpClientConfig | undefined;
      if (!definition.withoutHttp) {
        const httpNode = map.get("http_config");
        if (httpNode && !httpNode.isNull) {
          const inner = httpNode.map();
          http = parseHttpClientConfig(inner);
          inner.done("config.HTTPClientConfig");
        }
      }
      const settings = {
        ...readFields(map, fields),
        send_resolved: flag(definition.sendResolved).read(map.get("send_resolved")),
        http,
      };
      map.done(goType);
      check?.(settings, fail);
      let globalHttp: HttpClientConfig | undefined;
      return {
        type: name,
        sendResolved: settings.send_resolved,
        node,
        complete(global) {
          globalHttp = global.http;
          complete?.(settings, global, fail);
        },
        create: (environment) => create(settings, { ...environment, http: (settings.http ?? globalHttp)! }),
      };
    },
  };
}

/** A secret given inline, or in a file that is read at each use so that rotation takes effect; undefined: neither is given. */
export function revealSecret(value: Secret | undefined, file: string, what: string): string | undefined {
  if (value && value.reveal() !== "") return value.reveal();
  if (file === "") return undefined;
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    throw new NotifyError(`read ${what}: ${(error as NodeJS.ErrnoException).code ?? "unreadable"}`, { cause: error });
  }
}
