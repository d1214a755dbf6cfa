import DOMPurify from "dompurify";
import { Marked } from "marked";
import { useMemo } from "react";
import type { Panel } from "../../core/dashboard/types.ts";
import { string } from "../../core/json.ts";
import { interpolate, type Values } from "../../core/vars/interpolate.ts";

const marked = new Marked({ gfm: true, breaks: true });

/** Markdown or HTML of others: what could run, load, submit or cover the page is taken out. */
export default function TextPanel({ panel, values }: { panel: Panel; values: Values }) {
  // Before Grafana 8 the content lay in the panel itself.
  const content = interpolate(string(panel.options.content) || string(panel.source.content), values, "text");
  const mode = string(panel.options.mode) || string(panel.source.mode) || "markdown";
  const html = useMemo(() => {
    if (mode === "code") return undefined;
    const raw = mode === "html" ? content : marked.parse(content, { async: false });
    return DOMPurify.sanitize(raw, {
      FORBID_TAGS: ["style", "form", "iframe", "input", "button"],
      FORBID_ATTR: ["style", "id", "name"],
    });
  }, [content, mode]);
  if (html === undefined) return <pre className="markdown">{content}</pre>;
  // biome-ignore lint/security/noDangerouslySetInnerHtml: sanitised above
  return <div className="markdown" dangerouslySetInnerHTML={{ __html: html }} />;
}
