/** The escapers by the names under which they stand in pipelines, and so in messages. */
import { variadic } from "../value/function.ts";
import { ANY, type GoFunc, STRING } from "../value/type.ts";
import { string, type Value } from "../value/value.ts";
import { joinArguments } from "./content.ts";
import { cssString, cssValue } from "./escape-css.ts";
import {
  attributeNameFilter,
  commentFilter,
  htmlText,
  quotedAttribute,
  rcdata,
  unquotedAttribute,
} from "./escape-html.ts";
import { jsRegexp, jsString, jsTemplateLiteral, jsValue } from "./escape-js.ts";
import { srcset, urlFilter, urlNormalized, urlPart } from "./escape-url.ts";

const escaper = (make: (args: (Value | undefined)[]) => string): GoFunc =>
  variadic([ANY], STRING, (args) => string(make(args)));

export const ESCAPERS = {
  _html_template_attrescaper: escaper(quotedAttribute),
  _html_template_commentescaper: escaper(commentFilter),
  _html_template_cssescaper: escaper(cssString),
  _html_template_cssvaluefilter: escaper(cssValue),
  _html_template_htmlnamefilter: escaper(attributeNameFilter),
  _html_template_htmlescaper: escaper(htmlText),
  _html_template_jsregexpescaper: escaper(jsRegexp),
  _html_template_jsstrescaper: escaper(jsString),
  _html_template_jstmpllitescaper: escaper(jsTemplateLiteral),
  _html_template_jsvalescaper: escaper(jsValue),
  _html_template_nospaceescaper: escaper(unquotedAttribute),
  _html_template_rcdataescaper: escaper(rcdata),
  _html_template_srcsetescaper: escaper(srcset),
  _html_template_urlescaper: escaper(urlPart),
  _html_template_urlfilter: escaper(urlFilter),
  _html_template_urlnormalizer: escaper(urlNormalized),
  _eval_args_: escaper(joinArguments),
} satisfies Record<string, GoFunc>;

export type EscaperName = keyof typeof ESCAPERS;
