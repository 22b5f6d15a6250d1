import { describeFound } from '../describe-found.ts';
import { MillraceError } from '../errors.ts';
import type { TenureContext } from './engine-context.ts';
import type { Lane } from './lane.ts';
import type { Lanes } from './lanes.ts';
import type { Witness } from './resolver.ts';

/** Carries out an operator's orders about one key: parks it, resumes it, or makes it skip the numbers it waits for. */
export class KeyActs {
  readonly #context: TenureContext;
  readonly #lanes: Lanes;

  constructor(context: TenureContext, lanes: Lanes) {
    this.#context = context;
    this.#lanes = lanes;
  }

  /** Starts no further turn of the key, and holds its events. A turn under way ends first. Resolves when that is on disk. */
  async park(key: string, witness: Witness): Promise<void> {
    const lane = await this.#lane(key);
    if (lane.status === 'parked') throw this.#conflict(key, 'the key is already parked');
    if (lane.status === 'throttled')
      throw this.#conflict(key, 'the key cannot be parked while its next turn waits for room in a pipeline that it sends to');
    if (lane.isParkWanted) throw this.#conflict(key, 'the key is already being parked');
    const drafted = Promise.withResolvers<void>();
    this.#lanes.park(lane, () => {
      this.#note(witness);
      drafted.resolve();
    });
    await Promise.race([drafted.promise, this.#lanes.whenClosed]);
    await this.#committed();
  }

  /** Resumes a key that was parked by hand. Resolves when that is on disk. */
  async resume(key: string, witness: Witness): Promise<void> {
    const lane = await this.#lane(key);
    if (lane.status !== 'parked') throw this.#conflict(key, 'the key is not parked');
    const draft = this.#context.draft();
    lane.unpark();
    draft.parkedByHand -= 1;
    draft.change(lane);
    this.#note(witness);
    this.#lanes.wake(key);
    this.#context.drafted();
    await this.#committed();
  }

  /** Gives up the numbers that the key waits for. Resolves when that is on disk; its dead letter and the audit say which. */
  async skipGap(key: string, witness: Witness): Promise<void> {
    const lane = await this.#lane(key);
    if (!lane.hasGap)
      throw this.#conflict(key, lane.status === 'parked' ? 'the key is parked; resume it first' : 'the key does not wait for a number');
    let isSkipped = false;
    await this.#lanes.skipGap(lane, ({ from, to }) => {
      isSkipped = true;
      const { entry } = witness;
      this.#note({ ...witness, entry: entry && { ...entry, subject: from === to ? `${from}` : `${from}-${to}` } });
    });
    if (!isSkipped && !this.#lanes.isClosed)
      throw this.#conflict(key, 'nothing was skipped: the number has arrived, or the pipeline is paused');
    await this.#committed();
  }

  async #lane(key: string): Promise<Lane> {
    if (this.#context.pipeline.declaration.key === undefined) throw this.#conflict(key, 'the pipeline has no keys: each event is its own');
    await this.#lanes.warm([key]);
    const lane = this.#lanes.peek(key);
    if (lane === undefined || this.#lanes.isClosed) throw recovering();
    return lane;
  }

  async #committed(): Promise<void> {
    if (this.#lanes.isClosed) throw recovering();
    await this.#context.committed();
    if (this.#lanes.isClosed) throw recovering();
  }

  /** Adds the audit entry and the answer to the draft with the change. */
  #note({ answer, entry }: Witness): void {
    const draft = this.#context.draft();
    if (answer !== undefined) draft.answer(answer);
    if (entry !== undefined) draft.note(entry);
  }

  #conflict(key: string, why: string): MillraceError {
    const { name } = this.#context.pipeline.declaration;
    return new MillraceError('MILL_CONFLICT', `pipeline ${name}, key ${describeFound(key)}: ${why}`);
  }
}

function recovering(): MillraceError {
  return new MillraceError('MILL_STORE_UNAVAILABLE', 'the partition is being recovered');
}
