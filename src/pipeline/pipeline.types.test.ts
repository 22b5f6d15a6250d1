import test from 'node:test';
import * as z from 'zod';
import { pipeline } from './pipeline.ts';
import { type StoredRowOf, table } from './table.ts';

/** The compiler checks these: an expected error that does not occur is itself an error. */
test('a wrong row, timer name, state or event does not compile', () => {
  const Account = z.object({ id: z.string(), version: z.number() });
  const accounts = table('accounts', { id: 'text', version: 'integer', note: 'text?' }, { primaryKey: ['id'] });
  const history = table('history', { id: 'text' });
  const other = table('other', { id: 'text' }, { primaryKey: ['id'] });
  const audit = pipeline('audit', { event: z.object({ what: z.string() }), handle() {} });

  pipeline('good', {
    event: Account,
    key: (update) => update.id,
    state: Account,
    tables: { accounts, history },
    handle(update, account, turn) {
      if (account && update.version <= account.version) return turn.ignore('not newer');
      turn.put(accounts, update);
      turn.add(history, { id: update.id });
      turn.timers.set('callback', { after: '5m' });
      turn.send(audit, { what: 'seen' });
      turn.send('good', { id: 'b', version: 1 });
      return update;
    },
    timers: { callback: (account, turn) => turn.log.info('callback', { version: account?.version }) },
  });

  pipeline('bad', {
    event: Account,
    key: (update) => update.id,
    state: Account,
    tables: { accounts, history },
    handle(update, _account, turn) {
      // @ts-expect-error a column has the wrong type
      turn.put(accounts, { id: 'a', version: 'one' });
      // @ts-expect-error a column is missing
      turn.put(accounts, { id: 'a' });
      // @ts-expect-error a table without a primary key cannot be put to
      turn.put(history, { id: 'a' });
      // @ts-expect-error the table is not declared by this pipeline
      turn.put(other, { id: 'a' });
      // @ts-expect-error no such timer
      turn.timers.set('calback', { after: '5m' });
      // @ts-expect-error not a duration
      turn.timers.set('callback', { after: 'soon' });
      // @ts-expect-error the other pipeline takes other events
      turn.send(audit, { who: 'me' });
      // @ts-expect-error no such property
      update.nothing;
      return update;
    },
    timers: { callback: () => undefined },
  });

  pipeline('wrong_state', {
    event: Account,
    key: (update) => update.id,
    state: Account,
    // @ts-expect-error the state lacks its version
    handle: (update) => ({ id: update.id }),
  });

  pipeline('no_state', {
    event: Account,
    key: (update) => update.id,
    // @ts-expect-error a pipeline without a state schema has no state to return
    handle: (update) => update,
  });

  pipeline('no_json', {
    // @ts-expect-error a Date does not survive JSON
    event: z.object({ at: z.date() }),
    handle() {},
  });

  pipeline('one_way', {
    event: Account,
    key: (update) => update.id,
    // @ts-expect-error the schema does not take the number that it puts out
    state: z.object({ length: z.string().transform((text) => text.length) }),
    handle: () => undefined,
  });

  pipeline('both_ways', {
    event: Account,
    key: (update) => update.id,
    state: z.object({ name: z.string().trim(), version: z.coerce.number(), note: z.string().default('') }),
    handle: (_update, state) => state,
  });

  pipeline('threaded', {
    run: 'threads',
    module: import.meta.url,
    event: Account,
    key: (update) => update.id,
    state: Account,
    tables: { accounts },
    handle(update, account, turn) {
      turn.put(accounts, { id: update.id, version: account?.version ?? 0 });
      turn.timers.set('callback', { after: '5m' });
      // @ts-expect-error no such timer
      turn.timers.set('calback', { after: '5m' });
      return update;
    },
    timers: { callback: () => undefined },
  });

  const wrongPlaces = () => {
    // @ts-expect-error threads need the module that exports the pipeline
    pipeline('no_module', { event: Account, run: 'threads', handle() {} });
    // @ts-expect-error a module is for threads only
    pipeline('inline', { event: Account, module: import.meta.url, handle() {} });
    // @ts-expect-error no such place
    pipeline('nowhere', { event: Account, run: 'processes', handle() {} });
  };
  void wrongPlaces;

  const Status = z.enum(['open', 'closed']);
  const tickets = table(
    'tickets',
    { id: 'text(36)', status: Status.options, grade: ['low', 'high', null], title: 'text(50)?', since: 'moment' },
    { primaryKey: ['id'], defaults: { status: 'open' } },
  );
  type Ticket = StoredRowOf<typeof tickets>;
  const ticket = {
    id: 'a',
    status: 'open',
    grade: null,
    title: null,
    since: '2022-02-02T18:39:05.863Z',
  } satisfies Ticket as Ticket;
  // Rows read back have exactly the union type, and vice versa.
  const statuses: { readonly [Name in Ticket['status']]: string } = { open: 'open', closed: 'closed' };
  const grades: readonly Ticket['grade'][] = ['low', 'high', null];
  void [statuses, grades, ticket];

  pipeline('tickets', {
    event: z.object({ id: z.string(), status: Status, text: z.string() }),
    tables: { tickets },
    handle({ id, status, text }, _state, turn) {
      const since = new Date(turn.now).toISOString();
      turn.put(tickets, { id, status, since });
      turn.put(tickets, { id, status: 'closed', grade: 'low', title: text, since });
      turn.update(tickets, { id, grade: null });
      // @ts-expect-error a text that is not in the enumeration
      turn.put(tickets, { id, status: 'opened', since });
      // @ts-expect-error any text
      turn.put(tickets, { id, status: text, since });
      // @ts-expect-error an enumeration without null allows none
      turn.update(tickets, { id, status: null });
      // @ts-expect-error a moment is a text
      turn.put(tickets, { id, status, since: turn.now });
    },
  });

  // @ts-expect-error a default that is not in the enumeration
  const wrongDefault = () => table('t', { status: ['open'] }, { defaults: { status: 'closed' } });
  // @ts-expect-error a length is a number
  const wrongLength = () => table('t', { id: 'text(many)' });
  void [wrongDefault, wrongLength];

  // @ts-expect-error an index over a column that is not there
  const wrongIndex = () => table('t', { id: 'text' }, { indexes: [['nope']] });
  void wrongIndex;
});
