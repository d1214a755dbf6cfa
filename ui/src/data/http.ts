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

export interface PrometheusAnswer<T> {
  data: T;
  notes: ApiNotes;
}

/** Asks a Prometheus API; queries go as forms, because they may be longer than a URL can be. */
export async function askPrometheus<T>(
  path: string,
  params: Readonly<Record<string, string>>,
  signal?: AbortSignal,
  uid = PROMETHEUS,
): Promise<PrometheusAnswer<T>> {
  const base = `/api/datasources/proxy/uid/${encodeURIComponent(uid)}${path}`;
  const body = new URLSearchParams(params);
  const isQuery = path.startsWith("/api/v1/query");
  const answer = await (isQuery
    ? getJson<{ data: T } & ApiNotes>(base, { method: "POST", body, signal })
    : getJson<{ data: T } & ApiNotes>(body.size === 0 ? base : `${base}?${body}`, { signal }));
  return { data: answer.data, notes: { warnings: answer.warnings, infos: answer.infos } };
}

/** The answer's data alone, for calls that have no notes. */
export async function prometheus<T>(
  path: string,
  params: Readonly<Record<string, string>> = {},
  signal?: AbortSignal,
  uid = PROMETHEUS,
): Promise<T> {
  return (await askPrometheus<T>(path, params, signal, uid)).data;
}

export function alertmanager<T>(path: string, init?: RequestInit): Promise<T> {
  return getJson<T>(`${ALERTMANAGER}${path}`, init);
}
