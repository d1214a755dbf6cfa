/** The PromQL editor: completion from the server's own metrics, errors as one types. */
import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
  completionStatus,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { lintKeymap } from "@codemirror/lint";
import { EditorState, Prec } from "@codemirror/state";
import { EditorView, keymap, placeholder } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { PromQLExtension } from "@prometheus-io/codemirror-promql";
import { useEffect, useRef } from "react";

const colors = HighlightStyle.define([
  { tag: tags.number, color: "var(--accent-text)" },
  { tag: tags.string, color: "var(--ok)" },
  { tag: [tags.keyword, tags.modifier], color: "var(--warning)" },
  { tag: [tags.function(tags.variableName), tags.operatorKeyword], color: "#7eb6ff" },
  { tag: tags.labelName, color: "var(--text-2)" },
  { tag: tags.operator, color: "var(--text-2)" },
  { tag: tags.comment, color: "var(--text-3)", fontStyle: "italic" },
  { tag: tags.invalid, color: "var(--error)" },
]);

export function Editor({
  value,
  onChange,
  onRun,
}: {
  value: string;
  onChange: (value: string) => void;
  onRun: () => void;
}) {
  const frame = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const handlers = useRef({ onChange, onRun });
  handlers.current = { onChange, onRun };

  // biome-ignore lint/correctness/useExhaustiveDependencies: the editor keeps its own text from then on
  useEffect(() => {
    const promql = new PromQLExtension().setComplete({
      remote: { url: `${location.origin}/api/datasources/proxy/uid/prometheus`, httpMethod: "GET" },
    });
    const editor = new EditorView({
      parent: frame.current!,
      state: EditorState.create({
        doc: value,
        extensions: [
          history(),
          bracketMatching(),
          closeBrackets(),
          autocompletion(),
          syntaxHighlighting(colors),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": "PromQL expression" }),
          placeholder("PromQL expression, e.g. rate(node_cpu_seconds_total[5m])"),
          promql.asExtension(),
          Prec.highest(
            keymap.of([
              {
                key: "Enter",
                run: ({ state }) => {
                  // An open completion takes Enter for itself.
                  if (completionStatus(state) === "active") return false;
                  handlers.current.onRun();
                  return true;
                },
              },
              {
                key: "Shift-Enter",
                run: (target) => {
                  target.dispatch(target.state.replaceSelection("\n"));
                  return true;
                },
              },
            ]),
          ),
          keymap.of([...closeBracketsKeymap, ...completionKeymap, ...historyKeymap, ...lintKeymap, ...defaultKeymap]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) handlers.current.onChange(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = editor;
    return () => editor.destroy();
  }, []);

  useEffect(() => {
    const editor = view.current;
    if (editor && editor.state.doc.toString() !== value)
      editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
  }, [value]);

  return <div ref={frame} className="editor" />;
}
