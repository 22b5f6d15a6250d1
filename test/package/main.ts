import { type Mill, MillraceError, memory, millrace } from 'millrace';
import { durationUpTo, system } from 'millrace/server';
import { audit, nightly, type Order, orders, reminders } from './shop.ts';

/** An engine in a user's own program, exported with its inferred type. */
export const mill = millrace({ store: memory(), pipelines: [orders, audit, nightly] });

export async function orderOf(id: string): Promise<Order | undefined> {
  return mill.state('orders', id);
}

/** Returns everything there is to see: whether the payment was new, how many events were handled, who is reminded and when. */
export async function main(): Promise<readonly (string | number | null)[]> {
  await mill.start();
  const seen: (string | number | null)[] = [];
  try {
    const { status } = await mill.ingest('orders', { type: 'paid', order: 'a', cents: 900, at: '2026-01-01T00:00:00Z' });
    seen.push(status, mill.counts().orders.processed);
  } catch (error) {
    if (!(error instanceof MillraceError) || error.retryable) throw error;
  }
  const due = await mill.query(reminders).select(['order_id', 'sent_on']).where('status', '=', 'due').execute();
  for (const { order_id, sent_on } of due) seen.push(order_id, sent_on);
  await mill.schedule('nightly').pause({ for: '1h' });
  await pay(mill);
  await look(mill);
  await mill.stop();
  return seen;
}

/** A function for a single pipeline accepts an engine with more. */
async function pay(some: Mill<{ orders: typeof orders }>): Promise<void> {
  await some.ingest('orders', { type: 'paid', order: 'b', cents: 100, at: '2026-01-01T00:00:00Z' });
}

/** A generic function accepts any engine. */
async function look(any: Mill): Promise<void> {
  for (const name of any.pipelines.keys()) await any.state(name, 'a');
}

export const configurable = system({
  name: 'configurable',
  title: 'Configurable',
  description: 'Has a setting.',
  settings: { pause: { variable: 'PAUSE', meaning: 'how long to wait', values: durationUpTo('1h'), otherwise: '5m' } },
  build: ({ pause }) => ({
    pipelines: [orders],
    routes: (app, mill) => void app.get('/pause', async () => ({ pause, health: mill.health() })),
  }),
});
