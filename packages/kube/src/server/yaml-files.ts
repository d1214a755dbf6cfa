/** YAML documents of a file: which objects stand in it, and writing one back without disturbing the rest. */
import { UserError } from "@pharos/model";
import { type Document, isMap, isScalar, isSeq, LineCounter, parseAllDocuments, stringify } from "yaml";
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
    if (value.kind.endsWith("List") && value.apiVersion === "v1" && value.metadata?.name === undefined) {
      out.problems.push(
        new UserError("kube.yaml", "a List in a file is not taken apart", {
          where: { file, line },
          fix: "Write its items as documents of their own, separated by ---",
        }),
      );
      continue;
    }
    if (typeof value.metadata !== "object" || value.metadata === null || typeof value.metadata.name !== "string") {
      out.problems.push(
        new UserError("kube.yaml", "metadata.name is missing", {
          where: { file, line },
          fix: "Give the object a name; generateName works only through the API",
        }),
      );
      continue;
    }
    out.documents.push({ object: value as KubeObject, line: Math.max(1, line) });
  }
  return out;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
const isPlain = (value: unknown): boolean => value !== null && typeof value !== "object";

/** Brings a node's children up to date where they differ, so that comments and order of everything else stay. */
function updateChildren(document: Document, node: unknown, old: unknown, next: unknown): boolean {
  if (isMap(node) && isRecord(old) && isRecord(next)) {
    for (const key of Object.keys(old)) if (!(key in next)) node.delete(key);
    for (const [key, value] of Object.entries(next)) {
      // Equal and not in the file: a default the server filled in.
      if (same(old[key], value)) continue;
      if (!updateChildren(document, node.get(key, true), old[key], value)) node.set(key, document.createNode(value));
    }
    return true;
  }
  if (isSeq(node) && Array.isArray(old) && Array.isArray(next) && node.items.length === old.length) {
    let start = 0;
    while (start < old.length && start < next.length && same(old[start], next[start])) start++;
    let oldEnd = old.length;
    let nextEnd = next.length;
    while (oldEnd > start && nextEnd > start && same(old[oldEnd - 1], next[nextEnd - 1])) {
      oldEnd--;
      nextEnd--;
    }
    // As many as before: the same items with other content. Else items came or went.
    if (oldEnd - start !== nextEnd - start) {
      const items = next.slice(start, nextEnd).map((item) => document.createNode(item));
      node.items.splice(start, oldEnd - start, ...items);
      return true;
    }
    for (let i = start; i < nextEnd; i++) {
      if (!same(old[i], next[i]) && !updateChildren(document, node.items[i], old[i], next[i]))
        node.items[i] = document.createNode(next[i]);
    }
    return true;
  }
  return false;
}

interface TextEdit {
  start: number;
  end: number;
  text: string;
}

/** The change as replacements of single scalars in the text, or undefined when more than scalars differ. */
function scalarEdits(node: unknown, old: unknown, next: unknown, text: string): TextEdit[] | undefined {
  if (same(old, next)) return [];
  if (isScalar(node) && node.range && !node.anchor && !node.tag && isPlain(old) && isPlain(next)) {
    const [start, end] = node.range;
    const source = text.slice(start, end);
    let written = stringify(next, { lineWidth: 0 }).trimEnd();
    // The quotes stay; a plain text inside a flow collection needs some.
    if (typeof next === "string" && (source.startsWith('"') || /[,[\]{}\n]/.test(written)))
      written = JSON.stringify(next);
    return source === "" || /\n/.test(source) || /\n/.test(written) ? undefined : [{ start, end, text: written }];
  }
  const edits: TextEdit[] = [];
  const pairs: [unknown, unknown, unknown][] = [];
  if (isMap(node) && isRecord(old) && isRecord(next)) {
    if (!same(Object.keys(old).sort(), Object.keys(next).sort())) return undefined;
    for (const key of Object.keys(next)) pairs.push([node.get(key, true), old[key], next[key]]);
  } else if (isSeq(node) && Array.isArray(old) && Array.isArray(next) && old.length === next.length) {
    if (node.items.length !== old.length) return undefined;
    next.forEach((item, i) => {
      pairs.push([node.items[i], old[i], item]);
    });
  } else return undefined;
  for (const [child, before, after] of pairs) {
    const inner = scalarEdits(child, before, after, text);
    if (!inner) return undefined;
    edits.push(...inner);
  }
  return edits;
}

const identity = ({ apiVersion, kind, metadata }: KubeObject): string =>
  `${apiVersion.split("/")[0].includes(".") ? apiVersion.split("/")[0] : ""}/${kind}/${metadata.namespace ?? "default"}/${metadata.name}`;

/** A document and its piece of the file, with the comments and the `---` before it. */
interface Piece {
  document: Document;
  start: number;
  end: number;
}

function piecesOf(text: string): Piece[] {
  const parsed = parseAllDocuments(text);
  const documents = Array.isArray(parsed) ? (parsed as Document[]) : [];
  return documents.map((document, i) => ({
    document,
    start: i === 0 ? 0 : documents[i - 1].range![2],
    end: i === documents.length - 1 ? text.length : document.range![2],
  }));
}

function find(pieces: readonly Piece[], object: KubeObject): Piece | undefined {
  return pieces.find(({ document }) => {
    const value = document.toJS() as KubeObject | null;
    return value?.metadata && identity(value) === identity(object);
  });
}

/** The document as text, in the manner of the text it came from. */
function render(document: Document, manner: string): string {
  const dashes = /^---/m.test(manner) && !document.directives?.docStart ? "---\n" : "";
  const indent = /^( {2,8})\S/m.exec(manner)?.[1].length ?? 2;
  return (
    dashes +
    document.toString({
      lineWidth: 0,
      indent: indent >= 4 ? 4 : 2,
      indentSeq: !/^( *)[^\s#-][^\n]*:\n\1- /m.test(manner),
      flowCollectionPadding: !/[{[][^\s{}[\]]/.test(manner),
    })
  );
}

/**
 * The file's text with the object's document brought up to date, or added at the end. Only what differs between the old
 * object and the new one is written: defaults the server filled in do not appear in files people wrote, and other
 * documents keep every byte.
 */
export function writeInto(text: string, object: KubeObject, before: KubeObject | undefined): string {
  const piece = find(piecesOf(text), object);
  if (!piece) return `${text.trimEnd()}${text.trim() === "" ? "" : "\n---\n"}${newText(object)}`;
  const { document, start, end } = piece;
  const plain = (value: KubeObject): unknown => JSON.parse(JSON.stringify(contentOf(value)));
  const old = plain(before ?? (document.toJS() as KubeObject));
  const next = plain(object);
  const hasText = object.kind === "Secret" && document.hasIn(["stringData"]);
  const edits = hasText ? undefined : scalarEdits(document.contents, old, next, text);
  if (edits) {
    // From the end, so that positions before stay what they are.
    return edits
      .sort((a, b) => b.start - a.start)
      .reduce((result, edit) => result.slice(0, edit.start) + edit.text + result.slice(edit.end), text);
  }
  updateChildren(document, document.contents, old, next);
  // The server keeps a Secret's text in `data`; an old `stringData` would win over it at the next reading.
  if (hasText) {
    document.deleteIn(["stringData"]);
    document.setIn(["data"], document.createNode((object as KubeObject & { data?: unknown }).data ?? {}));
  }
  return text.slice(0, start) + render(document, text.slice(start, end)) + text.slice(end);
}

/** The file's text without the object's document; "" when nothing is left. */
export function removeFrom(text: string, object: KubeObject): string {
  const pieces = piecesOf(text);
  const piece = find(pieces, object);
  if (!piece) return text;
  const rest = text.slice(0, piece.start) + text.slice(piece.end);
  const isEmpty = pieces.every((other) => other === piece || other.document.contents === null);
  return isEmpty ? "" : rest.replace(/^---\n/, "");
}

export function newText(object: KubeObject): string {
  return stringify(JSON.parse(JSON.stringify(contentOf(object))), { lineWidth: 0 });
}
