import { pageUpTo, sizeOfLetter } from '../../list-size.ts';
import type { DeadLetter, DeadLetterQuery, ListBounds } from '../../store.ts';
import {
  type LetterEventRow,
  type LetterRow,
  type LettersDialect,
  letterEventColumns,
  lettersStatement,
  type SelectedLetter,
  toDeadLetter,
  toSelectedLetter,
} from '../../tables/dead-letter-rows.ts';
import { bigints, integers } from '../connection/binary-arrays.ts';
import type { Transaction } from '../connection/connections.ts';
import type { Row } from '../connection/statement.ts';
import { tablesOf } from '../schema/pipeline-tables.ts';

const dialect: LettersDialect = { unresolved: 'NOT resolved', parameter: (nth) => `$${nth}` };

/** Letters of a page that are read at once where a list may hold only so much. */
const pieceLength = 20;

/** Reads dead letters with their events, also those of pipelines that are no longer declared. */
export async function readDeadLetters(
  transaction: Transaction,
  query: DeadLetterQuery,
  bounds: ListBounds,
): Promise<readonly DeadLetter[]> {
  const { charactersMax } = bounds;
  if (charactersMax === undefined) return readPiece(transaction, query);
  const letters: DeadLetter[] = [];
  let size = 0;
  let after = query.after;
  while (letters.length < query.limit) {
    const limit = Math.min(pieceLength, query.limit - letters.length);
    const piece = await readPiece(transaction, { ...query, after, limit });
    letters.push(...piece);
    size += piece.reduce((total, letter) => total + sizeOfLetter(letter), 0);
    after = piece.at(-1)?.id;
    if (piece.length < limit || (size >= charactersMax && letters.length >= 2)) break;
  }
  return pageUpTo(letters, sizeOfLetter, charactersMax);
}

async function readPiece({ run }: Transaction, query: DeadLetterQuery): Promise<readonly DeadLetter[]> {
  const { rows } = await run(lettersStatement(query, dialect));
  const letters = rows.map((row) => toSelectedLetter(row as unknown as LetterRow));
  const events = new Map<string, LetterEventRow>();
  for (const [name, some] of Map.groupBy(letters, ({ head }) => head.partition.pipeline)) await readEvents(run, name, some, events);
  return letters.map((letter) => toDeadLetter(letter, (position) => events.get(placeOf(letter.head.partition, position))));
}

async function readEvents(
  run: Transaction['run'],
  pipeline: string,
  letters: readonly SelectedLetter[],
  events: Map<string, LetterEventRow>,
): Promise<void> {
  const places = letters.flatMap(({ head, failure }) =>
    failure.kind === 'event' ? [{ slice: head.partition.slice, position: failure.event.position }] : [],
  );
  if (places.length === 0) return;
  const { rows } = await run({
    text: `SELECT slice, position, ${letterEventColumns} FROM ${tablesOf(pipeline).log}
      WHERE (slice, position) IN (SELECT * FROM unnest($1::int4[], $2::int8[]))`,
    values: [integers(places.map(({ slice }) => slice)), bigints(places.map(({ position }) => position))],
  });
  for (const [slice, position, ...event] of rows as readonly Row[]) {
    events.set(placeOf({ pipeline, slice: Number(slice) }, Number(position)), event as unknown as LetterEventRow);
  }
}

function placeOf({ pipeline, slice }: { readonly pipeline: string; readonly slice: number }, position: number): string {
  return `${slice} ${position} ${pipeline}`;
}
