/** The XML that `nvidia-smi -q -x` prints: elements with text or elements, hardly an attribute. Linear in its length. */

export interface Element {
  name: string;
  text: string;
  children: Element[];
}

const TOKEN = /<(\/?)([A-Za-z_][\w.-]*)[^<>]*?(\/?)>|<[!?][^<>]*>|([^<]+)|</g;
const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };
/** A document deeper than this is none of nvidia-smi's. */
const MAX_DEPTH = 50;

function decode(text: string): string {
  return text.replace(/&(lt|gt|amp|quot|apos);/g, (_all, name: string) => ENTITIES[name]);
}

/** The outermost element; undefined when the text is no such document. */
export function parseXml(text: string): Element | undefined {
  const root: Element = { name: "", text: "", children: [] };
  const open: Element[] = [root];
  for (const [all, closing, name, selfClosing, words] of text.matchAll(TOKEN)) {
    const top = open[open.length - 1];
    if (words !== undefined) top.text += decode(words.trim());
    else if (name === undefined) {
      // A declaration is passed over; a lone bracket is no XML.
      if (all === "<") return undefined;
    } else if (closing) {
      if (open.length === 1 || top.name !== name) return undefined;
      open.pop();
    } else {
      const element: Element = { name, text: "", children: [] };
      top.children.push(element);
      if (selfClosing) continue;
      if (open.length > MAX_DEPTH) return undefined;
      open.push(element);
    }
  }
  return open.length === 1 && root.children.length === 1 ? root.children[0] : undefined;
}

/** The first element at a path of names. */
export function at(element: Element | undefined, ...path: string[]): Element | undefined {
  let found = element;
  for (const name of path) found = found?.children.find((child) => child.name === name);
  return found;
}
