/** YAML documents of a file: which objects stand in it, and writing one back without disturbing the rest. */
import { UserError } from "@pharos/model";
import { type Document, isMap, LineCounter, parseAllDocuments, stringify, YAMLMap } from "yaml";
import type { KubeObject } from "../types.ts";

export interface FileDocument {
  object: KubeObject;
  /** 1-based line the document starts at. */
  line: number;
}

export interface ParsedFile {
  documents: FileDocument[];
  /** What is wrong, with line; documents that could be read are given all the same. */
  problems: UserError[];
}

/** The last applied configuration kubectl keeps: an object's bookkeeping, not its content. */
export const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

const BOOKKEEPING = [
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "managedFields",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "selfLink",
];

/** What of an object belongs into its file: no status, no bookkeeping. */
export function contentOf(object: KubeObject): KubeObject {
  const { status: _status, metadata, ...rest } = structuredClone(object);
  const kept: Record<string, unknown> = { ...metadata };
  for (const field of BOOKKEEPING) delete kept[field];
  const annotations = kept.annotations as Record<string, string> | undefined;
  if (annotations) {
    delete annotations[LAST_APPLIED];
    if (Object.keys(annotations).length === 0) delete kept.annotations;
  }
  const { apiVersion, kind, ...content } = rest;
  return { apiVersion, kind, metadata: kept, ...content };
}

export function parseFile(text: string, file: string): ParsedFile {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, { lineCounter: lines });
  const out: ParsedFile = { documents: [], problems: [] };
  for (const document of Array.isArray(parsed) ? parsed : []) {
    const error = document.errors[0];
    if (error) {
      const { line, col } = lines.linePos(error.pos[0]);
      const message = error.message.split("\n")[0].replace(/ at line \d+, column \d+:?$/, "");
      out.problems.push(
        new UserError("kube.yaml", message, {
          where: { file, line, column: col },
          fix: "The last good version stays in force",
        }),
      );
      continue;
    }
    if (document.contents === null) continue;
    const { line } = lines.linePos(document.contents.range?.[0] ?? 0);
    const value = document.toJS({ maxAliasCount: 100 }) as Partial<KubeObject> | null;
    if (
      typeof value !== "object" ||
      value === null ||
      typeof value.apiVersion !== "string" ||
      typeof value.kind !== "string"
    ) {
      out.problems.push(
        new UserError("kube.yaml", "not a Kubernetes object: apiVersion and kind are missing", {
          where: { file, line },
        }),
      );
      continue;
    }
    if (typeof value.metadata !== "object" || value.metadata === null || typeof value.metadata.name !== "string") {
      out.problems.push(new UserError("kube.yaml", "metadata.name is missing", { where: { file, line } }));
      continue;
    }
    out.documents.push({ object: value as KubeObject, line: Math.max(1, line) });
  }
  return out;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Changes only what differs, so that comments and order of everything else stay. */
function updateNode(document: Document, path: string[], old: unknown, next: unknown): void {
  if (isRecord(old) && isRecord(next) && (path.length === 0 || isMap(document.getIn(path)))) {
    for (const key of Object.keys(old)) if (!(key in next)) document.deleteIn([...path, key]);
    for (const [key, value] of Object.entries(next)) updateNode(document, [...path, key], old[key], value);
    return;
  }
  if (JSON.stringify(old) !== JSON.stringify(next)) document.setIn(path, document.createNode(next));
}

const identity = ({ apiVersion, kind, metadata }: KubeObject): string =>
  `${apiVersion.split("/")[0].includes(".") ? apiVersion.split("/")[0] : ""}/${kind}/${metadata.namespace ?? "default"}/${metadata.name}`;

function serialize(documents: readonly Document[]): string {
  return documents
    .map((document) => document.toString({ lineWidth: 0, indentSeq: true }))
    .join("---\n")
    .replace(/^---\n---\n/gm, "---\n");
}

/**
 * The file's text with the object's document brought up to date, or added at the end. Only what differs between the old
 * object and the new one is written: defaults the server filled in do not appear in files people wrote.
 */
export function writeInto(text: string, object: KubeObject, before: KubeObject | undefined): string {
  const documents = parseDocuments(text);
  const found = documents.find((document) => {
    const value = document.toJS() as KubeObject | null;
    return value?.metadata && identity(value) === identity(object);
  });
  if (!found) return `${text.trimEnd()}${text.trim() === "" ? "" : "\n---\n"}${newText(object)}`;
  if (!(found.contents instanceof YAMLMap)) return newText(object);
  const plain = (value: KubeObject): unknown => JSON.parse(JSON.stringify(contentOf(value)));
  updateNode(found, [], plain(before ?? (found.toJS() as KubeObject)), plain(object));
  // The server keeps a Secret's text in `data`; an old `stringData` would win over it at the next reading.
  if (object.kind === "Secret" && found.hasIn(["stringData"])) {
    found.deleteIn(["stringData"]);
    found.setIn(["data"], found.createNode((object as KubeObject & { data?: unknown }).data ?? {}));
  }
  return serialize(documents);
}

/** The file's text without the object's document; "" when nothing is left. */
export function removeFrom(text: string, object: KubeObject): string {
  const rest = parseDocuments(text).filter((document) => {
    const value = document.toJS() as KubeObject | null;
    return value !== null && !(value.metadata && identity(value) === identity(object));
  });
  return rest.length === 0 ? "" : serialize(rest);
}

function parseDocuments(text: string): Document[] {
  const parsed = parseAllDocuments(text);
  return Array.isArray(parsed) ? (parsed as Document[]) : [];
}

export function newText(object: KubeObject): string {
  return stringify(JSON.parse(JSON.stringify(contentOf(object))), { lineWidth: 0 });
}
