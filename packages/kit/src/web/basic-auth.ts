/** Users and passwords of a web configuration. */
import { createHash, randomBytes } from "node:crypto";

/** Hash of no password anybody has: an unknown user costs as much time as a known one. */
const NOBODY = "$2b$10$HSt6873L4bBRw85kWRiI4uutMA9yd5H/qdfInT6xP4N9Wa94w4zXC";

/** Answers remembered: bcrypt takes a tenth of a second each. */
const CACHE_SIZE = 100;
/** Longer ones are cut off by bcrypt itself; what is far beyond is an attack on its time. */
const MAX_PASSWORD_BYTES = 1024;

/** User and password of an `Authorization` header; undefined when it has none. */
export function parseBasicAuth(header: string | undefined): { user: string; password: string } | undefined {
  const encoded = /^basic (.*)$/i.exec(header ?? "")?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** Checks passwords one after the other, so that a flood of wrong ones takes one processor at most. */
export class PasswordChecker {
  readonly #answers = new Map<string, boolean>();
  /** Keeps what is remembered useless to somebody who reads the memory: it holds no password, but a keyed hash. */
  readonly #salt = randomBytes(32);
  #queue: Promise<unknown> = Promise.resolve();

  /** Whether `users` has this user with this password. */
  async check(users: ReadonlyMap<string, string>, user: string, password: string): Promise<boolean> {
    if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES) return false;
    const hash = users.get(user);
    const key = this.#key(user, hash ?? NOBODY, password);
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    const answer = this.#queue.then(async () => {
      const { compare } = await import("bcryptjs");
      return (await compare(password, hash ?? NOBODY)) && hash !== undefined;
    });
    this.#queue = answer.catch(() => {});
    const good = await answer;
    this.#remember(key, good);
    return good;
  }

  #key(...parts: string[]): string {
    const digest = createHash("sha256").update(this.#salt);
    for (const part of parts) digest.update(`${Buffer.byteLength(part)}:${part}`);
    return digest.digest("base64");
  }

  #remember(key: string, good: boolean): void {
    if (this.#answers.size >= CACHE_SIZE) {
      const [oldest] = this.#answers.keys();
      this.#answers.delete(oldest);
    }
    this.#answers.set(key, good);
  }
}
