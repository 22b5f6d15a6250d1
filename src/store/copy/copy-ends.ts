import type { CopiedRow, CopyPart } from './copy-part.ts';

/*
 * The two ends of a copy, which each kind of store has of its own. While an end is open no server works on its database.
 */

/** Hears the rows of a part, some at a time. Nothing more is read before it resolves. */
export type TakeRows = (rows: readonly CopiedRow[]) => Promise<void>;

/** A database whose rows are read. */
export interface CopyEnd {
  /** For messages. */
  readonly name: string;
  /** Slices per pipeline. */
  readonly slices: number;
  /** The pipelines of which there are tables, declared or not. */
  pipelines(): Promise<readonly string[]>;
  /** Where the keys of a pipeline are among the slices; undefined where there is one slice. */
  placementOf(pipeline: string): Promise<string | undefined>;
  /** The tables that are none of the engine's. */
  tables(): Promise<readonly string[]>;
  /** Rows of a part; of chosen ids, unless their slices are kept, each once. */
  count(part: CopyPart): Promise<number>;
  /**
   * Reads the rows of a part behind the first `from`, in an order that stays while nothing is written. The log comes settled events first,
   * each slice in the order of its positions.
   */
  read(part: CopyPart, from: number, take: TakeRows): Promise<void>;
  close(): Promise<void>;
}

/** The database that is copied. */
export interface CopySource extends CopyEnd {
  /** Changes whenever an engine works on the database. */
  epochs(): Promise<string>;
}

/** What a target knows of a copy that has begun. */
export interface BegunCopy {
  /** Of what it is a copy. */
  readonly fingerprint: string;
  /** How many rows of each part of the source are there, by the name of the part. */
  readonly done: ReadonlyMap<string, number>;
  /** The highest position of each slice, by pipeline. */
  heads(pipeline: string): Promise<ReadonlyMap<number, number>>;
}

/** The database that is copied into. No server starts on it between `begin` and `finish`. */
export interface CopyTarget extends CopyEnd {
  /** The copy that has begun; undefined before. */
  begun(): Promise<BegunCopy | undefined>;
  begin(fingerprint: string): Promise<void>;
  /**
   * Writes rows, and how many of the source are there with them, at once. Throws `MILL_CONFLICT` where another copy has written meanwhile.
   */
  write(part: CopyPart, rows: readonly CopiedRow[], done: { readonly before: number; readonly after: number }): Promise<void>;
  /** From here on it is a database like any other. */
  finish(): Promise<void>;
}
