/** The parse tree, and how its nodes are printed in messages. */
import { quote } from "./text/quote.ts";

interface Base {
  /** Index in the text of the tree. */
  pos: number;
}

export interface ListNode extends Base {
  kind: "list";
  nodes: Node[];
}
export interface TextNode extends Base {
  kind: "text";
  text: string;
}
export interface CommentNode extends Base {
  kind: "comment";
  text: string;
}
export interface ActionNode extends Base {
  kind: "action";
  line: number;
  pipe: PipeNode;
}
export interface PipeNode extends Base {
  kind: "pipe";
  line: number;
  isAssign: boolean;
  decl: VariableNode[];
  commands: CommandNode[];
}
export interface CommandNode extends Base {
  kind: "command";
  args: Operand[];
}
export interface IdentifierNode extends Base {
  kind: "identifier";
  ident: string;
}
export interface VariableNode extends Base {
  kind: "variable";
  /** `$x` and the fields taken of it. */
  ident: string[];
}
export interface DotNode extends Base {
  kind: "dot";
}
export interface NilNode extends Base {
  kind: "nil";
}
export interface FieldNode extends Base {
  kind: "field";
  ident: string[];
}
export interface ChainNode extends Base {
  kind: "chain";
  node: Operand;
  fields: string[];
}
export interface BoolNode extends Base {
  kind: "bool";
  value: boolean;
}
/** A constant, with every kind of number it can stand for. */
export interface NumberNode extends Base {
  kind: "number";
  text: string;
  int: bigint | undefined;
  uint: bigint | undefined;
  float: number | undefined;
  complex: { re: number; im: number } | undefined;
}
export interface StringNode extends Base {
  kind: "string";
  /** As written, with its quotes. */
  quoted: string;
  text: string;
}
export interface BranchNode extends Base {
  kind: "if" | "with" | "range";
  line: number;
  pipe: PipeNode;
  list: ListNode;
  elseList: ListNode | undefined;
}
export interface TemplateNode extends Base {
  kind: "template";
  line: number;
  name: string;
  pipe: PipeNode | undefined;
}
export interface EndNode extends Base {
  kind: "end";
}
export interface ElseNode extends Base {
  kind: "else";
}
export interface LoopNode extends Base {
  kind: "break" | "continue";
  line: number;
}

export type Operand =
  | IdentifierNode
  | VariableNode
  | DotNode
  | NilNode
  | FieldNode
  | ChainNode
  | BoolNode
  | NumberNode
  | StringNode
  | PipeNode;

export type Node =
  | ListNode
  | TextNode
  | CommentNode
  | ActionNode
  | CommandNode
  | BranchNode
  | TemplateNode
  | EndNode
  | ElseNode
  | LoopNode
  | Operand;

/** The body of one template. Positions of its nodes count in `text`. */
export interface Tree {
  name: string;
  /** Name of the template given to parse: the file, for messages. */
  parseName: string;
  text: string;
  root: ListNode;
}

export function isEmptyTree(node: Node | undefined): boolean {
  if (node === undefined || node.kind === "comment") return true;
  if (node.kind === "list") return node.nodes.every(isEmptyTree);
  return node.kind === "text" && /^\s*$/.test(node.text);
}

/** The node as template text. `text` prints literal text; by default as it is. */
export function printNode(node: Node, text: (literal: string) => string = (literal) => literal): string {
  const print = (child: Node): string => printNode(child, text);
  switch (node.kind) {
    case "list":
      return node.nodes.map(print).join("");
    case "text":
      return text(node.text);
    case "comment":
      return `{{${node.text}}}`;
    case "action":
      return `{{${print(node.pipe)}}}`;
    case "pipe": {
      const decl = node.decl.length > 0 ? `${node.decl.map(print).join(", ")} ${node.isAssign ? "=" : ":="} ` : "";
      return decl + node.commands.map(print).join(" | ");
    }
    case "command":
      return node.args.map((arg) => (arg.kind === "pipe" ? `(${print(arg)})` : print(arg))).join(" ");
    case "identifier":
      return node.ident;
    case "variable":
      return node.ident.join(".");
    case "dot":
      return ".";
    case "nil":
      return "nil";
    case "field":
      return node.ident.map((name) => `.${name}`).join("");
    case "chain": {
      const head = node.node.kind === "pipe" ? `(${print(node.node)})` : print(node.node);
      return head + node.fields.map((name) => `.${name}`).join("");
    }
    case "bool":
      return String(node.value);
    case "number":
      return node.text;
    case "string":
      return node.quoted;
    case "if":
    case "with":
    case "range": {
      const otherwise = node.elseList ? `{{else}}${print(node.elseList)}` : "";
      return `{{${node.kind} ${print(node.pipe)}}}${print(node.list)}${otherwise}{{end}}`;
    }
    case "template":
      return `{{template ${quote(node.name)}${node.pipe ? ` ${print(node.pipe)}` : ""}}}`;
    default:
      return `{{${node.kind}}}`;
  }
}
