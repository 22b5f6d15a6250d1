/*
 * Writes moments around the clock changes of a zone, and reads them back: `node moments-program.ts write|read DATABASE ZONE`. Prints its
 * findings to stdout as JSON. A test runs it in several time zones; it has its own clock.
 */
import process from 'node:process';
import * as z from 'zod';
import { type Mill, mysql, pipeline, postgres, type Store, sqlite, type Table, type Turn, table } from '../src/index.ts';
import { configure } from '../src/server/index.ts';
import { testMill } from '../src/testing/index.ts';
import { accounts } from '../systems/accounts/index.ts';
import { accountsTable, updatesTable } from '../systems/accounts/tables.ts';
import { events } from '../systems/events/index.ts';
import { processedEvents } from '../systems/events/storage.ts';
import { messages as messagesSystem } from '../systems/messages/index.ts';
import { messages } from '../systems/messages/table.ts';

/** The moments at which clocks are set ahead and back. */
const changesOf: Readonly<Record<string, readonly string[]>> = {
  'Europe/Berlin': ['2026-03-29T01:00Z', '2026-10-25T01:00Z'],
  'America/New_York': ['2026-03-08T07:00Z', '2026-11-01T06:00Z'],
};
const [what, address = '', zone = ''] = process.argv.slice(2);
const changes = (changesOf[zone] ?? []).map((text) => Date.parse(text));
const quarterMs = 15 * 60_000;
/** From three quarters of an hour before a change to as long after it. */
const quarters = 6;

const Said = z.object({ key: z.string() });
const rung = table(
  'rung',
  { key: 'text', name: 'text', at: 'integer', said: 'text', accepted_at: 'integer' },
  { primaryKey: ['key', 'name'] },
);
const Accepted = z.object({ at: z.number() });

/** Two timers that span the change, one set by a moment and one by a duration. */
const clocks = pipeline('clocks', {
  event: Said,
  key: ({ key }) => key,
  state: Accepted,
  tables: { rung },
  timers: {
    at: ring,
    after: ring,
    never: () => undefined,
  },
  handle(_event, _state, turn) {
    turn.timers.set('at', { at: turn.acceptedAt + 2 * quarterMs });
    turn.timers.set('after', { after: '45m' });
    turn.timers.set('never', { at: Date.parse('2027-03-28T01:30Z') });
    return { at: turn.acceptedAt };
  },
});

function ring(state: z.infer<typeof Accepted> | undefined, turn: Turn<string, unknown, { rung: typeof rung }>) {
  const { key, id: name, now } = turn;
  turn.put(rung, { key, name, at: now, said: new Date(now).toISOString(), accepted_at: state?.at ?? 0 });
  return state;
}

const systems = [accounts, events, messagesSystem].map((system) => configure(system, { SCHEDULER_INTERVAL: '20m' }));
const pipelines = [clocks, ...systems.flatMap((system) => system.pipelines)];

/** Makes the store for an address. The database counts leases by its own clock, so here they never expire: nobody else wants them. */
function storeAt(address: string): Store {
  const store = /^postgres:/.test(address)
    ? postgres(address, { partitions: 1 })
    : /^mysql:/.test(address)
      ? mysql(address, { partitions: 1 })
      : sqlite(address);
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = name === 'leaseMs' ? undefined : Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

/** Makes a mill whose clock begins at a moment. */
function millAt(store: Store, startAt: number) {
  const answer = ({ id }: { readonly id: string }) => ({
    result: 'delivered' as const,
    answer: { messageId: `m ${id}`, rawResponse: '{}' },
  });
  return testMill({ store, pipelines, startAt, answer });
}

async function write(store: Store): Promise<void> {
  for (const [nth, change] of changes.entries()) {
    const t = await millAt(store, change - (quarters / 2) * quarterMs);
    // Avoids the batch with which a start catches up.
    await t.advance('1m');
    for (let quarter = 0; quarter < quarters; quarter += 1) {
      const name = `${nth}-${quarter}`;
      const id = `00000000-0000-4000-8000-0000000${nth}00${String(quarter).padStart(2, '0')}`;
      const moment = new Date(t.clock.now()).toISOString();
      await t.mill.ingest('clocks', { key: name });
      await t.mill.ingest('events', { id, type: 'sensor_data', source: 'web', data: {} });
      await t.mill.ingest('events', { id: id.replace('-4', '-5'), type: 'sensor_data', source: 'web', data: {}, timestamp: moment });
      await t.mill.ingest('accounts', { id: name, accountType: 'mint', tokens: 1, callbackTimeMs: 2 * quarterMs, version: 1, data: {} });
      await t.mill.ingest('messages', {
        kind: 'submitted',
        id: name,
        to: '1',
        content: name,
        createdAt: moment,
      });
      await t.drain();
      await t.advance('15m');
    }
    await t.advance('45m');
    await t.stop();
  }
}

/** Reads everything that holds moments, as rows of the database and as answers of the engine. */
async function read(store: Store) {
  const last = changes.at(-1) ?? 0;
  const t = await millAt(store, last + quarters * quarterMs);
  const { mill } = t;
  const keys = changes.flatMap((_, nth) => Array.from({ length: quarters }, (_, quarter) => `${nth}-${quarter}`));
  const found = {
    clocks: await mill.keys('clocks', keys),
    states: await Promise.all(keys.map((key) => mill.state('clocks', key))),
    rung: await rowsOf(mill, rung),
    // The measured run time of a processor varies.
    events: (await rowsOf(mill, processedEvents)).map(({ processing_time_ms: _, processed_at, ...row }) => ({
      ...row,
      processed_at: String(processed_at).slice(0, -5),
    })),
    accounts: await rowsOf(mill, accountsTable),
    updates: await rowsOf(mill, updatesTable),
    messages: await rowsOf(mill, messages),
    letters: await mill.deadLetters({ limit: 100 }),
  };
  await t.stop();
  return found;
}

async function rowsOf(mill: Mill, of: Table): Promise<readonly Record<string, unknown>[]> {
  const query = mill.query(of).selectAll();
  return of.primaryKey.reduce((select, column) => select.orderBy(column), query).execute();
}

const store = storeAt(address);
if (what !== 'read') await write(store);
process.stdout.write(JSON.stringify({ zone: new Date(Date.UTC(2026, 6, 1)).getTimezoneOffset(), ...(await read(store)) }));
