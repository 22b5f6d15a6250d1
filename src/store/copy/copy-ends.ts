import type { EventAt } from '../store.ts';
import type { CopiedRow, CopyPart } from './copy-part.ts';

/* The two ends of a copy; each kind of store has its own. While an end is open no server works on its database. */

/** Receives the rows of a part, some at a time. Nothing more is read before it resolves. */
export type TakeRows = (rows: readonly CopiedRow[]) => Promise<void>;

/** A database whose rows are read. */
export interface CopyEnd {
  /** For messages. */
  readonly name: string;
  /** Slices per pipeline. */
  readonly slices: number;
  /** Returns the pipelines that have tables, declared or not. */
  pipelines(): Promise<readonly string[]>;
  /** Returns how a pipeline's keys are placed among the slices; undefined if there is one slice. */
  placementOf(pipeline: string): Promise<string | undefined>;
  /** Returns the tables that are not the engine's. */
  tables(): Promise<readonly string[]>;
  /** Counts the rows of a part; chosen ids count once each, unless their slices are kept. */
  count(part: CopyPart): Promise<number>;
  /**
   * Reads the rows of a part after the first `from`, in an order that is stable while nothing is written. The log comes settled events
   * first, each slice in order of positions.
   */
  read(part: CopyPart, from: number, take: TakeRows): Promise<void>;
  close(): Promise<void>;
}

/** The place of an event in a log. */
export interface EventPlace {
  readonly slice: number;
  readonly position: number;
}

export type PlacedEvent = EventPlace & EventAt;

/** The database to copy from. */
export interface CopySource extends CopyEnd {
  /** Returns a value that changes whenever an engine works on the database. */
  epochs(): Promise<string>;
  /** Reads events of a pipeline by their places, without their bodies; those that the log has deleted are missing. */
  eventsAt(pipeline: string, places: readonly EventPlace[]): Promise<readonly PlacedEvent[]>;
}

/** A target's record of a copy that has begun. */
export interface BegunCopy {
  /** Identifies the copied data. */
  readonly fingerprint: string;
  /** The number of rows copied, by the name of the source's part. */
  readonly done: ReadonlyMap<string, number>;
  /** Returns the highest position of each slice of a pipeline. */
  heads(pipeline: string): Promise<ReadonlyMap<number, number>>;
}

/** The database to copy into. No server starts on it between `begin` and `finish`. */
export interface CopyTarget extends CopyEnd {
  /** Returns the copy that has begun; undefined before. */
  begun(): Promise<BegunCopy | undefined>;
  begin(fingerprint: string): Promise<void>;
  /**
   * Writes rows together with the new row count of the source's part, atomically. Throws `MILL_CONFLICT` if another copy has written
   * meanwhile.
   */
  write(part: CopyPart, rows: readonly CopiedRow[], done: { readonly before: number; readonly after: number }): Promise<void>;
  /** Makes it a database like any other. */
  finish(): Promise<void>;
}
