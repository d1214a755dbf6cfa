/** Columns as wide as their widest cell, four spaces apart. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) => `${row.map((cell, i) => cell.padEnd(widths[i] + 4)).join("")}\n`).join("");
}
