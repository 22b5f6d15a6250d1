import type { Item, Listing, ServerCalls } from './server-calls.ts';

/** The parameters of a list; undefined ones are left out. */
export type ListQuery = Readonly<Record<string, string | number | undefined>> & { readonly limit: number };

/** A command's request to resolve dead letters: those with these ids, or all that a filter matches. */
export interface Asked {
  readonly ids?: readonly string[];
  readonly filter?: Readonly<Record<string, string | undefined>>;
  readonly startAfterMs?: number;
  readonly dryRun?: boolean;
  readonly reason?: string;
}

/** The target of a command: a server, or a file without one. Its answers are those of the operator's routes. */
export interface Desk {
  keys(pipeline: string, query: ListQuery): Promise<readonly Item[]>;
  key(pipeline: string, key: string): Promise<Item>;
  deadLetters(query: ListQuery): Promise<readonly Item[]>;
  deadLetter(id: string): Promise<Item>;
  deadLetterGroups(query: ListQuery): Promise<Listing>;
  resolve(verb: 'redrive' | 'discard', asked: Asked): Promise<Item>;
  setPaused(pipeline: string, act: 'pause' | 'resume', reason: string | undefined): Promise<Item>;
}

/** A server's routes. */
export class ServerDesk implements Desk {
  readonly #calls: ServerCalls;

  constructor(calls: ServerCalls) {
    this.#calls = calls;
  }

  keys(pipeline: string, query: ListQuery): Promise<readonly Item[]> {
    return this.#calls.list(`${pathOf(pipeline)}/keys`, query);
  }

  key(pipeline: string, key: string): Promise<Item> {
    return this.#calls.get(`${pathOf(pipeline)}/keys/${encodeURIComponent(key)}`);
  }

  deadLetters(query: ListQuery): Promise<readonly Item[]> {
    return this.#calls.list('/dead-letters', query);
  }

  deadLetter(id: string): Promise<Item> {
    return this.#calls.get(`/dead-letters/${encodeURIComponent(id)}`);
  }

  deadLetterGroups(query: ListQuery): Promise<Listing> {
    return this.#calls.listing('/dead-letters/groups', query);
  }

  resolve(verb: 'redrive' | 'discard', asked: Asked): Promise<Item> {
    return this.#calls.post(`/dead-letters/${verb}`, { ...asked });
  }

  setPaused(pipeline: string, act: 'pause' | 'resume', reason: string | undefined): Promise<Item> {
    return this.#calls.post(`${pathOf(pipeline)}/${act}`, reason === undefined ? {} : { reason });
  }
}

function pathOf(pipeline: string): string {
  return `/pipelines/${encodeURIComponent(pipeline)}`;
}
