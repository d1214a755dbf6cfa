/** A reader of JSON answers: what is left out reads as nothing, as Go's decoder has it; what has the wrong type is refused. */
import { UserError } from "@pharos/model";

export class Json {
  readonly #value: unknown;
  readonly #path: string;

  constructor(value: unknown, path = "") {
    this.#value = value;
    this.#path = path;
  }

  /** A UserError with code `discovery.answer` when the text is no JSON. */
  static parse(text: string): Json {
    try {
      return new Json(JSON.parse(text));
    } catch (error) {
      throw new UserError(
        "discovery.answer",
        `the answer is no JSON: ${error instanceof Error ? error.message : String(error)}`,
        { cause: error },
      );
    }
  }

  /** Whether it is there and not null. */
  get exists(): boolean {
    return this.#value !== undefined && this.#value !== null;
  }

  /** The plain value. */
  get value(): unknown {
    return this.#value;
  }

  /** A field, or a field of a field; nothing when any of them is missing. */
  get(...path: string[]): Json {
    let value = this.#value;
    let place = this.#path;
    for (const key of path) {
      if (value === undefined || value === null) return new Json(undefined, place);
      if (typeof value !== "object" || Array.isArray(value)) throw this.#wrong("an object", value, place);
      value = Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
      place = place === "" ? key : `${place}.${key}`;
    }
    return new Json(value, place);
  }

  /** "" when it is missing. */
  text(...path: string[]): string {
    const value = this.get(...path).#value ?? "";
    if (typeof value !== "string") throw this.#wrong("a string", value, path.join("."));
    return value;
  }

  /** 0 when it is missing. */
  number(...path: string[]): number {
    const value = this.get(...path).#value ?? 0;
    if (typeof value !== "number") throw this.#wrong("a number", value, path.join("."));
    return value;
  }

  /** A whole number, as text; "0" when it is missing. */
  integer(...path: string[]): string {
    const value = this.number(...path);
    if (!Number.isInteger(value)) throw this.#wrong("a whole number", value, path.join("."));
    return BigInt(value).toString();
  }

  /** false when it is missing. */
  flag(...path: string[]): boolean {
    const value = this.get(...path).#value ?? false;
    if (typeof value !== "boolean") throw this.#wrong("true or false", value, path.join("."));
    return value;
  }

  /** None when it is missing. */
  items(...path: string[]): Json[] {
    const { value } = this.get(...path);
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) throw this.#wrong("a list", value, path.join("."));
    const place = [this.#path, ...path].filter((part) => part !== "").join(".");
    return value.map((item: unknown, i) => new Json(item, `${place}[${i}]`));
  }

  texts(...path: string[]): string[] {
    return this.items(...path).map((item) => item.text());
  }

  /** Fields of an object; none when it is missing. */
  entries(...path: string[]): [string, Json][] {
    const found = this.get(...path);
    const { value } = found;
    if (value === undefined || value === null) return [];
    if (typeof value !== "object" || Array.isArray(value)) throw this.#wrong("an object", value, path.join("."));
    return Object.entries(value).map(([key, field]: [string, unknown]) => [
      key,
      new Json(field, `${found.#path}.${key}`),
    ]);
  }

  /** Fields of an object whose values are texts. */
  textMap(...path: string[]): Record<string, string> {
    return Object.fromEntries(this.entries(...path).map(([key, value]) => [key, value.text()]));
  }

  #wrong(wanted: string, value: unknown, path: string): UserError {
    const place = [this.#path, path].filter((part) => part !== "").join(".") || "the answer";
    const got = value === null ? "null" : Array.isArray(value) ? "a list" : typeof value;
    return new UserError("discovery.answer", `${place} of the answer is ${got}, not ${wanted}`);
  }
}
