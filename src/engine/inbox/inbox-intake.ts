import { type ErrorCode, MillraceError } from '../../errors.ts';
import { codeOf, faultFields, faultOf } from '../../fault.ts';
import type { AnyPipeline } from '../../pipeline/pipeline.ts';
import type { Inbox, InboxRow, Lease } from '../../store/store.ts';
import type { AdmissionControl } from '../admission-control.ts';
import type { Outgoing } from '../draft.ts';
import type { EngineContext } from '../engine-context.ts';
import type { Taking } from '../event-log.ts';
import { identify } from '../identify.ts';
import { faultsWithStack, isFaultOfInput, unchanged } from '../input-faults.ts';
import type { Partition } from '../partition.ts';
import { originOf, readRow } from './read-row.ts';

/** Rows read at once, and UTF-16 units of their texts. */
const rowsMax = 1_000;
const charactersMax = 4 * 1024 * 1024;
/** Rows passed over, because their keys have no room, to find others behind them. With more than this, all of the pipeline's rows wait. */
const passedOverMax = 2_000;

/** Handles a full key; others may still have room. */
const fullKeys: ReadonlySet<ErrorCode> = new Set(['MILL_KEY_FULL', 'MILL_BACKLOG_FULL']);

/** The dependencies of a pipeline's intake. */
export interface IntakeMeans {
  readonly engine: EngineContext;
  readonly inbox: Inbox;
  readonly pipeline: AnyPipeline;
  readonly admission: AdmissionControl;
  /** The partition whose owner takes the pipeline's rows. Their dead letters belong there. */
  readonly home: Partition;
  /** Returns whether an operator has paused the pipeline. */
  isPaused(): boolean;
}

/** The result of an intake. */
export interface Intake {
  /** Number of rows that left the inbox. */
  readonly taken: number;
  /** True if some rows wait that cannot be taken now. */
  readonly isWaiting: boolean;
}

/** Some of the rows, on their way. */
interface Piece {
  readonly takings: Taking[];
  /** Places of rows whose keys have no room. */
  readonly passedOver: number[];
  /** The reason nothing more can be taken now. */
  stopped: unknown;
}

/**
 * Takes the rows of one pipeline: validates them like the door, and admits as many as the pipeline has room for. A row leaves the inbox
 * with its event, or as a dead letter if it yields no event.
 *
 * Rows are always read from the first one on, skipping those passed over. So a row whose transaction commits late is found before any
 * inserted after its commit, however far reading has come. Whoever takes a row has read all rows before it: two engines that briefly
 * overlap, as when the partition changes hands, break no order, because the store gives each row to only one of them.
 */
export class InboxIntake {
  readonly #means: IntakeMeans;
  /** Keys without room, in this pass. In numbered pipelines only the row waits: the number that its key needs may follow. */
  readonly #fullKeys = new Set<string>();

  constructor(means: IntakeMeans) {
    this.#means = means;
  }

  /** Takes the available rows. Throws what the store throws. */
  async takeAll(mayGoOn: () => boolean): Promise<Intake> {
    const passedOver: number[] = [];
    this.#fullKeys.clear();
    let taken = 0;
    while (mayGoOn() && passedOver.length < passedOverMax) {
      if (this.#mustWait) return { taken, isWaiting: true };
      const rows = await this.#read(passedOver);
      if (rows.length === 0) return { taken, isWaiting: passedOver.length > 0 };
      const piece = await this.#prepare(rows);
      const left = await this.#take(piece, rows);
      taken += left;
      passedOver.push(...piece.passedOver);
      if (piece.stopped !== undefined) return { taken, isWaiting: true };
      // Another engine takes them, or they were deleted.
      if (left === 0 && piece.passedOver.length === 0) return { taken, isWaiting: false };
    }
    return { taken, isWaiting: true };
  }

  get #mustWait(): boolean {
    const { home, isPaused } = this.#means;
    return isPaused() || !home.isOurs || home.refusal !== undefined;
  }

  #read(except: readonly number[]): Promise<readonly InboxRow[]> {
    const { inbox, engine, pipeline } = this.#means;
    const eventLengthMax = engine.limits.eventBytes;
    return inbox.rows({ pipeline: pipeline.name, except, eventLengthMax, limit: rowsMax, charactersMax });
  }

  /** Prepares rows one after another: an asynchronous schema must not change their order. */
  async #prepare(all: readonly InboxRow[]): Promise<Piece> {
    const { admission, pipeline } = this.#means;
    const piece: Piece = { takings: [], passedOver: [], stopped: undefined };
    const rows = this.#begin(all, piece);
    for (const row of rows) {
      if (piece.stopped !== undefined) {
        admission.withdraw(pipeline);
        continue;
      }
      const outgoing = await this.#identify(row, piece);
      if (outgoing !== undefined) await this.#admit(row, outgoing, piece);
    }
    return piece;
  }

  /** Begins as many of the first rows as the pipeline has room for; admission learns the fate of each. */
  #begin(all: readonly InboxRow[], piece: Piece): readonly InboxRow[] {
    const { admission, pipeline } = this.#means;
    for (let count = all.length; count > 0; count = Math.floor(count / 2)) {
      try {
        admission.begin(pipeline.name, count);
        piece.stopped = undefined;
        return all.slice(0, count);
      } catch (error) {
        piece.stopped = error;
      }
    }
    return [];
  }

  async #identify(row: InboxRow, piece: Piece): Promise<Outgoing | undefined> {
    const { engine, pipeline, admission } = this.#means;
    try {
      const event = readRow(row, pipeline.name, engine.limits);
      const identified = identify(engine, pipeline, event, { id: row.id ?? undefined, traceparent: row.traceparent ?? undefined });
      if (!(identified instanceof Promise)) return identified;
      const outgoing = await identified;
      admission.answered(pipeline);
      return outgoing;
    } catch (error) {
      admission.withdraw(pipeline, error);
      this.#refuse(row, error, piece);
      return undefined;
    }
  }

  async #admit(row: InboxRow, outgoing: Outgoing, piece: Piece): Promise<void> {
    const { pipeline, admission } = this.#means;
    const { key } = outgoing.stored;
    if (this.#fullKeys.has(key)) {
      admission.withdraw(pipeline);
      piece.passedOver.push(row.place);
      return;
    }
    try {
      if (!admission.enter(pipeline, outgoing)) await admission.enterCold(pipeline, outgoing, [outgoing]);
      piece.takings.push({ place: row.place, outgoing });
    } catch (error) {
      const code = codeOf(error);
      if (code === undefined || !fullKeys.has(code)) this.#refuse(row, error, piece);
      else {
        piece.passedOver.push(row.place);
        if (pipeline.order === undefined) this.#fullKeys.add(key);
      }
    }
  }

  #refuse(row: InboxRow, error: unknown, piece: Piece): void {
    if (isFaultOfInput(error)) piece.takings.push(this.#letterOf(row, error));
    else piece.stopped = error;
  }

  /** Returns the number of rows that left. */
  async #take({ takings }: Piece, rows: readonly InboxRow[]): Promise<number> {
    if (takings.length === 0) return 0;
    const taken = await this.#store(takings);
    const late = takings.filter((_, at) => taken[at]?.status === 'late');
    const letters = late.flatMap((taking) => this.#lateLettersOf(taking, rows));
    if (letters.length > 0) await this.#store(letters);
    return taken.filter(({ status }) => status !== 'gone').length;
  }

  async #store(takings: readonly Taking[]) {
    const { engine, home } = this.#means;
    const { lease } = home;
    const isLetter = (taking: Taking) => 'letter' in taking;
    let taken: Awaited<ReturnType<typeof engine.eventLog.take>>;
    try {
      taken = await engine.eventLog.take(lease, takings);
    } catch (error) {
      // The next claim recounts the dead letters.
      if (takings.some(isLetter) && !unchanged.has(codeOf(error))) home.recover(error);
      throw error;
    }
    const buried = takings.filter((taking, at) => isLetter(taking) && taken[at]?.status === 'buried');
    if (lease !== undefined && buried.length > 0) this.#tellOf(lease, buried);
    return taken;
  }

  #tellOf(lease: Lease, buried: readonly Taking[]): void {
    const { engine, pipeline, home } = this.#means;
    home.buried(lease, buried.length);
    const [first] = buried;
    const { reason, stack } = first !== undefined && 'letter' in first ? first.letter : { reason: '', stack: null };
    const fields = { pipeline: pipeline.name, rows: buried.length, place: first?.place, ...faultFields({ reason, stack }) };
    engine.log.error(fields, 'rows of the inbox are not valid events: they become dead letters');
  }

  #letterOf(row: InboxRow, error: unknown): Taking {
    const { engine } = this.#means;
    const { reason, stack } = faultOf(error);
    const code = codeOf(error);
    const shown = code === undefined || faultsWithStack.has(code) ? stack : null;
    const about = { key: String(row.place), reason, stack: shown, failedAt: engine.clock.now(), attempts: 0 };
    return {
      place: row.place,
      letter: { kind: 'origin', id: engine.newId(), ...about, origin: originOf(row, engine.limits) },
    };
  }

  /** A row whose number was skipped meanwhile is still there. */
  #lateLettersOf(taking: Taking, rows: readonly InboxRow[]): readonly Taking[] {
    const row = rows.find(({ place }) => place === taking.place);
    if (row === undefined || !('outgoing' in taking)) return [];
    const { key, number } = taking.outgoing.stored;
    const message = `key ${key}: number ${number} came after it was skipped`;
    return [this.#letterOf(row, new MillraceError('MILL_EVENT_TOO_LATE', message))];
  }
}
