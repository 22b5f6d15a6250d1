import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { PgBoss } from 'pg-boss';
import { HostedPeer } from '../host/hosted-peer.ts';
import { peerNamed } from '../peers/index.ts';
import { queue } from '../peers/pg-boss.ts';
import type { Cleanup } from '../servers/cleanup.ts';
import { EventStream, type WorkEvent } from '../work/event.ts';
import type { Room, Rooms } from './rooms.ts';
import type { Settings } from './throughput.ts';

/** The throughput of an application that sends events within its own transactions. Rates are events per second. */
export interface InboxResult {
  readonly run: number;
  readonly peer: string;
  readonly perTransaction: number;
  readonly events: number;
  /** Events committed by the application. */
  readonly writtenRate: number;
  /** Events taken in, until the last one. */
  readonly takenRate: number;
}

export const inboxSizes = [1, 100] as const;
const writers = 8;
const warmUpMs = 1_000;
const pollMs = 5;

/** A way for an application to insert events beside its own rows. */
interface Way {
  readonly peer: string;
  open(database: string): Promise<Opened>;
}

interface Opened {
  /** Inserts within the client's transaction. */
  insert(client: Client, events: readonly WorkEvent[]): Promise<void>;
  /** Returns true once the inbox is empty. */
  isTakenIn(client: Client): Promise<boolean>;
  close(): Promise<void>;
}

const ways: readonly Way[] = [
  {
    peer: 'millrace-postgres',
    open: async () => ({
      async insert(client, events) {
        const text = "INSERT INTO millrace_inbox (pipeline, event) SELECT 'work', event FROM unnest($1::text[]) AS event";
        await client.query({ name: 'insert', text, values: [events.map((event) => JSON.stringify(event))] });
      },
      isTakenIn: async (client) => (await client.query('SELECT 1 FROM millrace_inbox LIMIT 1')).rowCount === 0,
      close: async () => undefined,
    }),
  },
  {
    peer: 'pg-boss',
    async open(database) {
      const boss = new PgBoss({ connectionString: database, max: 1, migrate: false, supervise: false, schedule: false });
      await boss.start();
      return {
        async insert(client, events) {
          const jobs = events.map((data) => ({ data, singletonKey: data.key }));
          await boss.insert(queue, jobs, { db: { executeSql: (text, values) => client.query(text, values) } });
        },
        // A committed event is in its queue.
        isTakenIn: async () => true,
        close: () => boss.stop({ graceful: false }),
      };
    },
  },
];

/** An application with eight connections writes its own row and events in each transaction, while handlers rest. */
export async function measureInboxes(run: number, rooms: Rooms, settings: Settings, cleanup: Cleanup): Promise<InboxResult[]> {
  const results: InboxResult[] = [];
  for (const perTransaction of inboxSizes) {
    for (const way of ways) {
      const room = await rooms.enter(peerNamed(way.peer));
      try {
        results.push({ run, peer: way.peer, perTransaction, ...(await measureInbox(way, perTransaction, { room, settings, cleanup })) });
      } finally {
        await room.leave();
      }
    }
  }
  return results;
}

interface InboxMeans {
  readonly room: Room;
  readonly settings: Settings;
  readonly cleanup: Cleanup;
}

async function measureInbox(
  { peer, open }: Way,
  perTransaction: number,
  { room, settings, cleanup }: InboxMeans,
): Promise<Pick<InboxResult, 'events' | 'writtenRate' | 'takenRate'>> {
  const { folder, database, redisPort } = room;
  const { keys, seed, seconds, stallMs } = settings;
  const host = new HostedPeer(cleanup);
  const clients = Array.from({ length: writers }, () => new Client({ connectionString: database }));
  try {
    await host.call('start', { peer, folder, database, redisPort, keys, seed, stallMs });
    const opened = await open(database);
    const [first] = await Promise.all(clients.map((client) => client.connect().then(() => client)));
    if (first === undefined) throw new Error('expected a client');
    await first.query('CREATE TABLE invoices (number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, total integer NOT NULL)');
    const streams = clients.map((_, sender) => new EventStream({ seed, keys, sender, senders: writers }));
    const write = async (untilMs: number) => {
      const counts = clients.map(async (client, at) => {
        let count = 0;
        for (; performance.now() < untilMs; count += perTransaction) {
          await client.query('BEGIN');
          await client.query({ name: 'invoice', text: 'INSERT INTO invoices (total) VALUES ($1)', values: [perTransaction] });
          await opened.insert(client, streams[at]?.take(perTransaction) ?? []);
          await client.query('COMMIT');
        }
        return count;
      });
      return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
    };
    const takenIn = async () => {
      while (!(await opened.isTakenIn(first))) await sleep(pollMs);
    };
    await write(performance.now() + warmUpMs);
    await takenIn();
    const startedAt = performance.now();
    const events = await write(startedAt + seconds * 1_000);
    const writtenMs = performance.now() - startedAt;
    await takenIn();
    const takenMs = performance.now() - startedAt;
    await opened.close();
    return { events, writtenRate: (events / writtenMs) * 1_000, takenRate: (events / takenMs) * 1_000 };
  } finally {
    await Promise.all(clients.map((client) => client.end()));
    await host.kill();
  }
}
