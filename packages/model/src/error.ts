/**
 * The two kinds of failure (see docs/errors.md): a `UserError` says what somebody gave us that we cannot take, where it
 * is and what to change; anything else that is thrown is a bug or the operating system's refusal.
 */
export interface Where {
  readonly file?: string;
  /** 1-based. */
  readonly line?: number;
  /** 1-based, in characters. */
  readonly column?: number;
  /** "Kind namespace/name" of a resource. */
  readonly object?: string;
  /** Path of the field inside the file or object, as `spec.endpoints[0].port`. */
  readonly field?: string;
  /** Command line flag, with its dashes. */
  readonly flag?: string;
}

export class UserError extends Error {
  /** Stable code from the package's error catalogue, e.g. `kube.invalid`. */
  readonly code: string;
  readonly where: Where;
  /** What to change; a full sentence, or nothing when the message says it already. */
  readonly fix: string | undefined;

  constructor(code: string, message: string, options: { where?: Where; fix?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "UserError";
    this.code = code;
    this.where = options.where ?? {};
    this.fix = options.fix;
  }

  /** One line for people: `prometheus.yml:12: field "foo" not found. Remove it or …`. */
  describe(): string {
    const place = describeWhere(this.where);
    return `${place ? `${place}: ` : ""}${this.message}${this.fix ? `. ${this.fix}` : ""}`;
  }
}

export function describeWhere(where: Where): string {
  const parts: string[] = [];
  if (where.flag) parts.push(where.flag);
  if (where.file) {
    const line =
      where.line === undefined ? "" : `:${where.line}${where.column === undefined ? "" : `:${where.column}`}`;
    parts.push(`${where.file}${line}`);
  } else if (where.line !== undefined) {
    parts.push(`line ${where.line}`);
  }
  if (where.object) parts.push(where.object);
  if (where.field) parts.push(where.field);
  return parts.join(" ");
}

/** Text of anything that was thrown, with the place and the remedy when it is a UserError. */
export function describeError(error: unknown): string {
  if (error instanceof UserError) return error.describe();
  return error instanceof Error ? error.message : String(error);
}
