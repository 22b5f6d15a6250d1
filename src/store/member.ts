import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { version } from '../version.ts';
import type { Member, StoreDeclaration } from './store.ts';

/** Describes this engine to the others on its database. The database sets `since`. */
export function selfAsMember({ pipelines }: Pick<StoreDeclaration, 'pipelines'>): Omit<Member, 'since'> {
  return { id: randomUUID(), host: hostname(), pid: process.pid, version, pipelines: pipelines.map(({ name }) => name) };
}
