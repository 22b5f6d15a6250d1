import * as z from 'zod';
import { type Inlet, type Mill, millrace, pipeline, type Store, table } from '../../src/index.ts';
import type { Lease } from '../../src/store/index.ts';
import { nextState } from '../work/state.ts';
import type { Peer } from './peer.ts';

const history = table('history', { key: 'text', seq: 'integer', n: 'integer', total: 'integer' });
const columnOfN = Object.keys(history.columns).indexOf('n');

const Event = z.object({ key: z.string(), n: z.int(), seq: z.int(), amount: z.number(), at: z.string(), note: z.string() });
const State = z.object({ count: z.int(), last: z.int(), sum: z.number() });

/** Handlers wait for it while the peer is at rest. */
interface Gate {
  opened: Promise<void> | undefined;
  open(): void;
}

/** Millrace on a store. `reads` inspects the database directly, like an outside observer. */
export function makeMillrace(store: Store, handled: (n: number) => void, reads: Pick<Peer, 'history' | 'countOfStates'>): Peer {
  const gate: Gate = { opened: undefined, open: () => undefined };
  let mill: Mill | undefined;
  return {
    ...reads,
    async start() {
      close(gate);
      // The default limit of the backlog is meant for services; a benchmark of a backlog needs a larger one.
      const limits = { backlog: 20_000_000 };
      mill = await millrace({ store: reporting(store, handled), pipelines: [workPipeline({ opened: () => gate.opened })], limits }).start();
    },
    async ingest(events) {
      if (events.length === 1) await mill?.ingest('work', events[0]);
      else if ((await mill?.ingestBatch('work', events))?.some(({ status }) => status !== 'accepted'))
        throw new Error('expected all events to be accepted');
    },
    async work() {
      gate.open();
      gate.opened = undefined;
    },
    async rest() {
      close(gate);
    },
    async stop() {
      await mill?.stop({ timeoutMs: 0 });
    },
  };
}

export interface WorkOptions {
  /** Makes handlers wait; undefined while they need not. */
  opened?(): Promise<void> | undefined;
  /** The topic from which events are read. */
  readonly from?: Inlet;
}

/** The work as a pipeline. */
export function workPipeline({ opened = () => undefined, from }: WorkOptions) {
  return pipeline('work', {
    ...(from !== undefined && { from }),
    timeline: process.env.TIMELINE !== 'off',
    event: Event,
    key: (event) => event.key,
    state: State,
    tables: { history },
    timeout: '24h',
    handle(event, state, turn) {
      const apply = () => {
        const next = nextState(event, state);
        turn.add(history, { key: event.key, seq: event.seq, n: event.n, total: next.count });
        return next;
      };
      const gate = opened();
      return gate === undefined ? apply() : gate.then(apply);
    },
  });
}

function close(gate: Gate): void {
  const { promise, resolve } = Promise.withResolvers<void>();
  gate.opened = promise;
  gate.open = resolve;
}

/** Reports each event once the commit with its history row is on disk. */
export function reporting(store: Store, handled: (n: number) => void): Store {
  const claim = store.claim.bind(store);
  store.claim = async (partition) => reportingLease(await claim(partition), handled);
  return store;
}

function reportingLease(lease: Lease, handled: (n: number) => void): Lease {
  const commit = lease.commit.bind(lease);
  lease.commit = async (work) => {
    const committed = await commit(work);
    for (const { rows } of work.rows) for (const row of rows) handled(Number(row[columnOfN]));
    return committed;
  };
  return lease;
}
