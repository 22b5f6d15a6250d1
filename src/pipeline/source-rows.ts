/** Answers those of the origins that are not done with: an event of them waits or is under way, or there is a dead letter. */
export type PendingOrigins = (origins: readonly string[]) => Promise<ReadonlySet<string>>;

/** A row whose turn has come. */
interface ReadRow {
  /** The row as JSON, always written alike: what its event and its dead letters are known by. */
  readonly origin: string;
  /** The primary key as text. */
  readonly key: string;
}

/** A row of which no event can be made, and why. */
export interface FaultyRow extends ReadRow {
  readonly fault: string;
  /** The stack of what making it an event threw, as text; null where nothing was thrown. */
  readonly stack: string | null;
}

/** A row and the event that it is, or why it is none. */
export type SourceRow = (ReadRow & { readonly event: unknown }) | FaultyRow;

/**
 * Rows that a source takes its events from. The engine asks for them one by one, leaves out those that are pending, and makes
 * dead letters of faulty ones. To anyone else it is the events of all the rows, and throws at the first faulty one.
 */
export class SourceRows<Input> implements AsyncIterable<Input> {
  /** Reads the rows that are not pending, each when it is asked for, most urgent first. */
  readonly take: (pending: PendingOrigins) => AsyncGenerator<SourceRow>;

  constructor(take: (pending: PendingOrigins) => AsyncGenerator<SourceRow>) {
    this.take = take;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Input> {
    for await (const row of this.take(async () => new Set())) {
      if ('fault' in row) throw new Error(row.fault);
      // The source's own function made it, and is declared to make inputs.
      yield row.event as Input;
    }
  }
}
