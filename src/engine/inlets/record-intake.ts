import { MillraceError } from '../../errors.ts';
import { codeOf, faultFields, faultOf } from '../../fault.ts';
import type { Inlet, InletEvent, InletRecord } from '../../pipeline/inlet.ts';
import type { AnyPipeline } from '../../pipeline/pipeline.ts';
import type { BatchTaken, Lease, NewDeadLetter } from '../../store/store.ts';
import type { AdmissionControl } from '../admission-control.ts';
import type { Counters } from '../counts.ts';
import type { Outgoing } from '../draft.ts';
import type { EngineContext } from '../engine-context.ts';
import type { RecordTaking } from '../event-log.ts';
import { faultsWithStack, isFaultOfInput, unchanged } from '../input-faults.ts';
import type { Partition } from '../partition.ts';
import { type Identified, IdentifiedEvents } from './identified-events.ts';
import { type RecordPlace, rejectedRecord } from './rejected-record.ts';

/** Events taken per transaction, unless a single record holds more. */
export const eventsMax = 1_000;
/** A record with several events may be as large as this many of the largest events together. */
const valuesMax = 16;

/** The dependencies of a pipeline's intake. */
export interface RecordIntakeMeans {
  readonly engine: EngineContext;
  readonly pipeline: AnyPipeline;
  readonly inlet: Inlet;
  readonly admission: AdmissionControl;
  readonly counters: Counters;
}

/** Records of one partition of a topic, and their place. */
export interface ReadRecords extends RecordPlace {
  readonly records: readonly InletRecord[];
  /** The store's offset, and the offset once all of them are taken. */
  readonly expected: number | null;
  readonly next: number;
  /** True if there was no room for the first of them just now: then only that one is tried. */
  readonly isRetry: boolean;
}

/**
 * - `taken`: the first `count` records are on disk, with the offset after them.
 * - `full`: there is no room for the first of them now.
 * - `moved`: another process has read on. Nothing was stored.
 */
export type RecordsTaken =
  | { readonly status: 'taken'; readonly records: number; readonly next: number }
  | { readonly status: 'full'; readonly reason: string }
  | { readonly status: 'moved' };

/** A record and its contents: events, or nothing readable. */
interface Decoded {
  readonly record: InletRecord;
  readonly events: readonly InletEvent[];
  readonly fault: unknown;
}

/** The first records of a list, in their stored form. */
interface Piece {
  readonly takings: RecordTaking[];
  records: number;
  /** The reason the next one must wait. */
  stopped: unknown;
}

/** Records being prepared. */
interface UnderWay {
  readonly piece: Piece;
  readonly identified: IdentifiedEvents;
}

/**
 * Takes records of one partition of a topic: decodes them, validates their events like the door, and admits as many as the pipeline has
 * room for. A record is taken as a whole. One that waits for room holds back all later ones, so the order of the partition is kept.
 */
export class RecordIntake {
  readonly #means: RecordIntakeMeans;

  constructor(means: RecordIntakeMeans) {
    this.#means = means;
  }

  /**
   * Takes as many of the first records as there is room for. If the store throws, the content of the disk is unknown.
   *
   * @param home the partition whose lease takes them, and to which their dead letters belong
   */
  async take(home: Partition, read: ReadRecords): Promise<RecordsTaken> {
    const { records, next } = read;
    const piece = await this.#prepare(read);
    if (piece.records === 0 && records.length > 0) return { status: 'full', reason: faultOf(piece.stopped).reason };
    const behind = records[piece.records]?.offset ?? next;
    const answer = await this.#store(home, { ...read, next: behind }, piece.takings);
    if (answer.status === 'moved') return answer;
    return { status: 'taken', records: piece.records, next: behind };
  }

  /** Prepares records one after another: an asynchronous schema must not change their order. */
  async #prepare({ records, isRetry, ...place }: ReadRecords): Promise<Piece> {
    const { admission, pipeline } = this.#means;
    const piece: Piece = { takings: [], records: 0, stopped: undefined };
    const begun = this.#begin(this.#decodeFirst(isRetry ? records.slice(0, 1) : records), piece);
    const identified = new IdentifiedEvents(
      this.#means,
      begun.flatMap(({ events }) => events),
    );
    for (const decoded of begun) {
      if (piece.stopped === undefined) await this.#takeRecord(place, decoded, { piece, identified });
      else for (const _ of decoded.events) admission.withdraw(pipeline);
    }
    return piece;
  }

  #decodeFirst(records: readonly InletRecord[]): readonly Decoded[] {
    const { admission, pipeline } = this.#means;
    const most = Math.min(eventsMax, admission.roomFor(pipeline.name));
    const decoded: Decoded[] = [];
    let events = 0;
    for (const record of records) {
      const next = this.#decode(record);
      if (decoded.length > 0 && events + next.events.length > most) break;
      events += next.events.length;
      decoded.push(next);
    }
    return decoded;
  }

  #decode(record: InletRecord): Decoded {
    const { inlet, pipeline, engine } = this.#means;
    const { eventBytes, batch, backlog } = engine.limits;
    // A record is taken as a whole: one beyond the backlog would wait for ever, and hold its partition up.
    const most = Math.min(batch, backlog);
    try {
      const length = record.value?.length ?? 0;
      if (length > valuesMax * eventBytes) throw tooLarge(pipeline, `a record of at most ${valuesMax * eventBytes} bytes, found ${length}`);
      const events = inlet.decode(record);
      if (events.length === 1 && length > eventBytes)
        throw tooLarge(pipeline, `a record of one event to have at most ${eventBytes} bytes, found ${length}`);
      if (events.length > most) throw tooLarge(pipeline, `a record of at most ${most} events, found ${events.length}`);
      return { record, events, fault: undefined };
    } catch (thrown) {
      return { record, events: [], fault: thrown ?? new MillraceError('MILL_INTERNAL', 'decode() has thrown nothing') };
    }
  }

  /** Begins as many of the first records as the pipeline has room for; admission learns the fate of each event. */
  #begin(all: readonly Decoded[], piece: Piece): readonly Decoded[] {
    const { admission, pipeline } = this.#means;
    for (let count = all.length; count > 0; count = Math.floor(count / 2)) {
      const some = all.slice(0, count);
      const events = some.reduce((sum, decoded) => sum + decoded.events.length, 0);
      if (events === 0) return some;
      try {
        admission.begin(pipeline.name, events);
        piece.stopped = undefined;
        return some;
      } catch (error) {
        piece.stopped = error;
      }
    }
    return [];
  }

  async #takeRecord(place: RecordPlace, { record, events, fault }: Decoded, { piece, identified }: UnderWay): Promise<void> {
    const { admission, pipeline, engine } = this.#means;
    const takings: RecordTaking[] = fault === undefined ? [] : [{ letter: this.#letterOf(place, record, fault) }];
    for (const at of events.keys()) {
      const element = events.length > 1 ? at : undefined;
      if (piece.stopped === undefined) {
        const taking = await this.#takeNext(identified, piece, (error) => this.#letterOf(place, record, error, element));
        if (taking !== undefined) takings.push(taking);
      } else admission.withdraw(pipeline);
    }
    if (piece.stopped === undefined) {
      piece.records += 1;
      piece.takings.push(...takings);
    } else engine.eventLog.withdraw(takings.flatMap((taking) => ('outgoing' in taking ? [taking.outgoing] : [])));
  }

  /** Returns nothing if the next event must wait. */
  async #takeNext(
    identified: IdentifiedEvents,
    piece: Piece,
    letterOf: (error: unknown) => NewDeadLetter,
  ): Promise<RecordTaking | undefined> {
    try {
      const admitted = this.#admitNext(identified);
      const outgoing = admitted instanceof Promise ? await admitted : admitted;
      return { outgoing, late: this.#means.pipeline.order && letterOf(tooLate(outgoing)) };
    } catch (error) {
      if (isFaultOfInput(error)) return { letter: letterOf(error) };
      piece.stopped = error;
      return undefined;
    }
  }

  /**
   * Counts the next event as on its way to the log. Throws why it cannot come, at all or now. Returns a promise only if its schema is
   * asynchronous, or its key must be loaded.
   */
  #admitNext(identified: IdentifiedEvents): Outgoing | Promise<Outgoing> {
    const next = identified.next();
    return next instanceof Promise ? next.then((found) => this.#admit(found, identified)) : this.#admit(next, identified);
  }

  #admit(found: Identified, identified: IdentifiedEvents): Outgoing | Promise<Outgoing> {
    const { pipeline, admission } = this.#means;
    if ('error' in found) {
      admission.withdraw(pipeline, found.error);
      throw found.error;
    }
    const { outgoing } = found;
    return admission.enter(pipeline, outgoing) ? outgoing : this.#admitCold(outgoing, identified);
  }

  /** Keys of later events may not be in memory either, so all are loaded at once. */
  async #admitCold(outgoing: Outgoing, identified: IdentifiedEvents): Promise<Outgoing> {
    const { engine, pipeline, admission } = this.#means;
    const others = await identified.ahead(engine.limits.warmKeys);
    await admission.enterCold(pipeline, outgoing, others);
    return outgoing;
  }

  async #store(home: Partition, read: ReadRecords, takings: readonly RecordTaking[]): Promise<BatchTaken> {
    const { engine, pipeline } = this.#means;
    const { source, topicId, partition, expected, next } = read;
    const { lease } = home;
    let answer: BatchTaken;
    try {
      answer = await engine.eventLog.takeBatch(lease, {
        pipeline: pipeline.name,
        source,
        topicId,
        partition,
        expected,
        next,
        takings,
      });
    } catch (error) {
      // The next claim recounts the dead letters.
      if (takings.some((taking) => 'letter' in taking || taking.late !== undefined) && !unchanged.has(codeOf(error))) home.recover(error);
      throw error;
    }
    if (answer.status === 'taken' && lease !== undefined) this.#tellOf(home, { lease, read, takings, taken: answer.taken });
    return answer;
  }

  #tellOf(
    home: Partition,
    {
      lease,
      read,
      takings,
      taken,
    }: {
      readonly lease: Lease;
      readonly read: RecordPlace;
      readonly takings: readonly RecordTaking[];
      readonly taken: readonly { readonly status: string }[];
    },
  ): void {
    const letters = takings.flatMap((taking, at) => {
      if ('letter' in taking) return [taking.letter];
      return taken[at]?.status === 'late' && taking.late !== undefined ? [taking.late] : [];
    });
    const [first] = letters;
    if (first === undefined) return;
    const { engine, pipeline, counters } = this.#means;
    home.buried(lease, letters.length);
    counters.count('rejectedRecords', letters.length);
    const { source, partition } = read;
    const fields = { pipeline: pipeline.name, source, partition, records: letters.length, first: first.key };
    engine.log.error(
      { ...fields, ...faultFields({ reason: first.reason, stack: first.stack }) },
      'no events can be made of records: they are dead letters',
    );
  }

  #letterOf(place: RecordPlace, record: InletRecord, error: unknown, element?: number): NewDeadLetter {
    const { engine } = this.#means;
    const { reason, stack } = faultOf(error);
    const code = codeOf(error);
    const shown = code === undefined || faultsWithStack.has(code) ? stack : null;
    return {
      kind: 'rejected',
      id: engine.newId(),
      key: `${place.source}/${place.partition}/${record.offset}`,
      reason,
      stack: shown,
      failedAt: engine.clock.now(),
      attempts: 0,
      record: rejectedRecord(place, record, engine.limits.eventBytes, element),
    };
  }
}

function tooLarge({ name }: AnyPipeline, expectation: string): MillraceError {
  return new MillraceError('MILL_BODY_TOO_LARGE', `pipeline ${name}: expected ${expectation}`);
}

function tooLate({ stored: { key, number } }: Outgoing): MillraceError {
  return new MillraceError('MILL_EVENT_TOO_LATE', `key ${key}: number ${number} came after it was skipped`);
}
