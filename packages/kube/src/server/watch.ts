/** Watches: a stream of JSON lines, filtered by selectors; objects entering or leaving a selector are added or deleted. */
import type { ServerResponse } from "node:http";
import type { KubeObject } from "../types.ts";
import type { ResourceKind } from "./kinds.ts";
import type { StatusError } from "./status-error.ts";
import { type ChangeEvent, inVersion, type Store } from "./store.ts";

export interface WatchRequest {
  kind: ResourceKind;
  namespace: string;
  matches: (object: KubeObject) => boolean;
  /** undefined or 0: begin with what there is. */
  resourceVersion: number | undefined;
  sendInitialEvents: boolean;
  bookmarks: boolean;
  timeoutMs: number;
  /** How an object is written: whole, as metadata only, or as a table row. */
  render: (object: KubeObject, first: boolean) => unknown;
}

const BOOKMARK_MS = 60_000;
/** A client that does not read is cut off rather than remembered without limit. */
const MAX_BACKLOG = 64 * 2 ** 20;

export function serveWatch(store: Store, request: WatchRequest, response: ServerResponse): void {
  const { kind, namespace, matches, render } = request;
  const storage = store.storageKind(kind);
  let first = true;
  const write = (type: string, object: unknown): void => {
    response.write(`${JSON.stringify({ type, object })}\n`);
    if (response.writableLength > MAX_BACKLOG) response.destroy();
  };
  const emit = (type: string, object: KubeObject): void => {
    write(type, render(inVersion(kind, object), first));
    first = false;
  };
  const bookmark = (annotations?: Record<string, string>): void => {
    const apiVersion = kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
    const object = {
      apiVersion,
      kind: kind.kind,
      metadata: {
        resourceVersion: String(store.version),
        creationTimestamp: null,
        ...(annotations ? { annotations } : {}),
      },
    };
    write("BOOKMARK", object);
  };
  const relevant = (object: KubeObject): boolean =>
    (namespace === "" || object.metadata.namespace === namespace) && matches(inVersion(kind, object));
  const deliver = (event: ChangeEvent): void => {
    if (event.kind.group !== storage.group || event.kind.plural !== storage.plural) return;
    const now = event.type !== "DELETED" && relevant(event.object);
    const before = event.old !== undefined && relevant(event.old);
    if (now) emit(before ? "MODIFIED" : "ADDED", event.object);
    // Leaving the selector is a deletion, told with the old body and the new version.
    else if (before)
      emit("DELETED", {
        ...event.old!,
        metadata: { ...event.old!.metadata, resourceVersion: event.object.metadata.resourceVersion },
      });
  };

  response.writeHead(200, {
    "Content-Type": "application/json",
    "Transfer-Encoding": "chunked",
    "Cache-Control": "no-cache, private",
  });
  response.flushHeaders();
  try {
    if (!request.resourceVersion || request.sendInitialEvents) {
      for (const object of store.list(kind, namespace)) if (matches(object)) emit("ADDED", object);
      if (request.sendInitialEvents && request.bookmarks) bookmark({ "k8s.io/initial-events-end": "true" });
    } else {
      for (const event of store.since(request.resourceVersion)) deliver(event);
    }
  } catch (error) {
    write("ERROR", (error as StatusError).toJSON());
    response.end();
    return;
  }
  const listening = store.listen(deliver);
  const bookmarks = request.bookmarks ? setInterval(() => bookmark(), BOOKMARK_MS) : undefined;
  const timeout = setTimeout(() => response.end(), request.timeoutMs);
  response.on("close", () => {
    listening[Symbol.dispose]();
    clearInterval(bookmarks);
    clearTimeout(timeout);
  });
}
