import type { DatabaseSync } from 'node:sqlite';
import { pageUpTo, sizeOfLetter } from '../../list-size.ts';
import { Select } from '../../node-sqlite/select.ts';
import type {
  DeadLetter,
  DeadLetterCount,
  DeadLetterFilter,
  DeadLetterGroup,
  DeadLetterGroupQuery,
  DeadLetterQuery,
  ListBounds,
} from '../../store.ts';
import { type ArrivalRow, arrivalsStatement, type GroupRow, groupsStatement, toGroups } from '../../tables/dead-letter-groups.ts';
import {
  type LetterEventRow,
  type LetterRow,
  type LettersDialect,
  letterCountStatement,
  letterEventColumns,
  lettersStatement,
  toDeadLetter,
  toSelectedLetter,
} from '../../tables/dead-letter-rows.ts';
import { tablesOf } from '../schema/pipeline-tables.ts';

const dialect: LettersDialect = { unresolved: 'resolved = 0', parameter: () => '?' };

/** Reads dead letters with their events, including those of pipelines that are no longer declared. */
export class DeadLetterReader {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  read(query: DeadLetterQuery, bounds?: ListBounds): readonly DeadLetter[] {
    const { text, values } = lettersStatement(query, dialect);
    const select = new Select<LetterRow>(this.#db, text);
    if (bounds?.charactersMax === undefined) return select.all(...values).map((row) => this.#toDeadLetter(row));
    const letters = select.each(...values).map((row) => this.#toDeadLetter(row));
    return pageUpTo(letters, sizeOfLetter, bounds.charactersMax);
  }

  count(filter: DeadLetterFilter): DeadLetterCount {
    const { text, values } = letterCountStatement(filter, dialect);
    const [count, last] = new Select<[number, string | null]>(this.#db, text).get(...values) ?? [0, null];
    return { count, last };
  }

  groups(query: DeadLetterGroupQuery): readonly DeadLetterGroup[] {
    const groups = groupsStatement(query, dialect);
    const arrivals = arrivalsStatement(query, dialect);
    return toGroups(
      new Select<GroupRow>(this.#db, groups.text).all(...groups.values),
      new Select<ArrivalRow>(this.#db, arrivals.text).all(...arrivals.values),
    );
  }

  #toDeadLetter(row: LetterRow): DeadLetter {
    const letter = toSelectedLetter(row);
    return toDeadLetter(letter, (position) => this.#event(letter.head.partition.pipeline, position));
  }

  #event(pipeline: string, position: number): LetterEventRow | undefined {
    const sql = `SELECT ${letterEventColumns} FROM ${tablesOf(pipeline).log} WHERE position = ?`;
    return new Select<LetterEventRow>(this.#db, sql).get(position);
  }
}
