import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { version } from '../version.ts';
import type { Member, StoreDeclaration } from './store.ts';

/** This engine, as the others on its database see it. `since` is the database's to say. */
export function selfAsMember({ pipelines }: Pick<StoreDeclaration, 'pipelines'>): Omit<Member, 'since'> {
  return { id: randomUUID(), host: hostname(), pid: process.pid, version, pipelines: pipelines.map(({ name }) => name) };
}
