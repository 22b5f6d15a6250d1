import { pipeline, type Turn } from 'millrace';
import { ingestRoute, type SystemParts } from 'millrace/server';
import { testMill } from 'millrace/testing';
import * as z from 'zod';
import { mill } from './main.ts';
import { orders, reminders } from './shop.ts';

/** Each of these must be an error for a user: a missing error is itself an error. */

const event = z.object({ id: z.string() });
const state = z.object({ status: z.enum(['placed', 'paid']) });
const key = ({ id }: { readonly id: string }) => id;

// @ts-expect-error no unit
pipeline('spans', { event, retain: '7 dayz', handle() {} });
// @ts-expect-error no such state
pipeline('states', { event, key, state, handle: () => ({ status: 'plaid' }) });
// @ts-expect-error the state lacks its status
pipeline('states', { event, key, state, handle: async () => ({}) });
// @ts-expect-error no such option
pipeline('options', { event, timeOut: '1s', handle() {} });
// @ts-expect-error an event has no such property
pipeline('events', { event, key: ({ name }) => name, handle() {} });

export async function engines(): Promise<void> {
  // @ts-expect-error no such pipeline
  await mill.ingest('nope', {});
  // @ts-expect-error the event is another's
  await mill.ingest('orders', { order: 'a', what: 'paid' });
  const order = await mill.state('orders', 'a');
  // @ts-expect-error no such status
  if (order?.status === 'plaid') return;
  // @ts-expect-error no such property
  order?.nothing;
  // @ts-expect-error no such pipeline
  mill.schedule('nope');
  const [reminder] = await mill.query(reminders).selectAll().execute();
  // @ts-expect-error no such text in the enumeration
  if (reminder?.status === 'paid') return;
  // @ts-expect-error no such text in the enumeration
  await mill.query(reminders).selectAll().where('status', '=', 'paid').execute();
  const t = await testMill({ pipelines: [orders] });
  // @ts-expect-error no such pipeline
  await t.ingest('nope', {});
  // @ts-expect-error no duration
  await t.advance('soon');
}

export const routes: SystemParts['routes'] = (app) => {
  // @ts-expect-error a summary is text
  ingestRoute(app, '/one', { summary: 1 }, async () => ({}));
  // @ts-expect-error no such word of a schema
  ingestRoute(app, '/two', { sumary: 'Two' }, async () => ({}));
  // @ts-expect-error tags are a list
  app.get('/three', { schema: { tags: 'three' } }, async () => ({}));
};

export function turns(turn: Turn<'orders', { readonly id: string }, { readonly reminders: typeof reminders }>): void {
  // @ts-expect-error no such text in the enumeration
  turn.put(reminders, { order_id: 'a', status: 'paid' });
  // @ts-expect-error the pipeline takes other events
  turn.send('orders', { name: 'a' });
  // @ts-expect-error the pipeline takes other events
  turn.send(orders, { id: 'a' });
}
