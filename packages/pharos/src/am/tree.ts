/** A tree drawn with lines. */

export interface TreeNode {
  text: string;
  children: TreeNode[];
}

function draw(nodes: readonly TreeNode[], indent: string): string {
  return nodes
    .map(({ text, children }, i) => {
      const isLast = i === nodes.length - 1;
      return `${indent}${isLast ? "└──" : "├──"} ${text}\n${draw(children, `${indent}${isLast ? "    " : "│   "}`)}`;
    })
    .join("");
}

/** A dot for what holds the given nodes, then those. */
export function drawTree(nodes: readonly TreeNode[]): string {
  return `.\n${draw(nodes, "")}`;
}
