import { type ErrorCode, MillraceError, messageOf } from '../errors.ts';
import { faultFields, faultOf } from '../fault.ts';
import type { PartitionId } from '../store/store.ts';
import type { FailuresInCommon } from './failures-in-common.ts';
import type { Logger } from './logger.ts';

/** Errors that neither a user nor an operator can cause. */
const impossible: ReadonlySet<ErrorCode> = new Set(['MILL_INTERNAL', 'MILL_STORE_CORRUPT']);
/** These last for a while and get one log line, however often the store is retried. */
const lastingCodes: ReadonlySet<ErrorCode> = new Set(['MILL_STORE_BUSY', 'MILL_STORE_FULL', 'MILL_STORE_LEASED']);
/** All partitions may meet these at once. */
const ofAll: ReadonlySet<ErrorCode> = new Set(['MILL_STORE_BUSY', 'MILL_STORE_FENCED', 'MILL_STORE_FULL', 'MILL_STORE_UNAVAILABLE']);
/** The wait before a retry while the store has no room. */
const fullRetryAfterMs = 5_000;

/** The dependencies of a hindrance, provided by the engine. */
export interface HindranceMeans {
  readonly log: Logger;
  readonly failuresInCommon: FailuresInCommon;
}

/** The obstacle to a partition's work, judged by the last failure: for health, for the door, and in the log. */
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

  /** The reason the partition makes no progress; undefined while all is well. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** The reason nothing is accepted or decided: the store has no room. Undefined while all is well, or if something else is wrong. */
  get refusal(): MillraceError | undefined {
    return this.#refusal;
  }

  note({ code, message }: MillraceError): void {
    this.#trouble = message;
    this.#refusal = code === 'MILL_STORE_FULL' ? new MillraceError(code, message, { retryAfterMs: fullRetryAfterMs }) : undefined;
  }

  /** Notes that another engine works on the partition, which is no trouble. */
  left(): void {
    this.#trouble = undefined;
    this.#refusal = undefined;
  }

  /** Notes that the store has room. */
  claimed(): void {
    this.#refusal = undefined;
  }

  /** Notes that the store works. */
  progressed(): void {
    this.#trouble = undefined;
  }

  /** @param lastCode of the previous consecutive failure */
  logStartingOver(failure: MillraceError, lastCode: ErrorCode | undefined): void {
    const { code } = failure;
    if (code === lastCode && lastingCodes.has(code)) return;
    if (code === 'MILL_STORE_LEASED') this.#log.debug(this.#fieldsOf(failure), 'another engine works on the partition');
    else if (ofAll.has(code) && !this.#inCommon.isNews(failure)) this.#log.debug(this.#fieldsOf(failure), 'starting over');
    else this.#log.warn(this.#fieldsOf(failure), 'starting over');
  }

  /** Logs a broken invariant with its place; the line about the end of the engine has only the reason. */
  logTheEnd(failure: MillraceError): void {
    if (impossible.has(failure.code)) this.#log.error(this.#fieldsOf(failure), 'an invariant was broken: the engine ends');
  }

  logNotReleased(error: unknown): void {
    this.#log.info(this.#fieldsOf(asFailure(error)), 'the lease was not released');
  }

  /** Returns the log fields of a failure; only an unexpected one has a stack. */
  #fieldsOf(failure: MillraceError): object {
    const { pipeline, slice } = this.#partition;
    const { reason, stack } = faultOf(failure);
    const { code } = failure;
    return { pipeline, slice, code, ...faultFields({ reason, stack: code === 'MILL_INTERNAL' ? stack : null }) };
  }
}

/** Returns a thrown value as an error of the table. */
export function asFailure(error: unknown): MillraceError {
  return error instanceof MillraceError ? error : new MillraceError('MILL_INTERNAL', messageOf(error), { cause: error });
}
