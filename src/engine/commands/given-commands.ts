import { MillraceError } from '../../errors.ts';
import { codeOf } from '../../fault.ts';
import type { CommandAnswer, Commands, PartitionId } from '../../store/store.ts';
import type { Clock } from '../clock.ts';
import type { EngineContext } from '../engine-context.ts';
import type { Partition } from '../partition.ts';
import { type Command, countIn } from './command.ts';

/** The shortest and longest pause between checks for answers, in milliseconds. */
const pausesMs = { least: 20, most: 250 };

/** The dependencies for giving commands. */
export type GivenCommandsMeans = Pick<EngineContext, 'clock' | 'limits' | 'newId'> & {
  readonly store: { readonly commands?: Commands | undefined };
};

/** Called with the answer, or with undefined if there is none in time. */
type Waiting = (answer: string | undefined) => void;

/**
 * Sends commands to the owner of a partition. If that is another engine, the command goes through the store, where it waits for the next
 * owner if this one dies. After the deadline the command is withdrawn, so that nothing is done long after anybody wanted it.
 */
export class GivenCommands {
  readonly #means: GivenCommandsMeans;
  readonly #waiting = new Map<string, Waiting>();
  #pauseMs = pausesMs.least;
  #callOff: (() => void) | undefined;
  #isLooking = false;
  #isClosed = false;
  /** The reason the last check for answers failed. */
  #failure: unknown;

  constructor(means: GivenCommandsMeans) {
    this.#means = means;
  }

  /**
   * Returns how many things the command affected. Throws what the owner throws, and `MILL_STORE_LEASED` if another owner has not answered
   * in time.
   *
   * @param here carries the command out if this engine is the owner; otherwise throws `MILL_STORE_LEASED` and does nothing
   */
  async order(partition: Partition, command: Command, here: () => Promise<number>): Promise<number> {
    const { commands } = this.#means.store;
    if (commands === undefined || !partition.isAway) {
      try {
        return await here();
      } catch (error) {
        if (commands === undefined || codeOf(error) !== 'MILL_STORE_LEASED') throw error;
      }
    }
    return this.#give(commands, partition.id, command);
  }

  /** Ends all waits. */
  close(): void {
    this.#isClosed = true;
    this.#callOff?.();
    for (const answer of this.#waiting.values()) answer(undefined);
  }

  async #give(commands: Commands, partition: PartitionId, command: Command): Promise<number> {
    const { newId, limits } = this.#means;
    const id = newId();
    await commands.give({ id, partition, body: JSON.stringify(command) }, limits.commandTimeoutMs);
    const answer = (await this.#answer(commands, id)) ?? (await this.#withdraw(commands, id));
    if (answer !== undefined) return countIn(answer);
    if (this.#isClosed) throw new MillraceError('MILL_STOPPING', 'the engine is stopping');
    const { pipeline, slice } = partition;
    const message = `partition ${pipeline}/${slice}: the engine that works on it has not answered within ${limits.commandTimeoutMs / 1_000} s`;
    const cause = this.#failure;
    throw new MillraceError('MILL_STORE_LEASED', `${message}. It may still have done this.`, cause === undefined ? {} : { cause });
  }

  #answer(commands: Commands, id: string): Promise<string | undefined> {
    const { clock, limits } = this.#means;
    return new Promise((resolve) => {
      const answered = (answer: string | undefined) => {
        disarm();
        this.#waiting.delete(id);
        resolve(answer);
      };
      const disarm = clock.after(limits.commandTimeoutMs, () => answered(undefined));
      this.#waiting.set(id, answered);
      if (this.#isClosed) answered(undefined);
      this.#pauseMs = pausesMs.least;
      this.#lookLater(commands, clock);
    });
  }

  #lookLater(commands: Commands, clock: Pick<Clock, 'after'>): void {
    this.#callOff?.();
    if (this.#isLooking || this.#isClosed || this.#waiting.size === 0) return;
    this.#callOff = clock.after(this.#pauseMs, () => void this.#look(commands));
    this.#pauseMs = Math.min(2 * this.#pauseMs, pausesMs.most);
  }

  async #look(commands: Commands): Promise<void> {
    this.#isLooking = true;
    try {
      const found = await commands.answers(Array.from(this.#waiting.keys()));
      this.#failure = undefined;
      for (const { id, answer } of found) this.#waiting.get(id)?.(answer);
      if (found.length > 0) await commands.withdraw(found.map(({ id }) => id));
    } catch (error) {
      // The store may recover before the deadline. Callers still waiting then get this as the cause.
      this.#failure = error;
    }
    this.#isLooking = false;
    this.#lookLater(commands, this.#means.clock);
  }

  /** Voids the command. Returns the answer if one has arrived meanwhile. */
  async #withdraw(commands: Commands, id: string): Promise<string | undefined> {
    let found: readonly CommandAnswer[];
    try {
      found = await commands.withdraw([id]);
    } catch (error) {
      // The command has expired: no owner will begin it.
      this.#failure ??= error;
      return undefined;
    }
    return found[0]?.answer;
  }
}
