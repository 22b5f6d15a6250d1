import { truncateSync } from 'node:fs';
import { MillraceError, messageOf } from '../../../errors.ts';
import { growTo, roomFaultOf, sizeOf, whyNoRoom } from '../../node-sqlite/free-space.ts';
import type { StoreLogger } from '../../store.ts';

/** Enough for the index of a write-ahead log, the owner's row, and some commits of the engine's own tables. */
export const reserveBytes = 256 * 1024;
/** Must be free beside the reserve before writes resume: a body of the usual limit, so that the next one is not the last. */
const roomBytes = 1024 * 1024;

/**
 * Tracks a database's disk space, with a reserve in the file `<path>-reserve`.
 *
 * There is room until a transaction finds none. Then each one is refused before it begins, until the reserve is whole and a file of
 * {@link roomBytes} can be written beside it; there is room again once a transaction has landed. So waiting work resumes by itself. A start
 * on a full disk may need some bytes, at least for the index of the write-ahead log, without which nobody can read. It takes them from the
 * reserve, and writes are refused until the reserve is whole again.
 */
export class Room {
  readonly #path: string;
  readonly #log: StoreLogger;
  #hasRoom = true;

  constructor(path: string, log: StoreLogger) {
    this.#path = path;
    this.#log = log;
  }

  /** Frees half of the remaining reserve; returns false if nothing was left. */
  release(): boolean {
    const bytes = sizeOf(this.#reserve);
    if (bytes === 0) return false;
    truncateSync(this.#reserve, Math.floor(bytes / 2));
    return true;
  }

  /** Call it once the database is open. Without a whole reserve writes are refused from the first one on. */
  opened(): void {
    try {
      growTo(this.#reserve, reserveBytes);
    } catch (error) {
      const fault = roomFaultOf(error);
      if (fault === undefined) {
        this.#log.warn({ file: this.#reserve, reason: messageOf(error) }, 'the reserve for a start on a full disk cannot be kept');
      } else this.ranOut(this.#error(fault));
    }
  }

  /** Returns why a transaction would find no room, `MILL_STORE_FULL`; undefined if it may proceed. Call it before each transaction. */
  refusal(): MillraceError | undefined {
    if (this.#hasRoom) return undefined;
    const fault = this.#whyNotWhole() ?? whyNoRoom(this.#path, roomBytes);
    return fault === undefined ? undefined : this.#error(fault);
  }

  /** Call it when a transaction has found no room. */
  ranOut({ message: reason }: MillraceError): void {
    if (!this.#hasRoom) return;
    this.#hasRoom = false;
    this.#log.warn({ reason }, 'the disk is full: reads continue, and writes wait until there is room');
  }

  /** Call it when a transaction has landed. */
  landed(): void {
    if (this.#hasRoom) return;
    this.#hasRoom = true;
    this.#log.info({ file: this.#path }, 'there is room on the disk again: writes resume');
  }

  /** Call it once the database is closed: the space this has freed is kept for the next start. */
  closed(): void {
    this.#whyNotWhole();
  }

  #whyNotWhole(): string | undefined {
    try {
      growTo(this.#reserve, reserveBytes);
      return undefined;
    } catch (error) {
      return roomFaultOf(error);
    }
  }

  get #reserve(): string {
    return `${this.#path}-reserve`;
  }

  #error(fault: string): MillraceError {
    return new MillraceError('MILL_STORE_FULL', `${this.#path}: ${fault}`);
  }
}
