import { type ErrorCode, MillraceError, messageOf } from '../errors.ts';
import { faultFields, faultOf } from '../fault.ts';
import type { PartitionId } from '../store/store.ts';
import type { FailuresInCommon } from './failures-in-common.ts';
import type { Logger } from './logger.ts';

/** What neither a user nor an operator brings about. */
const impossible: ReadonlySet<ErrorCode> = new Set(['MILL_INTERNAL', 'MILL_STORE_CORRUPT']);
/** These stay for a while, and one line tells of them, however often the store is tried. */
const lastingCodes: ReadonlySet<ErrorCode> = new Set(['MILL_STORE_BUSY', 'MILL_STORE_FULL', 'MILL_STORE_LEASED']);
/** All partitions may meet these at once. */
const ofAll: ReadonlySet<ErrorCode> = new Set(['MILL_STORE_BUSY', 'MILL_STORE_FENCED', 'MILL_STORE_FULL', 'MILL_STORE_UNAVAILABLE']);
/** When a caller may try again, while the store has no room. */
const fullRetryAfterMs = 5_000;

/** What a hindrance works with; the engine provides it. */
export interface HindranceMeans {
  readonly log: Logger;
  readonly failuresInCommon: FailuresInCommon;
}

/** What keeps a partition from its work, as the last failure says: for health, for the door, and in the log. */
export class Hindrance {
  readonly #partition: PartitionId;
  readonly #log: Logger;
  readonly #inCommon: FailuresInCommon;
  #trouble: string | undefined;
  #refusal: MillraceError | undefined;

  constructor(partition: PartitionId, { log, failuresInCommon }: HindranceMeans) {
    this.#partition = partition;
    this.#log = log;
    this.#inCommon = failuresInCommon;
  }

  /** What keeps the partition from making progress; undefined while all is well. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** Why nothing is taken in or decided: the store has no room. Undefined while all is well, or something else is wrong. */
  get refusal(): MillraceError | undefined {
    return this.#refusal;
  }

  note({ code, message }: MillraceError): void {
    this.#trouble = message;
    this.#refusal = code === 'MILL_STORE_FULL' ? new MillraceError(code, message, { retryAfterMs: fullRetryAfterMs }) : undefined;
  }

  /** Another engine works on the partition, which is no trouble. */
  left(): void {
    this.#trouble = undefined;
    this.#refusal = undefined;
  }

  /** The store has room. */
  claimed(): void {
    this.#refusal = undefined;
  }

  /** The store does its work. */
  progressed(): void {
    this.#trouble = undefined;
  }

  /** @param lastCode of the failure before, in a row */
  logStartingOver(failure: MillraceError, lastCode: ErrorCode | undefined): void {
    const { code } = failure;
    if (code === lastCode && lastingCodes.has(code)) return;
    if (code === 'MILL_STORE_LEASED') this.#log.debug(this.#fieldsOf(failure), 'another engine works on the partition');
    else if (ofAll.has(code) && !this.#inCommon.isNews(failure)) this.#log.debug(this.#fieldsOf(failure), 'starting over');
    else this.#log.warn(this.#fieldsOf(failure), 'starting over');
  }

  /** Whoever learns of the end says why in one line, which has no room for the place. */
  logTheEnd(failure: MillraceError): void {
    if (impossible.has(failure.code)) this.#log.error(this.#fieldsOf(failure), 'what may never happen has happened: the engine ends');
  }

  logNotReleased(error: unknown): void {
    this.#log.info(this.#fieldsOf(asFailure(error)), 'the lease was not released');
  }

  /** The log fields of a failure; only an unexpected one has a stack. */
  #fieldsOf(failure: MillraceError): object {
    const { pipeline, slice } = this.#partition;
    const { reason, stack } = faultOf(failure);
    const { code } = failure;
    return { pipeline, slice, code, ...faultFields({ reason, stack: code === 'MILL_INTERNAL' ? stack : null }) };
  }
}

/** What was thrown, as a failure of the table. */
export function asFailure(error: unknown): MillraceError {
  return error instanceof MillraceError ? error : new MillraceError('MILL_INTERNAL', messageOf(error), { cause: error });
}
