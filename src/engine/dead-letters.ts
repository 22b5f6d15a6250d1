import { MillraceError } from '../errors.ts';
import { codeOf } from '../fault.ts';
import { markCutShort } from '../pipeline/cut-short.ts';
import { isFullList, sizeOfLetter, totalOf } from '../store/list-size.ts';
import type {
  AuditEntry,
  DeadLetter,
  DeadLetterFilter,
  DeadLetterGroup,
  DeadLetterGroupQuery,
  DeadLetterQuery,
  StoredOperation,
} from '../store/store.ts';
import { allEnded } from './all-ended.ts';
import type { Audit } from './audit.ts';
import type { GivenCommands } from './commands/given-commands.ts';
import type { DeclaredPipelines } from './declared-pipelines.ts';
import { discardEach, discardLetters } from './discard-letters.ts';
import type { EngineContext } from './engine-context.ts';
import type { EngineState } from './engine-state.ts';
import type { ByWhom, DiscardOptions, ResolvedLetters } from './mill-options.ts';
import { parkingLetter } from './parking-letter.ts';
import type { Partition } from './partition.ts';
import type { Partitions } from './partitions.ts';
import type { ReadOptions, Reads } from './reads.ts';

/** The dependencies for reading and resolving dead letters, provided by the engine. */
export interface DeadLettersMeans {
  readonly engine: EngineContext;
  readonly state: EngineState;
  readonly declared: DeclaredPipelines;
  readonly partitions: Partitions;
  readonly commands: GivenCommands;
  readonly reads: Reads;
  readonly audit: Audit;
}

const limitDefault = 100;

/** The dead letters of an engine: lists them, and has their partitions resolve them. */
export class DeadLetters {
  readonly #means: DeadLettersMeans;

  constructor(means: DeadLettersMeans) {
    this.#means = means;
  }

  /** Returns dead letters in the order of failure. */
  async list(query: Partial<DeadLetterQuery>, { charactersMax, ...reading }: ReadOptions): Promise<readonly DeadLetter[]> {
    const { engine, reads } = this.#means;
    const asked = { ...query, limit: query.limit ?? limitDefault };
    const letters = await reads.run(
      reading,
      (signal) => engine.store.deadLetters(asked, { signal, charactersMax }),
      (found) => totalOf(found, sizeOfLetter),
    );
    const isCut = charactersMax !== undefined && isFullList(letters, sizeOfLetter, { sizeMax: charactersMax });
    if (isCut) markCutShort(letters);
    return letters;
  }

  async redrive(id: string, by?: ByWhom): Promise<void> {
    await this.#redrive(await this.letter(id), by, 'redrive');
  }

  /** Retries the event that parked a key. Returns false if none has. */
  async redriveParking(pipeline: string, key: string, by?: ByWhom): Promise<boolean> {
    const { engine, state, declared } = this.#means;
    state.checkWorking();
    const { name } = declared.get(pipeline);
    const letter = await parkingLetter((query) => engine.store.deadLetters(query), { pipeline: name, key });
    if (letter === undefined) return false;
    await this.#redrive(letter, by, 'resume key');
    return true;
  }

  async discard(id: string, by?: ByWhom): Promise<void> {
    const { partitions, commands } = this.#means;
    const letter = await this.letter(id);
    const partition = partitions.at(letter.partition);
    const entry = this.#entry(letter, 'discard', by);
    await commands.order(partition, { do: 'discard', letter: id, entry }, async () => {
      await partition.discard(letter, { entry });
      return 1;
    });
  }

  /** Discards dead letters of a partition that this engine works on. Returns how many, not counting those resolved by others. */
  discardEach(partition: Partition, ids: readonly string[]): Promise<number> {
    return discardEach(ids, async (id) => partition.discard(await this.letter(id)));
  }

  /** Discards all dead letters that a pipeline, or one of its keys, has at the time of the call. Returns how many there were. */
  async discardAll(pipeline: string, { key, by }: DiscardOptions): Promise<number> {
    const { engine, state, declared, audit } = this.#means;
    state.checkWorking();
    const { name } = declared.get(pipeline);
    await audit.note(by, { action: 'discard dead letters', pipeline: name, key });
    const means = {
      query: (query: DeadLetterQuery) => engine.store.deadLetters(query),
      discard: (letters: readonly DeadLetter[]) => this.#discardSome(letters),
    };
    const deadLetters = await discardLetters(means, { pipeline: name, key, count: await this.#count(name) });
    engine.log.info({ pipeline: name, ...(key !== undefined && { key }), deadLetters }, 'discarded dead letters');
    return deadLetters;
  }

  /** Returns the number of matching dead letters. */
  async count(filter: DeadLetterFilter, reading: ReadOptions): Promise<number> {
    const { engine, reads } = this.#means;
    const { count } = await reads.run(
      reading,
      (signal) => engine.store.countDeadLetters(filter, { signal }),
      () => 0,
    );
    return count;
  }

  /** Groups them by kind, pipeline and the pattern of their reasons, largest groups first. */
  groups(query: DeadLetterGroupQuery, reading: ReadOptions): Promise<readonly DeadLetterGroup[]> {
    const { engine, reads } = this.#means;
    return reads.run(
      reading,
      (signal) => engine.store.deadLetterGroups(query, { signal }),
      () => 0,
    );
  }

  /** Redrives or discards the named letters one by one. */
  async resolveNamed(ids: readonly string[], action: 'redrive' | 'discard', by: ByWhom | undefined): Promise<ResolvedLetters> {
    const outcomes = await Promise.allSettled(
      Array.from(new Set(ids), (id) => (action === 'redrive' ? this.redrive(id, by) : this.discard(id, by))),
    );
    const codes = outcomes.map((outcome) => (outcome.status === 'rejected' ? codeOf(outcome.reason) : undefined));
    const failed = outcomes.find((outcome, at) => outcome.status === 'rejected' && !isAnswer(codes[at]));
    if (failed?.status === 'rejected') throw failed.reason;
    const matched = codes.filter((code) => code !== 'MILL_NOT_FOUND').length;
    return { matched, resolved: outcomes.filter(({ status }) => status === 'fulfilled').length };
  }

  /** Resolves letters for an operation, whichever engines work on their partitions. Returns how many cannot be resolved. */
  async resolveFor(letters: readonly DeadLetter[], operation: AskedFor): Promise<number> {
    const { partitions, commands } = this.#means;
    const byPartition = Map.groupBy(letters, (letter) => partitions.at(letter.partition));
    const refused = Array.from(byPartition, ([partition, own]) =>
      commands.order(partition, { do: 'resolveLetters', letters: own.map(({ id }) => id), operation }, () =>
        resolveEach(own, (letter) => resolveIn(partition, letter, operation)),
      ),
    );
    return (await allEnded(refused)).reduce((total, count) => total + count, 0);
  }

  /** Does the same for letters of a partition that this engine works on. */
  resolveHere(partition: Partition, ids: readonly string[], operation: AskedFor): Promise<number> {
    return resolveEach(ids, async (id) => resolveIn(partition, await this.letter(id), operation));
  }

  async #redrive(letter: DeadLetter, by: ByWhom | undefined, action: string): Promise<void> {
    const { partitions, commands } = this.#means;
    const partition = partitions.at(letter.partition);
    const entry = this.#entry(letter, action, by);
    await commands.order(partition, { do: 'redrive', letter: letter.id, entry }, async () => {
      await partition.redrive(letter, { entry });
      return 1;
    });
  }

  #entry({ id, key, partition: { pipeline } }: DeadLetter, action: string, by: ByWhom | undefined): AuditEntry | undefined {
    return this.#means.audit.entry(by, { action, pipeline, key, subject: id });
  }

  /** Counts a pipeline's letters. Asks the store if other engines work on it. */
  async #count(pipeline: string): Promise<number> {
    const { engine, declared, partitions } = this.#means;
    if (!partitions.of(pipeline).some(({ isAway }) => isAway)) return partitions.counters(pipeline).deadLetters;
    const stored = await engine.store.inventory({ uncounted: Array.from(declared.all.keys()), named: [] });
    return stored.find((one) => one.pipeline === pipeline)?.deadLetters ?? 0;
  }

  async #discardSome(letters: readonly DeadLetter[]): Promise<number> {
    const { partitions, commands } = this.#means;
    const byPartition = Map.groupBy(letters, (letter) => partitions.at(letter.partition));
    const counts = Array.from(byPartition, ([partition, own]) =>
      commands.order(partition, { do: 'discardLetters', letters: own.map(({ id }) => id) }, () =>
        discardEach(own, (letter) => partition.discard(letter)),
      ),
    );
    return (await allEnded(counts)).reduce((total, count) => total + count, 0);
  }

  /** Returns a dead letter of a declared pipeline. Throws `MILL_NOT_FOUND`, `MILL_CONFLICT`. */
  async letter(id: string): Promise<DeadLetter> {
    const { state, declared } = this.#means;
    state.checkWorking();
    const [letter] = await this.list({ id, limit: 1 }, {});
    if (letter === undefined) throw new MillraceError('MILL_NOT_FOUND', `expected the id of a dead letter, found ${id}`);
    const { pipeline } = letter.partition;
    if (declared.all.has(pipeline)) return letter;
    throw new MillraceError(
      'MILL_CONFLICT',
      `dead letter ${id}: its pipeline, ${pipeline}, is not declared. ` +
        `Declare ${pipeline} again, or delete its stored data with: millrace store delete ${pipeline}`,
    );
  }
}

/** The operation that resolves the letters. */
type AskedFor = Pick<StoredOperation, 'id' | 'action'>;

function resolveIn(partition: Partition, letter: DeadLetter, { id, action }: AskedFor): Promise<void> {
  return action === 'redrive' ? partition.redrive(letter, { operation: id }) : partition.discard(letter, { operation: id });
}

/**
 * Resolves each letter; returns how many cannot be resolved, not counting those that others have resolved. Throws if anything else went
 * wrong.
 */
async function resolveEach<T>(letters: readonly T[], resolve: (letter: T) => Promise<void>): Promise<number> {
  const outcomes = await Promise.allSettled(letters.map(resolve));
  const codes = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [codeOf(outcome.reason)] : []));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected' && !isAnswer(codeOf(outcome.reason)));
  if (failed?.status === 'rejected') throw failed.reason;
  return codes.filter((code) => code === 'MILL_CONFLICT').length;
}

/** Returns whether a code tells the fate of a letter. */
function isAnswer(code: unknown): boolean {
  return code === 'MILL_NOT_FOUND' || code === 'MILL_CONFLICT';
}
