import { pageUpTo, sizeOfLetter } from '../../list-size.ts';
import type { DeadLetter, DeadLetterQuery, ListBounds } from '../../store.ts';
import {
  type LetterEventRow,
  type LetterRow,
  letterEventColumns,
  lettersStatement,
  type SelectedLetter,
  toDeadLetter,
  toSelectedLetter,
} from '../../tables/dead-letter-rows.ts';
import type { Transaction } from '../connection/connections.ts';
import type { ReadStatements } from '../statements.ts';

/** A transaction, with the database's dialect for reads. */
interface Reading extends Transaction {
  readonly statements: ReadStatements;
}

/** Letters of a page read at once for a list with a size limit. */
const pieceLength = 20;

/** Reads dead letters with their events, including those of pipelines that are no longer declared. */
export async function readDeadLetters(transaction: Reading, query: DeadLetterQuery, bounds: ListBounds): Promise<readonly DeadLetter[]> {
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

async function readPiece({ run, statements }: Reading, query: DeadLetterQuery): Promise<readonly DeadLetter[]> {
  const { rows } = await run(lettersStatement(query, statements.letters));
  const letters = rows.map((row) => toSelectedLetter(row as unknown as LetterRow));
  const events = new Map<string, LetterEventRow>();
  for (const [name, some] of Map.groupBy(letters, ({ head }) => head.partition.pipeline)) {
    const places = placesOf(some);
    if (places.length === 0) continue;
    const { rows: found } = await run(statements.events(name, places, letterEventColumns));
    for (const [slice, position, ...event] of found)
      events.set(placeOf({ pipeline: name, slice: Number(slice) }, Number(position)), event as unknown as LetterEventRow);
  }
  return letters.map((letter) => toDeadLetter(letter, (position) => events.get(placeOf(letter.head.partition, position))));
}

/** Returns the places of the letters' events. */
function placesOf(letters: readonly SelectedLetter[]) {
  return letters.flatMap(({ head, failure }) =>
    failure.kind === 'event' ? [{ slice: head.partition.slice, position: failure.event.position }] : [],
  );
}

function placeOf({ pipeline, slice }: { readonly pipeline: string; readonly slice: number }, position: number): string {
  return `${slice} ${position} ${pipeline}`;
}
