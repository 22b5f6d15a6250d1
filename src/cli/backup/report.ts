import type { DatabaseContents } from '../../store/sqlite/backup/contents.ts';

/** The result of a copy: its contents, source, target and duration. */
export interface Copied extends DatabaseContents {
  readonly database: string;
  readonly file: string;
  readonly durationMs: number;
}

/** Returns one JSON object on a line. */
export function jsonOf({ database, file, bytes, durationMs, schemaVersion, pipelines }: Copied): string {
  return `${JSON.stringify({ database, file, bytes, durationMs, schemaVersion, verified: true, pipelines: pipelines.map(inJson) })}\n`;
}

/** Returns `2.1 MiB in 0.3 s, verified`, and a table of the contents, for people. */
export function describeCopied({ bytes, durationMs, pipelines }: Copied): string {
  const size = `${(bytes / 1024 / 1024).toLocaleString('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 })} MiB`;
  return `${size} in ${(durationMs / 1_000).toFixed(1)} s, verified\n\n${table(pipelines)}`;
}

type Pipelines = Copied['pipelines'];

const columns = ['PIPELINE', 'EVENTS', 'LAST POSITION', 'LAST ACCEPTED'] as const;

function table(pipelines: Pipelines): string {
  const rows = [columns, ...pipelines.map(cellsOf)];
  const widths = columns.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  ');
  return `${rows.map(line).join('\n')}\n`;
}

function cellsOf({ pipeline, events, head, newestAcceptedAt }: Pipelines[number]): readonly string[] {
  return [pipeline, events.toLocaleString('en'), head.toLocaleString('en'), timeOf(newestAcceptedAt) ?? '-'];
}

function inJson({ pipeline, events, cursor, head, newestAcceptedAt }: Pipelines[number]): object {
  return { pipeline, events, settledTo: cursor, lastPosition: head, lastAcceptedAt: timeOf(newestAcceptedAt) };
}

/** SQL may have stored any number there. */
function timeOf(ms: number | null): string | null {
  const time = new Date(ms ?? Number.NaN);
  return Number.isNaN(time.getTime()) ? null : time.toISOString();
}
