import type { InletRecord } from '../../src/pipeline/inlet.ts';

/** The supported kinds of broker. */
export const brokerKinds = ['kafka', 'nats'] as const;
export type BrokerKind = (typeof brokerKinds)[number];

/** An event of the trial: the n-th of its key, from 1. */
export interface Step {
  readonly key: string;
  readonly n: number;
  /** Which of the partitions its key belongs to. */
  readonly partition: number;
}

export interface BrokerOptions {
  readonly nodes: number;
  readonly partitions: number;
}

/** A broker of the trial's own, with a topic that steps are written to, and one that deliveries go to. */
export interface Broker {
  /** By how many servers it is made up, each of which can be killed. */
  readonly nodes: number;
  /** Environment variables that tell the pipelines about it. */
  readonly environment: Readonly<Record<string, string>>;
  /** Names the topic of steps in the store. */
  readonly source: string;
  /** Writes steps, each of another key. Rejects where nobody knows which were written. */
  write(steps: readonly Step[]): Promise<void>;
  /** Ends one of its servers as a crash would. */
  kill(node: number): Promise<void>;
  /** Starts it again. Resolves when it answers. */
  run(node: number): Promise<void>;
  /** The offset behind the last step of each partition. */
  ends(): Promise<ReadonlyMap<number, number>>;
  /** Returns the delivered records, each partition in its order. */
  delivered(): Promise<readonly (readonly InletRecord[])[]>;
  stop(): Promise<void>;
}
