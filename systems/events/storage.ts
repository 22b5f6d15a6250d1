import { sql } from 'kysely';
import {
  isCutShort,
  type Mill,
  markCutShort,
  type ReadOptions,
  type StoredRowOf,
  type Table,
  type TableQuery,
  type Turn,
  table,
} from '../../src/index.ts';
import { exactValue, forPage } from '../../src/server/index.ts';
import { type EventSource, EventType } from './validator.ts';

/** Characters of a row's id: the length of a UUID. */
export const rowIdLengthMax = 36;

/** Every processed event, one row each. */
export const processedEvents = table(
  'processed_events',
  {
    id: `text(${rowIdLengthMax})`,
    type: EventType.options,
    source: 'text(50)',
    user_id: 'text(50)?',
    processed_data: 'json',
    processing_time_ms: 'real',
    created_at: 'moment',
    processed_at: 'moment',
  },
  {
    primaryKey: ['id'],
    indexes: [
      ['type', 'created_at'],
      ['type', 'source', 'created_at'],
      ['user_id', 'created_at'],
    ],
  },
);

export type ProcessedEvent = StoredRowOf<typeof processedEvents>;

/** Selects events. */
interface Selection {
  readonly type?: EventType | undefined;
  readonly source?: EventSource | undefined;
  readonly user_id?: string | undefined;
  /** Created at this time or later. */
  readonly from?: string | undefined;
  /** Created at this time or earlier. */
  readonly to?: string | undefined;
  /** Start after the event at this place. */
  readonly after?: Place | undefined;
  readonly limit: number;
}

/** The place of an event in a list. */
type Place = Pick<ProcessedEvent, 'created_at' | 'id'>;

/** The third of the three seams: stores processed events. */
export interface EventStorage {
  /** The tables that `save` writes. */
  readonly tables: Readonly<Record<string, Table>>;
  /** Stores an event together with everything else its turn decides. */
  save(turn: Turn, event: ProcessedEvent): void;
  find(mill: Mill, id: string, options?: ReadOptions): Promise<ProcessedEvent | undefined>;
  /** Returns the newest of them: by `created_at`, then by id, both descending. */
  select(mill: Mill, selection: Selection, options?: ReadOptions): Promise<readonly ProcessedEvent[]>;
}

/** The default: the table `processed_events`. */
export const tableStorage: EventStorage = {
  tables: { processedEvents },
  save: (turn, event) => turn.put(processedEvents, event),
  find: (mill, id, options) => mill.query(processedEvents, options).selectAll().where('id', '=', id).executeTakeFirst(),
  async select(mill, selection, options) {
    const { type, user_id, limit } = selection;
    // Each index begins with a different column: without a user every type is read separately, in order, and merged.
    const types = type !== undefined || user_id !== undefined ? [type] : EventType.options;
    // Together they fill one page.
    const reading = { ...options, charactersMax: Math.ceil(forPage.charactersMax / types.length) };
    const found = await Promise.all(types.map((one) => selectNewest(mill.query(processedEvents, reading), { ...selection, type: one })));
    return newestOf(found, limit);
  },
};

async function selectNewest(
  query: TableQuery<typeof processedEvents>,
  { type, source, user_id, from, to, after, limit }: Selection,
): Promise<readonly ProcessedEvent[]> {
  const chosen = choose(query, { type, source, user_id });
  let select = chosen.selectAll().orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limit);
  // With both limits SQLite uses the index without the source. The rows come in time order, so the older ones can be cut off here.
  const isCutOff = from !== undefined && to !== undefined && source !== undefined && user_id === undefined;
  if (from !== undefined && !isCutOff) select = select.where('created_at', '>=', from);
  if (to !== undefined) select = select.where('created_at', '<=', to);
  if (after !== undefined)
    select = select.where(({ eb, refTuple, tuple }) => eb(refTuple('created_at', 'id'), '<', tuple(after.created_at, after.id)));
  const rows = await select.execute();
  const older = isCutOff ? rows.findIndex((row) => orderOf(row, 'created_at') < orderOfText(from)) : -1;
  // Only older events follow an older one.
  return older === -1 ? rows : rows.slice(0, older);
}

function choose(
  query: TableQuery<typeof processedEvents>,
  { type, source, user_id }: Pick<Selection, 'type' | 'source' | 'user_id'>,
): TableQuery<typeof processedEvents> {
  // A user has few of a type's or source's events; an expression keeps the database from searching for them.
  const [typeColumn, sourceColumn] =
    user_id === undefined ? [sql`type`, sql`source`] : [sql`coalesce(type, '')`, sql`coalesce(source, '')`];
  let chosen = user_id === undefined ? query : query.where('user_id', '=', user_id);
  if (type !== undefined) chosen = chosen.where(sql<boolean>`${typeColumn} = ${type}`);
  if (source !== undefined) chosen = chosen.where(sql<boolean>`${sourceColumn} = ${source}`);
  return chosen;
}

/** Returns the newest of several lists. Rows may be missing after the end of one that was cut short. */
function newestOf(lists: readonly (readonly ProcessedEvent[])[], limit: number): readonly ProcessedEvent[] {
  const events = lists.flat().sort(newestFirst);
  const ends = lists.filter((list) => isCutShort(list) && list.length > 1).map((list) => events.indexOf(list.at(-1) as ProcessedEvent) + 1);
  const newest = events.slice(0, Math.min(limit, ...ends));
  if (ends.length > 0 && newest.length < limit) markCutShort(newest);
  return newest;
}

function newestFirst(one: ProcessedEvent, other: ProcessedEvent): number {
  return compare(other, one, 'created_at') || compare(other, one, 'id');
}

function compare(one: ProcessedEvent, other: ProcessedEvent, column: keyof Place): number {
  const [a, b] = [orderOf(one, column), orderOf(other, column)];
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Returns a text that sorts like the database, where blobs come after texts. */
function orderOf(event: ProcessedEvent, column: keyof Place): string {
  const value = exactValue(event, column);
  return typeof value === 'string' ? orderOfText(value) : `~${JSON.stringify(value)}`;
}

function orderOfText(text: string): string {
  return `text ${text}`;
}
