import type { PartitionId } from './events.ts';

/** An engine working on a database. */
export interface Member {
  /** Changes with each `open`. */
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  /** The Millrace version. */
  readonly version: string;
  /** The time at which it first reported itself alive, by the database's clock: milliseconds since 1970. */
  readonly since: number;
  /** The pipelines it declares, and so can work on. */
  readonly pipelines: readonly string[];
}

/** The owner of a partition. */
export interface Ownership {
  /** The holder of its lease; null if there is none. */
  readonly owner: string | null;
  /** The highest position in its log. Set only for the engine that holds the lease; otherwise 0. */
  readonly head: number;
}

/** Receives hints about what other engines on the database do. A hint may come late, twice or never. */
export interface StoreListener {
  /**
   * Reports that events were appended to a partition's log.
   *
   * @param head the position they reach, if the store knows it
   */
  appended(partition: PartitionId, head?: number): void;
  /** Reports that an engine came or left, or that leases are free. */
  rollChanged(): void;
}

/** The engines on a database, and what each works on. */
export interface Roll {
  /** The requesting engine. */
  readonly self: string;
  /** The live engines, including the requesting one, in order of arrival. */
  readonly members: readonly Member[];
  /** Milliseconds until the next of the other engines expires, unless it reports again; infinite if there are none. */
  readonly nextEndMs: number;
  /** The slices of each pipeline that the requesting engine declares. */
  readonly partitions: ReadonlyMap<string, readonly Ownership[]>;
  /** The paused ones among its pipelines. */
  readonly paused: ReadonlySet<string>;
  /** Unanswered commands to the owners of its partitions, in id order; possibly incomplete. */
  readonly commands?: readonly StoredCommand[] | undefined;
}

/** A command to the owner of a partition. */
export interface StoredCommand {
  readonly id: string;
  readonly partition: PartitionId;
  /** The command, as JSON. */
  readonly body: string;
}

/** The answer to a command. */
export interface CommandAnswer {
  /** The id of the command. */
  readonly id: string;
  /** The answer, as JSON. */
  readonly answer: string;
}

/**
 * Commands that engines sharing a database send to the owners of partitions. A command stays in the database until withdrawn, but no longer
 * than its sender waits. Whoever owns the partition meanwhile finds it on a beat, and answers it in a commit.
 */
export interface Commands {
  /** Stores a command for `forMs`, by the database's clock, and notifies the partition's owner, if there is one. */
  give(command: StoredCommand, forMs: number): Promise<void>;

  /** Returns the available answers to the given commands. */
  answers(ids: readonly string[]): Promise<readonly CommandAnswer[]>;

  /** Forgets commands, including those under way, and returns the available answers. */
  withdraw(ids: readonly string[]): Promise<readonly CommandAnswer[]>;
}
