import { setTimeout as wait } from 'node:timers/promises';
import type { Client } from 'pg';
import { Flight } from '../sql/connection/flight.ts';
import type { Announcing } from '../sql/dialect.ts';
import type { PartitionId, StoreListener } from '../store.ts';
import { texts } from './connection/binary-arrays.ts';
import type { PostgresConnections } from './connection/connections.ts';
import { rethrowMissing } from './connection/missing-driver.ts';
import { channelPrefix, inboxChannel, rollChanged } from './lease/channels.ts';

/** Shortest time between two messages to others, in milliseconds. */
const pauseMs = 5;
/** Maximum partitions per message: a payload has at most 8,000 bytes. */
const partitionsMax = 50;
/** Initial and longest delay before reconnecting, in milliseconds. */
const reconnectMs = { first: 100, most: 5_000 };

function channelOf(process: string): string {
  return `${channelPrefix}${process}`;
}

/**
 * Tells other processes that their partitions' logs have grown, and listens for the same. These are hints: a lost one costs only time. A
 * notification is never part of the transaction it is about: at commit it takes a database-wide lock, which would make all commits wait for
 * each other.
 */
export class Announcements implements Announcing {
  readonly #connections: PostgresConnections;
  readonly #process: string;
  readonly #listeners = new Set<StoreListener>();
  readonly #inboxGrown: () => void;
  readonly #grown = new Map<string, Map<string, PartitionId>>();
  #timer: NodeJS.Timeout | undefined;
  #client: Client | undefined;
  #isListening = false;
  #isClosed = false;

  /** @param inboxGrown called when rows have come into the inbox */
  constructor(connections: PostgresConnections, process: string, inboxGrown: () => void) {
    this.#connections = connections;
    this.#inboxGrown = inboxGrown;
    this.#process = process;
  }

  /** Notes that this process has extended a partition's log. Notifies its owner, unless that is this process. */
  grown(partition: PartitionId, owner: string | null): void {
    if (owner === null || owner === this.#process || this.#isClosed) return;
    const grown = this.#grown.get(owner) ?? new Map<string, PartitionId>();
    grown.set(`${partition.slice} ${partition.pipeline}`, partition);
    this.#grown.set(owner, grown);
    this.#timer ??= setTimeout(() => void this.#notify(), pauseMs);
  }

  listen(listener: StoreListener): () => void {
    this.#listeners.add(listener);
    if (!this.#isListening) {
      this.#isListening = true;
      void this.#keepListening();
    }
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#client?.end();
  }

  async #notify(): Promise<void> {
    const messages = Array.from(this.#grown).flatMap(([owner, partitions]) =>
      piecesOf(Array.from(partitions.values())).map((piece) => ({ owner, piece })),
    );
    this.#grown.clear();
    try {
      await this.#connections.write(() => {
        const flight = new Flight();
        flight.add({ text: 'SET LOCAL synchronous_commit = off', values: [] });
        flight.add({
          text: 'SELECT pg_notify(channel, payload) FROM unnest($1::text[], $2::text[]) AS message (channel, payload)',
          values: [texts(messages.map(({ owner }) => channelOf(owner))), texts(messages.map(({ piece }) => JSON.stringify(piece)))],
        });
        return flight;
      });
    } catch {
      // A process that gets no message checks by itself.
    }
    this.#timer = this.#grown.size > 0 && !this.#isClosed ? setTimeout(() => void this.#notify(), pauseMs) : undefined;
  }

  /** Uses its own connection: one that listens is never returned. */
  async #keepListening(): Promise<void> {
    for (let pause = reconnectMs.first; !this.#isClosed; pause = Math.min(2 * pause, reconnectMs.most)) {
      try {
        await this.#listen();
        pause = reconnectMs.first;
      } catch {
        // Retried below; until then the partitions are polled.
      }
      if (!this.#isClosed) await wait(pause, undefined, { ref: false });
    }
  }

  /** Resolves when the connection has ended. */
  async #listen(): Promise<void> {
    const { Client } = await import('pg').catch(rethrowMissing);
    const client = new Client(this.#connections.clientSettings);
    const ended = Promise.withResolvers<void>();
    client.on('error', () => undefined);
    client.on('end', () => ended.resolve());
    client.on('notification', ({ channel, payload }) => (channel === inboxChannel ? this.#inboxGrown() : this.#hear(payload)));
    this.#client = client;
    try {
      await client.connect();
      await client.query(`LISTEN "${channelOf(this.#process)}"; LISTEN ${inboxChannel}`);
      if (this.#isClosed) await client.end();
    } catch (error) {
      await client.end();
      throw error;
    }
    await ended.promise;
  }

  /** Anybody may notify a channel. */
  #hear(payload: string | undefined): void {
    for (const listener of this.#listeners) {
      if (payload === rollChanged) listener.rollChanged();
      for (const [pipeline, slice] of partitionsIn(payload)) listener.appended({ pipeline, slice });
    }
  }
}

function piecesOf(partitions: readonly PartitionId[]): (readonly [pipeline: string, slice: number])[][] {
  const pieces = [];
  for (let from = 0; from < partitions.length; from += partitionsMax) {
    pieces.push(partitions.slice(from, from + partitionsMax).map(({ pipeline, slice }) => [pipeline, slice] as const));
  }
  return pieces;
}

function partitionsIn(payload: string | undefined): (readonly [pipeline: string, slice: number])[] {
  try {
    const found: unknown = JSON.parse(payload ?? '');
    return Array.isArray(found) ? found.filter((one) => Array.isArray(one) && typeof one[0] === 'string' && Number.isInteger(one[1])) : [];
  } catch {
    return [];
  }
}
