/** Requests to our own server, and to the data sources behind its proxy. */

const PROMETHEUS = "prometheus";
const ALERTMANAGER = "/api/datasources/proxy/uid/alertmanager";

export async function getJson<T>(url: string, init?: RequestInit): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(url, init);
  } catch (error) {
    if (error instanceof DOMException) throw error;
    throw new Error("Pharos does not answer. Is it running?");
  }
  const text = await answer.text();
  let body: unknown;
  try {
    body = text === "" ? undefined : JSON.parse(text);
  } catch {
    body = text;
  }
  if (!answer.ok) {
    const { error, message } = (typeof body === "object" && body !== null ? body : {}) as {
      error?: string;
      message?: string;
    };
    throw new Error(
      error ?? message ?? (typeof body === "string" && body !== "" ? body : `HTTP status ${answer.status}`),
    );
  }
  return body as T;
}

export interface ApiNotes {
  warnings?: string[];
  infos?: string[];
}

/** `data` of a Prometheus API answer, with its notes. */
export async function prometheus<T>(
  path: string,
  params: Readonly<Record<string, string>> = {},
  signal?: AbortSignal,
  uid = PROMETHEUS,
): Promise<T & { notes?: ApiNotes }> {
  // Queries may be longer than a URL can be.
  const isQuery = path.startsWith("/api/v1/query");
  const body = new URLSearchParams(params);
  const query = body.toString();
  const answer = await getJson<{ data: T } & ApiNotes>(
    `/api/datasources/proxy/uid/${encodeURIComponent(uid)}${path}${isQuery || query === "" ? "" : `?${query}`}`,
    isQuery ? { method: "POST", body, signal } : { signal },
  );
  return Object.assign(answer.data as object, { notes: { warnings: answer.warnings, infos: answer.infos } }) as T & {
    notes: ApiNotes;
  };
}

export function alertmanager<T>(path: string, init?: RequestInit): Promise<T> {
  return getJson<T>(`${ALERTMANAGER}${path}`, init);
}
