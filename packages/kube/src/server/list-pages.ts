/**
 * Pages of long lists. A list that does not fit its limit is kept as it was at the first request, so that all its pages
 * show one moment; it costs references only, since stored objects never change in place.
 */
import { randomUUID } from "node:crypto";
import type { KubeObject } from "../types.ts";
import { badRequest, expired } from "./status-error.ts";

const KEPT_LISTS = 64;
const KEPT_MS = 5 * 60_000;

interface KeptList {
  objects: readonly KubeObject[];
  version: number;
  until: number;
}

export interface Page {
  objects: readonly KubeObject[];
  /** Resource version of the whole list. */
  version: number;
  /** Token of the next page. */
  next: string | undefined;
  remaining: number;
}

function readToken(text: string): { id: string; offset: number } {
  try {
    const token = JSON.parse(Buffer.from(text, "base64url").toString("utf8")) as { id: string; offset: number };
    if (typeof token.id === "string" && Number.isInteger(token.offset) && token.offset >= 0) return token;
  } catch {
    // Not ours: answered below like any other bad token.
  }
  throw badRequest("continue key is not valid: unable to decode");
}

export class ListPages {
  readonly #lists = new Map<string, KeptList>();

  /** The first page; `limit` 0 gives everything. */
  first(objects: readonly KubeObject[], version: number, limit: number): Page {
    if (limit <= 0 || objects.length <= limit) return { objects, version, next: undefined, remaining: 0 };
    const id = randomUUID();
    this.#forgetOld();
    this.#lists.set(id, { objects, version, until: Date.now() + KEPT_MS });
    return this.#cut(id, this.#lists.get(id)!, 0, limit);
  }

  /** A later page; 400 for a token that is none, 410 for one whose list is no longer kept. */
  next(token: string, limit: number): Page {
    const { id, offset } = readToken(token);
    const list = this.#lists.get(id);
    if (!list || list.until < Date.now()) {
      throw expired(
        "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.",
      );
    }
    return this.#cut(id, list, offset, limit);
  }

  #cut(id: string, { objects, version }: KeptList, offset: number, limit: number): Page {
    const end = limit > 0 ? offset + limit : objects.length;
    const remaining = Math.max(0, objects.length - end);
    const next = remaining > 0 ? Buffer.from(JSON.stringify({ id, offset: end })).toString("base64url") : undefined;
    return { objects: objects.slice(offset, end), version, next, remaining };
  }

  #forgetOld(): void {
    const now = Date.now();
    for (const [id, { until }] of this.#lists) {
      // Maps keep the order of insertion: the first are the oldest.
      if (until >= now && this.#lists.size < KEPT_LISTS) break;
      this.#lists.delete(id);
    }
  }
}
