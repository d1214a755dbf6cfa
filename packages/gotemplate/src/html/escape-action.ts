/** Which escapers an action needs in its context, and what it leaves the context in. */
import type { ActionNode } from "../node.ts";
import { printNode } from "../node.ts";
import { type Context, failed, isComment, type Place } from "./context.ts";
import type { EscaperName } from "./escapers.ts";
import { functionName, PREDEFINED } from "./pipeline.ts";

export interface ActionEscapers {
  context: Context;
  /** None when the context is an error. */
  escapers?: readonly EscaperName[];
}

export function escapersFor(start: Context, node: ActionNode, place: Place): ActionEscapers {
  let c = start;
  const { commands } = node.pipe;
  for (const [i, command] of commands.entries()) {
    const name = functionName(command);
    if (name === undefined || !PREDEFINED.has(name)) continue;
    // What follows would undo it; and html does not escape what ends a value without quotes.
    const isWeak = c.state === "Attr" && c.delim === "SpaceOrTagEnd" && name === "html";
    if (i < commands.length - 1 || isWeak) {
      const text = `predefined escaper ${JSON.stringify(name)} disallowed in template`;
      return { context: failed(text, place, node.line) };
    }
  }
  const escapers: EscaperName[] = [];
  switch (c.state) {
    case "Error":
      return { context: c };
    case "URL":
    case "CSSDqStr":
    case "CSSSqStr":
    case "CSSDqURL":
    case "CSSSqURL":
    case "CSSURL":
      if (c.urlPart === "Unknown") {
        const text = `${printNode(node)} appears in an ambiguous context within a URL`;
        return { context: failed(text, place, node.line) };
      }
      escapers.push(...urlEscapers(c));
      break;
    case "JS":
      escapers.push("_html_template_jsvalescaper");
      // After a value a slash divides.
      c = { ...c, jsCtx: "DivOp" };
      break;
    case "JSDqStr":
    case "JSSqStr":
      escapers.push("_html_template_jsstrescaper");
      break;
    case "JSTmplLit":
      escapers.push("_html_template_jstmpllitescaper");
      break;
    case "JSRegexp":
      escapers.push("_html_template_jsregexpescaper");
      break;
    case "CSS":
      escapers.push("_html_template_cssvaluefilter");
      break;
    case "Text":
      escapers.push("_html_template_htmlescaper");
      break;
    case "RCDATA":
      escapers.push("_html_template_rcdataescaper");
      break;
    case "AttrName":
    case "Tag":
      c = { ...c, state: "AttrName" };
      escapers.push("_html_template_htmlnamefilter");
      break;
    case "Srcset":
      escapers.push("_html_template_srcsetescaper");
      break;
    case "Attr":
      // Its delimiter decides, below.
      break;
    default:
      if (!isComment(c.state)) throw new Error(`unexpected state ${c.state}`);
      escapers.push("_html_template_commentescaper");
  }
  if (c.delim === "SpaceOrTagEnd") escapers.push("_html_template_nospaceescaper");
  else if (c.delim !== "None") escapers.push("_html_template_attrescaper");
  return { context: c, escapers };
}

function urlEscapers({ state, urlPart }: Context): EscaperName[] {
  if (urlPart === "QueryOrFrag") return ["_html_template_urlescaper"];
  const normal =
    state === "CSSDqStr" || state === "CSSSqStr" ? "_html_template_cssescaper" : "_html_template_urlnormalizer";
  return urlPart === "None" ? ["_html_template_urlfilter", normal] : [normal];
}
