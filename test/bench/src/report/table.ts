/** Rows of text under their headings: the first column to the left, figures to the right. */
export interface Table {
  title: string;
  head: string[];
  rows: string[][];
}

/** A table for a terminal. */
export function renderTable({ title, head, rows }: Table): string {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '─'.repeat(width)).join('──');
  return [title, '', line(head), rule, ...rows.map(line), ''].join('\n');
}
