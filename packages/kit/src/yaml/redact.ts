/** A configuration as an API may show it: every secret replaced, everything else as it was written. */
import { isMap, isScalar, isSeq, type Node, parseDocument } from "yaml";

const MASK = "<secret>";

/** Whether the value of `key` is a secret; `parent` is the key of the map, or of the list of maps, that it stands in. */
export type IsSecret = (key: string, parent: string) => boolean;

/** A password inside a URL. */
function redactUrl(text: string): string {
  return text.replace(/^([a-z][a-z0-9+.-]*:\/\/[^/@:\s]*):([^/@\s]*)@/i, `$1:${encodeURIComponent(MASK)}@`);
}

function visit(node: Node | null, parent: string, isSecret: IsSecret): void {
  if (isMap(node)) {
    for (const pair of node.items) {
      const key = isScalar(pair.key) ? String(pair.key.value) : "";
      const value = pair.value as Node | null;
      const hidden = isSecret(key, parent);
      if (hidden && isScalar(value) && value.value !== null && value.value !== "") value.value = MASK;
      else if (hidden && isSeq(value)) {
        for (const item of value.items) if (isScalar(item)) item.value = MASK;
      } else visit(value, key, isSecret);
    }
  } else if (isSeq(node)) {
    for (const item of node.items) visit(item as Node, parent, isSecret);
  } else if (isScalar(node) && typeof node.value === "string") {
    node.value = redactUrl(node.value);
  }
}

/** Works on the document, not on its lines: flow style, block scalars and quotes hide nothing. Passwords in URLs go too. */
export function redactYaml(text: string, isSecret: IsSecret): string {
  const document = parseDocument(text);
  visit(document.contents as Node | null, "", isSecret);
  return document.toString({ lineWidth: 0, indentSeq: false });
}
