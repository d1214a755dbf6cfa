/** Requests of notifications: the user agent, the classes of answers, and errors that never carry a URL or a secret. */
import { HttpClient, type HttpClientConfig } from "@pharos/kit";
import { type FailureReason, NotifyError } from "./integration.ts";
import { goJson } from "./json.ts";

export interface Answer {
  status: number;
  contentType: string;
  body: string;
}

export interface Post {
  method?: "GET" | "POST" | "PUT";
  contentType?: string;
  headers?: Record<string, string>;
  /** Text as it is, anything else as JSON. */
  body?: unknown;
  signal: AbortSignal;
  /** ms; 0: none but the flush's. */
  timeout?: number;
  /** What `timeout` belongs to, for the message: `webhook`. */
  integration?: string;
}

export interface Classification {
  /** Besides 5xx. */
  retryCodes?: readonly number[];
  /** What of the body belongs into the message; all of it without this. */
  details?: (status: number, body: string) => string;
}

/** Bytes of an answer that are read at most. */
const MAX_ANSWER = 4 * 2 ** 20;
/** Characters of an answer that a message repeats at most. */
const MAX_DETAILS = 2_000;

export function reasonOf(status: number): FailureReason {
  if (status === 401 || status === 403) return "authError";
  if (status === 429) return "rateLimited";
  if (status >= 400 && status < 500) return "clientError";
  return status >= 500 && status < 600 ? "serverError" : "other";
}

/** 2xx is a success, 5xx and `retryCodes` are worth another try, everything else is final. Throws a NotifyError. */
export function checkStatus(answer: Answer, { retryCodes = [], details }: Classification = {}, prefix = ""): void {
  const { status, body } = answer;
  if (status >= 200 && status < 300) return;
  const more = (details ? details(status, body) : body).slice(0, MAX_DETAILS);
  throw new NotifyError(`${prefix}unexpected status code ${status}${more === "" ? "" : `: ${more}`}`, {
    retry: (status >= 500 && status < 600) || retryCodes.includes(status),
    reason: reasonOf(status),
  });
}

export class NotifyClient implements AsyncDisposable {
  readonly #client: HttpClient;
  readonly #userAgent: string;

  constructor(config: HttpClientConfig, version: string) {
    this.#client = new HttpClient(config);
    this.#userAgent = `Alertmanager/${version}`;
  }

  /** Any status is an answer; throws a NotifyError worth another try when there is none. */
  async request(url: string, options: Post): Promise<Answer> {
    const {
      method = "POST",
      contentType = "application/json",
      headers,
      body,
      signal,
      timeout = 0,
      integration,
    } = options;
    const limit = timeout > 0 ? AbortSignal.timeout(timeout) : undefined;
    try {
      const answer = await this.#client.fetch(url, {
        method,
        headers: {
          ...(body === undefined && method === "GET" ? {} : { "content-type": contentType }),
          "user-agent": this.#userAgent,
          ...headers,
        },
        body: body === undefined || typeof body === "string" ? body : goJson(body),
        maxBytes: MAX_ANSWER,
        signal: limit ? AbortSignal.any([signal, limit]) : signal,
      });
      return {
        status: answer.status,
        contentType: String(answer.headers["content-type"] ?? ""),
        body: answer.body.toString("utf8"),
      };
    } catch (error) {
      if (limit?.aborted && !signal.aborted)
        throw new NotifyError(`configured ${integration} timeout reached (${timeout} ms)`, {
          retry: true,
          cause: error,
        });
      if (signal.aborted)
        throw new NotifyError("the notification took too long", {
          retry: true,
          reason: "contextDeadlineExceeded",
          cause: error,
        });
      const { code, message } = error as NodeJS.ErrnoException;
      const invalid = code === "ERR_INVALID_URL" || code === "UND_ERR_INVALID_ARG";
      // The URL is a secret, and some messages repeat it.
      const said = invalid ? "the URL is not valid" : (code ?? message.replaceAll(url, "<redacted>"));
      throw new NotifyError(`cannot reach the receiver: ${said}`, { retry: !invalid, cause: error });
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#client[Symbol.asyncDispose]();
  }
}
