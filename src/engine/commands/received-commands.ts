import { MillraceError } from '../../errors.ts';
import { faultFields, faultOf } from '../../fault.ts';
import type { StoredCommand } from '../../store/store.ts';
import type { DeadLetters } from '../dead-letters.ts';
import type { EngineContext } from '../engine-context.ts';
import type { Operations } from '../operations.ts';
import type { Partition } from '../partition.ts';
import type { Partitions } from '../partitions.ts';
import { type Command, type Outcome, outcomeText } from './command.ts';

/** The dependencies for carrying out commands. */
export interface ReceivedCommandsMeans {
  readonly engine: EngineContext;
  readonly partitions: Partitions;
  readonly deadLetters: DeadLetters;
  readonly operations: Operations;
}

/**
 * Carries out commands from other engines for partitions that this engine owns. A decision about a dead letter or a delivery commits
 * together with its answer. For other commands the answer follows; if it is lost, the command runs again, which affects only what arrived
 * since.
 *
 * A command that cannot run now, because the store fails or the partition is being handed over, stays unanswered: the next beat brings it
 * here again, or to the next owner.
 */
export class ReceivedCommands {
  readonly #means: ReceivedCommandsMeans;
  readonly #underWay = new Set<string>();
  /** Answered commands, and when they were answered, in elapsed time. */
  readonly #answered = new Map<string, number>();

  constructor(means: ReceivedCommandsMeans) {
    this.#means = means;
  }

  /**
   * Receives commands from the store.
   *
   * @param askedAt when the store was asked, in elapsed time
   */
  received(commands: readonly StoredCommand[], askedAt: number): void {
    for (const [id, at] of this.#answered) if (at < askedAt) this.#answered.delete(id);
    for (const command of commands) {
      if (!this.#underWay.has(command.id) && !this.#answered.has(command.id)) void this.#carryOut(command);
    }
  }

  async #carryOut({ id, partition: at, body }: StoredCommand): Promise<void> {
    const { engine, partitions } = this.#means;
    const partition = partitions.at(at);
    this.#underWay.add(id);
    try {
      const outcome = await this.#outcome(partition, JSON.parse(body), id);
      if (outcome !== 'committed') await partition.answer({ id, answer: outcomeText(outcome) });
      this.#answered.set(id, engine.clock.elapsedMs());
    } catch (error) {
      engine.log.debug({ ...at, command: body, ...faultFields(faultOf(error)) }, "another engine's command cannot be carried out now");
    }
    this.#underWay.delete(id);
  }

  /** Throws for failures that may pass. */
  async #outcome(partition: Partition, command: Command, id: string): Promise<Outcome | 'committed'> {
    try {
      return await this.#do(partition, command, id);
    } catch (error) {
      if (error instanceof MillraceError && error.retryable) throw error;
      const { code } = error instanceof MillraceError ? error : { code: 'MILL_INTERNAL' };
      return { code, message: faultOf(error).reason };
    }
  }

  async #do(partition: Partition, command: Command, id: string): Promise<Outcome | 'committed'> {
    const { deadLetters, operations } = this.#means;
    const answer = { id, answer: outcomeText({ count: 1 }) };
    switch (command.do) {
      case 'redrive':
        await partition.redrive(await deadLetters.letter(command.letter), { answer, entry: command.entry });
        return 'committed';
      case 'discard':
        await partition.discard(await deadLetters.letter(command.letter), { answer, entry: command.entry });
        return 'committed';
      case 'discardLetters':
        return { count: await deadLetters.discardEach(partition, command.letters) };
      case 'actOnKey':
        await partition.actOnKey(command.act, command.key, { answer, entry: command.entry });
        return 'committed';
      case 'resolveLetters':
        return { count: await deadLetters.resolveHere(partition, command.letters, command.operation) };
      case 'discardEvents':
        return { count: await operations.discardEventsOf(partition, command.key ?? undefined) };
      case 'withdraw':
        return { count: await partition.withdraw(command.endpoint) };
      case 'sendDelivery':
        await partition.sendNow(command.delivery, { answer, entry: command.entry });
        return 'committed';
      case 'withdrawDelivery':
        await partition.withdrawOne(command.delivery, command.reason, { answer, entry: command.entry });
        return 'committed';
      default:
        return unknownCommand(command);
    }
  }
}

/** Sent by an engine of a later release. */
function unknownCommand(command: never): Outcome {
  const { do: what } = command as { readonly do: string };
  return { code: 'MILL_STORE_LEASED', message: `the engine that works on the partition is an older release, and cannot ${what}` };
}
