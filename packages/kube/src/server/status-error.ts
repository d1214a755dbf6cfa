/** Kubernetes' error answers: `Status` objects with the codes and reasons clients decide by. */
import type { ResourceKind } from "./kinds.ts";

export interface StatusCause {
  reason: string;
  message: string;
  field: string;
}

export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: StatusCause[];
  retryAfterSeconds?: number;
}

export class StatusError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: StatusDetails;

  constructor(code: number, reason: string, message: string, details: StatusDetails = {}) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  toJSON() {
    const { code, reason, message, details } = this;
    return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason, details, code };
  }
}

/** `services "web"` or `servicemonitors.monitoring.coreos.com "web"`. */
function qualified({ plural, group }: ResourceKind, name: string): string {
  return `${plural}${group === "" ? "" : `.${group}`} ${JSON.stringify(name)}`;
}

function detailsOf({ plural, group }: ResourceKind, name: string): StatusDetails {
  return { name, ...(group === "" ? {} : { group }), kind: plural };
}

export const notFound = (kind: ResourceKind, name: string) =>
  new StatusError(404, "NotFound", `${qualified(kind, name)} not found`, detailsOf(kind, name));

export const alreadyExists = (kind: ResourceKind, name: string) =>
  new StatusError(409, "AlreadyExists", `${qualified(kind, name)} already exists`, detailsOf(kind, name));

export const conflict = (kind: ResourceKind, name: string, message: string) =>
  new StatusError(
    409,
    "Conflict",
    `Operation cannot be fulfilled on ${qualified(kind, name)}: ${message}`,
    detailsOf(kind, name),
  );

export const badRequest = (message: string) => new StatusError(400, "BadRequest", message);

export const forbidden = (kind: ResourceKind, name: string, message: string) =>
  new StatusError(403, "Forbidden", `${qualified(kind, name)} is forbidden: ${message}`, detailsOf(kind, name));

export const expired = (message: string) => new StatusError(410, "Expired", message);

export function invalid(kind: ResourceKind, name: string, causes: StatusCause[]): StatusError {
  const subject = `${kind.kind}${kind.group === "" ? "" : `.${kind.group}`} ${JSON.stringify(name)}`;
  const texts = causes.map(({ field, message }) => (field ? `${field}: ${message}` : message));
  const text = texts.length === 1 ? texts[0] : `[${texts.join(", ")}]`;
  return new StatusError(422, "Invalid", `${subject} is invalid: ${text}`, {
    ...detailsOf(kind, name),
    kind: kind.kind,
    causes,
  });
}
