import type { PartitionId } from './events.ts';

/** An engine at work on a database. */
export interface Member {
  /** Another one with each `open`. */
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  /** Of Millrace. */
  readonly version: string;
  /** When it first said that it lives, by the database's clock: milliseconds since 1970. */
  readonly since: number;
  /** Those that it declares, and so can work on. */
  readonly pipelines: readonly string[];
}

/** Who works on a partition. */
export interface Ownership {
  /** Who has its lease; null when nobody has. */
  readonly owner: string | null;
  /** The highest position in its log. Only where the engine that asks has the lease; otherwise 0. */
  readonly head: number;
}

/** Hears of what other engines on a database do: a hint, which may come late, twice or never. */
export interface StoreListener {
  /**
   * Events have come into the log of a partition.
   *
   * @param head up to which position, where the store knows it
   */
  appended(partition: PartitionId, head?: number): void;
  /** An engine came or left, or leases are free. */
  rollChanged(): void;
}

/** Who works on a database, and on what. */
export interface Roll {
  /** The engine that asks. */
  readonly self: string;
  /** Those that live, the one that asks among them, in the order in which they came. */
  readonly members: readonly Member[];
  /** In how many milliseconds the next of the others lives no longer, unless it says again that it does; infinite where there is none. */
  readonly nextEndMs: number;
  /** The slices of each pipeline that the engine that asks declares. */
  readonly partitions: ReadonlyMap<string, readonly Ownership[]>;
  /** Those of its pipelines that are paused. */
  readonly paused: ReadonlySet<string>;
  /** What the owners of its partitions have been told to do and have not answered, in the order of their ids; perhaps not all of it. */
  readonly commands?: readonly StoredCommand[] | undefined;
}

/** Something that the owner of a partition is told to do. */
export interface StoredCommand {
  readonly id: string;
  readonly partition: PartitionId;
  /** What it is, as JSON. */
  readonly body: string;
}

/** What came of a command. */
export interface CommandAnswer {
  /** Of the command. */
  readonly id: string;
  /** What came of it, as JSON. */
  readonly answer: string;
}

/**
 * What engines have the owners of partitions do, where they share a database. A command lies in the database until it is withdrawn, and for no
 * longer than its giver waits: whoever owns the partition meanwhile finds it with a beat, and answers it by a commit.
 */
export interface Commands {
  /** Keeps a command for so long, by the database's clock, and tells the owner of the partition, if there is one. */
  give(command: StoredCommand, forMs: number): Promise<void>;

  /** The answers that there are to some of these commands. */
  answers(ids: readonly string[]): Promise<readonly CommandAnswer[]>;

  /** Forgets commands, those that are under way among them; returns the answers that there were. */
  withdraw(ids: readonly string[]): Promise<readonly CommandAnswer[]>;
}
