/** What the admission webhooks answer, on the paths that installations of the operator have configured. */
import type { KubeObject } from "@pharos/kube";
import { UserError } from "@pharos/model";
import { admissionError } from "../validate.ts";

export interface AdmissionReview {
  apiVersion: string;
  kind: string;
  request?: { uid: string; kind?: { group: string; version: string; kind: string }; object?: KubeObject | null };
}

export interface AdmissionAnswer {
  apiVersion: string;
  kind: "AdmissionReview";
  response: {
    uid: string;
    allowed: boolean;
    status?: { status: "Failure"; message: string; reason: string; code: number };
    patchType?: "JSONPatch";
    /** Base64. */
    patch?: string;
  };
}

interface Operation {
  op: "add" | "replace";
  path: string;
  value: unknown;
}

const VALIDATED = "prometheus-operator-validated";

type Request = NonNullable<AdmissionReview["request"]>;
type Answer = Omit<AdmissionAnswer["response"], "uid">;

function requestOf({ request }: AdmissionReview): Request & { object: KubeObject } {
  if (!request?.object) {
    throw new UserError("operator.admission", "the review has no request with an object", {
      fix: "Have the webhook called for creations and updates only",
    });
  }
  const { kind, object } = request;
  // What is stored may lack its type, which the request always says.
  const typed = kind
    ? { ...object, apiVersion: kind.group ? `${kind.group}/${kind.version}` : kind.version, kind: kind.kind }
    : object;
  return { ...request, object: typed };
}

function answer(review: AdmissionReview, { uid }: Request, response: Answer): AdmissionAnswer {
  return { apiVersion: review.apiVersion, kind: "AdmissionReview", response: { uid, ...response } };
}

/** Refuses an object that no operator could take, with the reason and the remedy. */
export function validateReview(review: AdmissionReview): AdmissionAnswer {
  const request = requestOf(review);
  const error = admissionError(request.object);
  if (!error) return answer(review, request, { allowed: true });
  const field = error.where.field ? `${error.where.field}: ` : "";
  const message = field + [error.message, error.fix].filter(Boolean).join(". ");
  return answer(review, request, {
    allowed: false,
    status: { status: "Failure", message, reason: "Invalid", code: 422 },
  });
}

/** `~` and `/` of a key as a JSON pointer has them. */
function pointer(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}

/** Labels and annotations of rules that are numbers or booleans, written as the texts they were meant to be. */
function textPatches(rule: Record<string, unknown>, path: string): Operation[] {
  return ["labels", "annotations"].flatMap((field) => {
    const values = rule[field];
    if (typeof values !== "object" || values === null) return [];
    return Object.entries(values)
      .filter(([, value]) => value !== null && typeof value !== "string" && typeof value !== "object")
      .map(([key, value]) => ({
        op: "replace" as const,
        path: `${path}/${field}/${pointer(key)}`,
        value: String(value),
      }));
  });
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.map((entry) => (entry ?? {}) as Record<string, unknown>) : [];
}

/** Marks a PrometheusRule as seen and mends values that are not text. */
export function mutateReview(review: AdmissionReview): AdmissionAnswer {
  const request = requestOf(review);
  const { metadata, spec } = request.object as KubeObject & { spec?: { groups?: unknown } };
  const operations: Operation[] = [
    metadata.annotations
      ? { op: "add", path: `/metadata/annotations/${VALIDATED}`, value: "true" }
      : { op: "add", path: "/metadata/annotations", value: { [VALIDATED]: "true" } },
    ...listOf(spec?.groups).flatMap(({ rules }, group) =>
      listOf(rules).flatMap((rule, i) => textPatches(rule, `/spec/groups/${group}/rules/${i}`)),
    ),
  ];
  const patch = Buffer.from(JSON.stringify(operations)).toString("base64");
  return answer(review, request, { allowed: true, patchType: "JSONPatch", patch });
}
