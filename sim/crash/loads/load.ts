import { type Random, randomOf } from '../../../systems/shared/random.ts';
import type { Client, Parcel } from '../client.ts';

/** A system's load in a group of rounds. */
export interface Load {
  /** Keeps sending until told to stop; resolves once everything it began is answered. */
  run(): Promise<void>;
}

export interface LoadMeans {
  readonly client: Client;
  readonly seed: number;
  /** The number of the group, so that no two groups send the same. */
  readonly group: number;
  isStopping(): boolean;
}

/** Returns a random sequence for each sender, so that one sender does not depend on when another is answered. */
export function senders({ seed, group }: LoadMeans, system: number, count: number): readonly Random[] {
  return Array.from({ length: count }, (_, at) => randomOf(seed, group * 1_000 + system * 100 + at));
}

/** Returns a UUID of version 4 determined by the seed. */
export function uuidFrom(random: Random): string {
  const hex = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}

/** Reads the answer to one event. */
export const readStatus: Parcel['read'] = (body) => [statusOf(body)];

/** Reads the answer to a batch. */
export const readResults: Parcel['read'] = (body) => {
  const results = typeof body === 'object' && body !== null && 'results' in body ? body.results : undefined;
  return Array.isArray(results) ? results.map(statusOf) : [];
};

function statusOf(body: unknown): string {
  return typeof body === 'object' && body !== null && 'status' in body ? String(body.status) : 'nothing';
}
