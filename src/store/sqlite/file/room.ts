import { truncateSync } from 'node:fs';
import { MillraceError, messageOf } from '../../../errors.ts';
import { growTo, roomFaultOf, sizeOf, whyNoRoom } from '../../node-sqlite/free-space.ts';
import type { StoreLogger } from '../../store.ts';

/** Enough for the index of a write ahead log, the owner's row, and some commits of the engine's own tables. */
export const reserveBytes = 256 * 1024;
/** What must be free beside the reserve before writes go on: a body of the usual limit, so that the next one is not the last. */
const roomBytes = 1024 * 1024;

/**
 * The room on the disk that a database has, and a reserve of it, the file `<path>-reserve`.
 *
 * There is room until a transaction finds none. Then each one is refused before it begins, until the reserve is whole and a file of
 * {@link roomBytes} can be written beside it; there is room again once a transaction has landed. So what waits goes on by itself. A
 * start on a full disk may need some bytes, for the index of the write ahead log at least, without which nobody can read. It takes
 * them from the reserve, which keeps writes out until it is whole.
 */
export class Room {
  readonly #path: string;
  readonly #log: StoreLogger;
  #hasRoom = true;

  constructor(path: string, log: StoreLogger) {
    this.#path = path;
    this.#log = log;
  }

  /** Gives half of what is left of the reserve away; false when nothing was left. */
  release(): boolean {
    const bytes = sizeOf(this.#reserve);
    if (bytes === 0) return false;
    truncateSync(this.#reserve, Math.floor(bytes / 2));
    return true;
  }

  /** To be called once the database is open. Without a whole reserve writes are refused from the first one on. */
  opened(): void {
    try {
      growTo(this.#reserve, reserveBytes);
    } catch (error) {
      const fault = roomFaultOf(error);
      if (fault === undefined) {
        this.#log.warn({ file: this.#reserve, reason: messageOf(error) }, 'no reserve for a start on a full disk can be kept');
      } else this.ranOut(this.#error(fault));
    }
  }

  /** Why a transaction would find no room, `MILL_STORE_FULL`; undefined when it may. To be asked before each. */
  refusal(): MillraceError | undefined {
    if (this.#hasRoom) return undefined;
    const fault = this.#whyNotWhole() ?? whyNoRoom(this.#path, roomBytes);
    return fault === undefined ? undefined : this.#error(fault);
  }

  /** To be called when a transaction has found no room. */
  ranOut({ message: reason }: MillraceError): void {
    if (!this.#hasRoom) return;
    this.#hasRoom = false;
    this.#log.warn({ reason }, 'there is no room on the disk: reads go on, and writes wait until there is');
  }

  /** To be called when a transaction has landed. */
  landed(): void {
    if (this.#hasRoom) return;
    this.#hasRoom = true;
    this.#log.info({ file: this.#path }, 'there is room on the disk again: writes go on');
  }

  /** To be called once the database is closed: what that has freed is kept for the next start. */
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
