/** One integration of a receiver: builds the request and says whether a failure is worth another try. */
import { HttpClient } from "@pharos/kit";
import type { IntegrationConfig } from "../config/receivers.ts";
import type { NotificationData } from "./data.ts";
import { slackRequest } from "./slack.ts";
import type { Templates } from "./templates.ts";
import { victorOpsRequest } from "./victorops.ts";
import { webhookRequest } from "./webhook.ts";

export interface OutgoingRequest {
  url: string;
  body: unknown;
  /** What a 2xx answer must look like; says what is wrong with it otherwise. */
  check?: (body: string, contentType: string) => string | undefined;
  /** ms; 0: none of its own. */
  timeout: number;
}

/** The notification failed. `retry`: whether trying again may help. */
export class NotifyError extends Error {
  readonly retry: boolean;
  readonly reason: string;

  constructor(message: string, retry: boolean, reason: string) {
    super(message);
    this.retry = retry;
    this.reason = reason;
  }
}

function requestOf(
  config: IntegrationConfig,
  data: NotificationData,
  templates: Templates,
  now: number,
): OutgoingRequest {
  switch (config.type) {
    case "webhook":
      return webhookRequest(config, data, now);
    case "slack":
      return slackRequest(config, data, templates, now);
    case "victorops":
      return victorOpsRequest(config, data, templates, now);
  }
}

/** Upstream's classes of answers, as its metric names them. */
function reasonOf(status: number): string {
  if (status === 401 || status === 403) return "authError";
  if (status === 429) return "rateLimited";
  return status >= 500 ? "serverError" : "clientError";
}

export class Integration implements AsyncDisposable {
  readonly config: IntegrationConfig;
  readonly #templates: Templates;
  readonly #client: HttpClient;
  readonly #userAgent: string;

  constructor(config: IntegrationConfig, templates: Templates, version: string) {
    this.config = config;
    this.#templates = templates;
    this.#client = new HttpClient(config.http);
    this.#userAgent = `Alertmanager/${version}`;
  }

  /** Sends once; throws a NotifyError. */
  async send(data: NotificationData, now: number, signal: AbortSignal): Promise<void> {
    let request: OutgoingRequest;
    try {
      request = requestOf(this.config, data, this.#templates, now);
    } catch (error) {
      // A template that fails will fail again.
      throw new NotifyError(error instanceof Error ? error.message : String(error), false, "other");
    }
    const { url, body, check, timeout } = request;
    let answer: Awaited<ReturnType<HttpClient["fetch"]>>;
    try {
      answer = await this.#client.fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json", "user-agent": this.#userAgent },
        body: JSON.stringify(body),
        maxBytes: 1 << 20,
        signal: timeout > 0 ? AbortSignal.any([signal, AbortSignal.timeout(timeout)]) : signal,
      });
    } catch (error) {
      if (signal.aborted) throw new NotifyError("the notification took too long", true, "contextDeadlineExceeded");
      const { code, message } = error as NodeJS.ErrnoException;
      // The URL is a secret: undici's messages do not carry it, and neither do we.
      throw new NotifyError(`cannot reach the receiver: ${code ?? message}`, true, "other");
    }
    const { status } = answer;
    const text = answer.body.toString("utf8");
    if (status < 200 || status > 299) {
      throw new NotifyError(`unexpected status code ${status}: ${text.slice(0, 300)}`, status >= 500, reasonOf(status));
    }
    const problem = check?.(text, String(answer.headers["content-type"] ?? ""));
    if (problem) throw new NotifyError(problem, false, "clientError");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#client[Symbol.asyncDispose]();
  }
}
