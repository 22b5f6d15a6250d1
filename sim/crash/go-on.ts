import { type Mill, millrace } from '../../src/engine/mill.ts';
import { sqlite } from '../../src/store/sqlite/sqlite-store.ts';
import type { Ingest } from '../ledger.ts';
import type { Named } from './book.ts';
import { pipelinesOf } from './declaration.ts';
import { nameOfUpdate } from './loads/accounts.ts';
import type { Plan } from './loads/loads.ts';
import { settled } from './settle.ts';

const batchSize = 1_000;

interface Went {
  readonly ingests: readonly Ingest[];
  readonly broken: readonly string[];
}

/** An event to ingest again. */
interface Repeat {
  readonly named: Named;
  readonly event: unknown;
}

/** Runs an engine on a database, ingests everything planned again, and waits until all of it has come to rest. */
export async function goOn(
  database: string,
  { plan, environment }: { readonly plan: Plan; readonly environment: Readonly<Record<string, string>> },
): Promise<Went> {
  const mill = await millrace({ store: sqlite(database), pipelines: pipelinesOf(environment) }).start();
  try {
    const ingests: Ingest[] = [];
    const broken: string[] = [];
    for (const repeats of repeatsOf(plan)) {
      for (let at = 0; at < repeats.length; at += batchSize) {
        const went = await bringIn(mill, repeats.slice(at, at + batchSize));
        ingests.push(...went.ingests);
        broken.push(...went.broken);
      }
    }
    const left = await settled(database, () => false);
    return { ingests, broken: [...broken, ...left.map((words) => `after the cut: ${words}`)] };
  } finally {
    await mill.stop();
  }
}

/** Ingests all events of a batch at one moment, later than everything before the cut. */
async function bringIn(mill: Mill, repeats: readonly Repeat[]): Promise<Went> {
  const ingests: Ingest[] = [];
  const broken: string[] = [];
  const [first] = repeats;
  if (first === undefined) return { ingests, broken };
  const events = repeats.map(({ event }) => event);
  const judged = await mill.ingestBatch(first.named.pipeline, events);
  const ended = Number.MAX_SAFE_INTEGER;
  for (const [at, { named }] of repeats.entries()) {
    const verdict = judged[at];
    if (verdict !== undefined && verdict.status !== 'rejected') ingests.push({ ...named, answer: verdict.status, began: ended, ended });
    else broken.push(`after the cut ${named.pipeline} ${named.name} was rejected: ${verdict?.error.message}`);
  }
  return { ingests, broken };
}

function repeatsOf({ rockets, events, accounts }: Plan): readonly (readonly Repeat[])[] {
  return [
    rockets.map((event) => {
      const { channel, messageNumber } = event.metadata;
      return { named: { pipeline: 'rockets', key: channel, name: String(messageNumber) }, event };
    }),
    events.map((event) => ({ named: { pipeline: 'events', key: event.id, name: event.id }, event })),
    accounts.map((event) => ({ named: { pipeline: 'accounts', key: event.id, name: nameOfUpdate(event) }, event })),
  ];
}
