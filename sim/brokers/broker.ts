import type { InletRecord } from '../../src/pipeline/inlet.ts';

/** The supported kinds of broker. */
export const brokerKinds = ['kafka', 'nats'] as const;
export type BrokerKind = (typeof brokerKinds)[number];

/** An event of the trial: the n-th of its key, counted from 1. */
export interface Step {
  readonly key: string;
  readonly n: number;
  /** The partition that its key belongs to. */
  readonly partition: number;
}

export interface BrokerOptions {
  readonly nodes: number;
  readonly partitions: number;
}

/** A broker private to the trial, with one topic for steps and one for deliveries. */
export interface Broker {
  /** Number of servers, each of which can be killed. */
  readonly nodes: number;
  /** Environment variables that point the pipelines to it. */
  readonly environment: Readonly<Record<string, string>>;
  /** Name of the step topic in the store. */
  readonly source: string;
  /** Writes steps, each of a different key. Rejects if it is unknown which were written. */
  write(steps: readonly Step[]): Promise<void>;
  /** Ends one of its servers like a crash. */
  kill(node: number): Promise<void>;
  /** Restarts that server. Resolves when it answers. */
  run(node: number): Promise<void>;
  /** Returns the offset after the last step of each partition. */
  ends(): Promise<ReadonlyMap<number, number>>;
  /** Reads the records of the step topic, in order within each partition. */
  steps(): AsyncIterable<InletRecord>;
  /** Reads the delivered records, in order within each partition. */
  delivered(): AsyncIterable<InletRecord>;
  stop(): Promise<void>;
}
