/** Returns those of the origins that are still unfinished: their event waits or is under way, or they have a dead letter. */
export type PendingOrigins = (origins: readonly string[]) => Promise<ReadonlySet<string>>;

/** A row whose turn has come. */
interface ReadRow {
  /** The row as canonical JSON, which identifies its event and its dead letters. */
  readonly origin: string;
  /** The primary key as text. */
  readonly key: string;
}

/** A row that yields no event, and the reason. */
export interface FaultyRow extends ReadRow {
  readonly fault: string;
  /** The stack thrown while making it an event, as text; null when nothing was thrown. */
  readonly stack: string | null;
}

/** A row with its event, or the reason it has none. */
export type SourceRow = (ReadRow & { readonly event: unknown }) | FaultyRow;

/**
 * The rows that feed a source. The engine asks for them one by one, skips those that are pending, and turns faulty ones into dead letters.
 * Anyone else can iterate over the events of all the rows; iteration throws at the first faulty one.
 */
export class SourceRows<Input> implements AsyncIterable<Input> {
  /** Reads the rows that are not pending, most urgent first, each only when requested. */
  readonly take: (pending: PendingOrigins) => AsyncGenerator<SourceRow>;

  constructor(take: (pending: PendingOrigins) => AsyncGenerator<SourceRow>) {
    this.take = take;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Input> {
    for await (const row of this.take(async () => new Set())) {
      if ('fault' in row) throw new Error(row.fault);
      // The source's own function made it, and is declared to return inputs.
      yield row.event as Input;
    }
  }
}
