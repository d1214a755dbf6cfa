/** What an attribute's value is, by its name. */

export type ContentKind = "plain" | "url" | "css" | "js" | "html" | "srcset" | "unsafe";

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== "");

/** Known attributes of HTML 4 and 5; `unsafe` ones change how the page is read or sent, so they take no data as names. */
const KINDS: ReadonlyMap<string, ContentKind> = new Map<string, ContentKind>([
  ...words(
    `action archive background cite classid codebase data formaction href icon longdesc manifest poster profile src
     usemap xmlns`,
  ).map((name) => [name, "url"] as const),
  ...words(
    `accept-charset async challenge charset content crossorigin defer enctype form formenctype formmethod
     formnovalidate http-equiv keytype language method novalidate pattern rel sandbox type value`,
  ).map((name) => [name, "unsafe"] as const),
  ...words(
    `accept alt autocomplete autofocus autoplay border checked class cols colspan contenteditable contextmenu controls
     coords datetime default dir dirname disabled draggable dropzone for formtarget headers height hidden high hreflang
     id ismap kind label lang list loop low max maxlength media mediagroup min multiple name open optimum placeholder
     preload pubdate radiogroup readonly required reversed rows rowspan spellcheck scope scoped seamless selected shape
     size sizes span srclang start step tabindex target title width wrap`,
  ).map((name) => [name, "plain"] as const),
  ["srcdoc", "html"],
  ["srcset", "srcset"],
  ["style", "css"],
]);

/** A guess on the safe side, by the attribute's name in lower case. */
export function attributeKind(name: string): ContentKind {
  let local = name;
  if (name.startsWith("data-")) {
    // data-action is treated as action.
    local = name.slice("data-".length);
  } else {
    const colon = name.indexOf(":");
    if (colon >= 0) {
      if (name.slice(0, colon) === "xmlns") return "url";
      // svg:href and xlink:href are treated as href.
      local = name.slice(colon + 1);
    }
  }
  const known = KINDS.get(local);
  if (known) return known;
  if (local.startsWith("on")) return "js";
  return local.includes("src") || local.includes("uri") || local.includes("url") ? "url" : "plain";
}
