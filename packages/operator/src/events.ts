/** Events: a Warning on every object that was refused, once for each reason, as `kubectl describe` shows them. */
import { createHash } from "node:crypto";
import type { Logger } from "@pharos/kit";
import type { KubeClient, KubeObject } from "@pharos/kube";
import { describeError } from "@pharos/model";
import type { ObjectReport } from "./report.ts";

export const EVENTS = { group: "", version: "v1", plural: "events", namespaced: true } as const;

/** As upstream's controllers name themselves. */
const COMPONENT = "pharos-operator";
/** Longer messages are cut: the API allows 1024 characters. */
const MAX_MESSAGE = 1024;

export class EventWriter {
  readonly #client: KubeClient;
  readonly #log: Logger;
  /** What was said last about an object by an instance. */
  readonly #said = new Map<string, string>();

  constructor(client: KubeClient, log: Logger) {
    this.#client = client;
    this.#log = log;
  }

  /** Says what is new about the object. */
  async write(report: ObjectReport, object: KubeObject): Promise<void> {
    for (const { instance, accepted, code, reason, fix } of report.verdicts) {
      const id = `${object.metadata.uid}/${instance}`;
      if (accepted || code === "operator.not-selected") {
        this.#said.delete(id);
        continue;
      }
      const message = `${instance} left it out: ${[reason, fix].filter(Boolean).join(". ")}`.slice(0, MAX_MESSAGE);
      if (this.#said.get(id) === message) continue;
      this.#said.set(id, message);
      await this.#create(object, message);
    }
  }

  /** Forgets objects that are gone. */
  keep(uids: ReadonlySet<string>): void {
    for (const id of this.#said.keys()) if (!uids.has(id.split("/")[0])) this.#said.delete(id);
  }

  async #create({ apiVersion, kind, metadata }: KubeObject, message: string): Promise<void> {
    const now = new Date().toISOString().replace(/\.\d+Z/, "Z");
    // The same fact after a restart is the same event.
    const hash = createHash("sha256").update(`${metadata.uid} ${message}`).digest("hex").slice(0, 16);
    const event = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: `${metadata.name}.${hash}`.slice(0, 253), namespace: metadata.namespace },
      involvedObject: {
        apiVersion,
        kind,
        name: metadata.name,
        namespace: metadata.namespace,
        uid: metadata.uid,
        resourceVersion: metadata.resourceVersion,
      },
      type: "Warning",
      reason: "InvalidConfiguration",
      message,
      source: { component: COMPONENT },
      reportingComponent: COMPONENT,
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    };
    try {
      await this.#client.apply(EVENTS, event, { fieldManager: COMPONENT, force: true });
    } catch (error) {
      this.#log.debug("event not written", {
        object: `${kind} ${metadata.namespace}/${metadata.name}`,
        err: describeError(error),
      });
    }
  }
}
