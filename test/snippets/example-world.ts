import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Transaction } from 'kysely';
import type { Client } from 'pg';
import type { Logger } from 'pino';
import type * as z from 'zod';
import type { AnyPipeline, InboxTable, Inlet, Mill, Pipeline, Store, Table } from '../../src/index.ts';
import type { System } from '../../src/server/index.ts';

/*
 * Declares the things that examples in doc comments use without declaring them. None of it runs: the examples are only compiled.
 */

export declare const mill: Mill;
export declare const client: Client;
export declare const transaction: Transaction<{ millrace_inbox: InboxTable }>;
export declare const app: FastifyInstance;
export declare const log: Logger;
export declare const web: System;
export declare const request: FastifyRequest;
export declare const id: string;
export declare const secret: string;
export declare const message: { readonly channel: string };
export declare const rockets: Pipeline<'rockets', { readonly channel: string }, { readonly channel: string }, { readonly speed: number }>;
export declare const orders: Pipeline<'orders', { readonly id: string }, { readonly id: string }, { readonly status: string }>;
export declare const accounts: Table<'accounts', { readonly id: 'text'; readonly tokens: 'integer' }, true>;
export declare const mails: Table<
  'mails',
  { readonly id: 'text'; readonly address: 'text'; readonly status: 'text'; readonly created_at: 'text' },
  true
>;
export declare const Message: z.ZodObject<{ channel: z.ZodString }>;
export declare const Order: z.ZodObject<{ id: z.ZodString; paidAt: z.ZodString }>;
export declare const RocketQuery: z.ZodObject<{ sort: z.ZodString; limit: z.ZodNumber }>;
export declare function mailPipeline(workers: number): AnyPipeline;
export declare function weatherAt(place: unknown): Promise<string>;
export declare function myStore(path: string): Store;
export declare function myInlet(options: { readonly topic: string }): Inlet;
export declare const broker: {
  createTopic(partitions: number): Promise<{
    readonly name: string;
    write(partition: number, records: readonly unknown[]): Promise<void>;
    delete(): Promise<void>;
  }>;
};
