/** The running configuration as the API may show it: every secret replaced, everything else untouched. */
import { isMap, isScalar, isSeq, type Node, parseDocument } from "yaml";

/** Keys whose scalar is a secret wherever they stand (their `_file` variants are paths and stay). */
const SECRET_KEYS = new Set([
  "password",
  "bearer_token",
  "credentials",
  "client_secret",
  "secret_key",
  "token",
  "key",
  "application_credential_secret",
  "secret",
  "api_key",
  "license_key",
]);
const MASK = "<secret>";

/** A password inside a URL. */
function redactUrl(text: string): string {
  return text.replace(/^([a-z][a-z0-9+.-]*:\/\/[^/@:\s]*):([^/@\s]*)@/i, `$1:${encodeURIComponent(MASK)}@`);
}

function visit(node: Node | null, parent: string): void {
  if (isMap(node)) {
    for (const pair of node.items) {
      const key = isScalar(pair.key) ? String(pair.key.value) : "";
      const value = pair.value as Node | null;
      // `http_headers.<name>.secrets` and `values`: headers carry tokens as often as not.
      const hidden = SECRET_KEYS.has(key) || key === "secrets";
      if (hidden && isScalar(value) && value.value !== null && value.value !== "") value.value = MASK;
      else if (hidden && isSeq(value)) {
        for (const item of value.items) if (isScalar(item)) item.value = MASK;
      } else visit(value, key);
    }
  } else if (isSeq(node)) {
    for (const item of node.items) visit(item as Node, parent);
  } else if (isScalar(node) && typeof node.value === "string") {
    node.value = redactUrl(node.value);
  }
}

export function redactConfig(text: string): string {
  const document = parseDocument(text);
  visit(document.contents as Node | null, "");
  return document.toString({ lineWidth: 0, indentSeq: false });
}
