import type { Happening } from '../happening.ts';
import type { AccountAnswer } from '../list.ts';

/** The output of a replay: lines that end with a line break. */
export interface Narrator {
  /** Empty for a happening that is not reported. */
  tell(happening: Happening): string;
  /** Returns the summary. */
  sumUp(highest: readonly AccountAnswer[]): string;
}

/** Prints lines for people: one for each happening, and a table at the end. Ignored updates appear only if `verbose`. */
export function plainNarrator(verbose: boolean): Narrator {
  return {
    tell(happening) {
      if (happening.event === 'ignored' && !verbose) return '';
      const { at, event, id, version } = happening;
      return `${new Date(at).toISOString()} ${event} account=${inline(id)} version=${version}${remainderOf(happening)}\n`;
    },
    sumUp(highest) {
      const rows = highest.map(({ accountType, id, version, tokens }) => [inline(accountType), inline(id), `${version}`, `${tokens}`]);
      return `\n${tableOf([['accountType', 'id', 'version', 'tokens'], ...rows])}`;
    },
  };
}

/** Prints everything as JSON lines. */
export const jsonNarrator: Narrator = {
  tell: ({ event, id, version, ...more }) => `${JSON.stringify({ event, id, version, ...more })}\n`,
  sumUp: (highest) =>
    highest
      .map(({ accountType, id, version, tokens }) => `${JSON.stringify({ event: 'summary', accountType, id, version, tokens })}\n`)
      .join(''),
};

function remainderOf(happening: Happening): string {
  if (happening.event === 'cancelled') return ` by=${happening.by}`;
  return happening.event === 'ignored' ? ` current=${happening.current}` : '';
}

/** Removes characters from a foreign text that would break its line or move a terminal's cursor. */
function inline(text: string): string {
  return /[\p{C}\p{Zl}\p{Zp}]/u.test(text) ? JSON.stringify(text).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '\uFFFD') : text;
}

function tableOf(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
