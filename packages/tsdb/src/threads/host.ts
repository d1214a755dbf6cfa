/** The owner's side of reading threads: answers where things are, and keeps them there until they are released. */

import type { MessagePort } from "node:worker_threads";
import { Matcher } from "@pharos/model";
import type { Block } from "../block/block.ts";
import type { Head } from "../head/head.ts";
import { headRows } from "../head/selection.ts";
import { seriesInRange } from "../head/sorted.ts";
import { DbQuerier } from "../querier.ts";
import type { Answer, MatcherData, Request } from "./messages.ts";

/** Serves one reader over its port. Closing the port, or the end of the reader's thread, releases all it holds. */
export class ReaderHost implements Disposable {
  readonly #head: Head;
  readonly #blocks: () => readonly Block[];
  readonly #port: MessagePort;
  readonly #views = new Map<number, DbQuerier>();
  /** Series in order of labels, for views that asked for it. */
  readonly #sorted = new Map<number, Uint32Array>();
  #next = 1;

  /** `onEnd`: the reader is gone. */
  constructor(head: Head, blocks: () => readonly Block[], port: MessagePort, onEnd: (host: ReaderHost) => void) {
    this.#head = head;
    this.#blocks = blocks;
    this.#port = port;
    port.on("message", (request: Request) => void this.#receive(request));
    port.on("close", () => {
      this[Symbol.dispose]();
      onEnd(this);
    });
    // A reader alone does not keep the process alive.
    port.unref();
  }

  [Symbol.dispose](): void {
    for (const view of this.#views.values()) view[Symbol.dispose]();
    this.#views.clear();
    this.#port.close();
  }

  async #receive(request: Request): Promise<void> {
    try {
      const answer = request.kind === "sort" ? await this.#sort(request) : this.#answer(request);
      if (answer) this.#send(answer);
    } catch (error) {
      this.#send({ id: request.id, kind: "failed", message: (error as Error).message });
    }
  }

  #send(answer: Answer): void {
    this.#port.postMessage(answer, answer.kind === "selected" ? [answer.series.buffer as ArrayBuffer] : []);
  }

  #answer(request: Exclude<Request, { kind: "sort" }>): Answer | undefined {
    const { id } = request;
    if (request.kind === "open") {
      const view = this.#next++;
      this.#views.set(view, new DbQuerier(this.#head, this.#blocks, request.mint, request.maxt));
      return { id, kind: "opened", view };
    }
    const view = this.#views.get(request.view);
    if (request.kind === "release") {
      view?.[Symbol.dispose]();
      this.#sorted.delete(request.view);
      this.#views.delete(request.view);
      return undefined;
    }
    if (!view) throw new Error("the view was released");
    if (request.kind === "page") {
      const sorted = this.#sorted.get(request.view) ?? new Uint32Array();
      return this.#describe(id, sorted.subarray(request.from, request.from + request.count), []);
    }
    const matchers = request.matchers.map(({ type, name, value }: MatcherData) => new Matcher(type, name, value));
    if (request.kind === "names") return { id, kind: "texts", texts: view.labelNames(matchers, request.limit) };
    if (request.kind === "values") {
      return { id, kind: "texts", texts: view.labelValues(request.name, matchers, request.limit) };
    }
    const blocks = view.blocks().map(({ dir }) => dir);
    return this.#describe(id, view.headSeries(matchers), blocks);
  }

  /** Where the chunks of series are now. */
  #describe(id: number, chosen: ArrayLike<number>, blocks: readonly string[]): Answer {
    const { store } = this.#head;
    // Chunks that wait in the buffer could not be found by others.
    store.files.flush();
    const { rows, views } = headRows(store, chosen);
    const extras = new Map([...views].map(([place, view]) => [place, view.extra()]));
    return { id, kind: "selected", series: rows, extras, blocks };
  }

  async #sort({ id, view, mint, maxt, series }: Extract<Request, { kind: "sort" }>): Promise<Answer> {
    const { store } = this.#head;
    const sorted = await seriesInRange(store, mint, maxt, series);
    this.#sorted.set(view, sorted);
    return { id, kind: "sorted", count: sorted.length, symbols: store.table.symbolsOf(sorted) };
  }
}
