/** A table for people, under its titles; what is a number stands at the right. */
export function printTable(titles: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const texts = rows.map((row) => row.map(textOf));
  const widths = titles.map((title, at) => Math.max(title.length, ...texts.map((row) => row[at]?.length ?? 0)));
  const isNumber = titles.map((_, at) => rows.length > 0 && rows.every((row) => typeof row[at] === 'number'));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, at) => (isNumber[at] === true ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd();
  return `${[line(titles), ...texts.map(line)].join('\n')}\n`;
}

/** A value in a line of a table: texts of a user's program may have any characters. */
function textOf(value: unknown): string {
  if (value === null || value === undefined) return '-';
  if (typeof value === 'number') return value.toLocaleString('en');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they would move the cursor of a terminal
  return String(value).replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
}
