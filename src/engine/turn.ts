import { describeFound } from '../describe-found.ts';
import { MillraceError } from '../errors.ts';
import { isTable } from '../pipeline/check-table.ts';
import { type Duration, toMs } from '../pipeline/duration.ts';
import { effectJson } from '../pipeline/json.ts';
import { isMoment } from '../pipeline/moment.ts';
import type { AnyPipeline } from '../pipeline/pipeline.ts';
import { type SqlValue, type Table, toSqlChange, toSqlValues } from '../pipeline/table.ts';
import { isStorableText } from '../pipeline/text.ts';
import type { DeliverOptions, TimerDue, Timers, Turn, TurnLogger } from '../pipeline/turn.ts';
import type { TimerWrite } from '../store/store.ts';
import { checkDeliverOptions, checkDue, checkReason, checkReceiver, checkRow } from './check-effects.ts';
import type { Logger } from './logger.ts';
import { snapshot } from './snapshot.ts';
import { type Span, traceFields } from './tracing.ts';
import { turnLogger } from './turn-logger.ts';

/** The subject of a turn, provided by its cause. */
export interface TurnSubject {
  readonly pipeline: AnyPipeline;
  readonly key: string;
  readonly id: string;
  readonly attempt: number;
  readonly acceptedAt: number;
  readonly now: number;
  /** The trace the event belongs to. */
  readonly traceparent: string | null;
  /** Maximum number of effects. */
  readonly effectsMax: number;
  readonly log: Logger;
  /** The span of the attempt. */
  readonly span?: Span | undefined;
}

/** A handler's effects other than the next state, as data. */
export interface Said {
  readonly rows: readonly RowEffect[];
  readonly sends: readonly { readonly to: string; readonly event: unknown }[];
  readonly timerWrites: readonly TimerWrite[];
  readonly deliveries: readonly DeliveryEffect[];
  readonly ignored: string | undefined;
}

export type RowEffect = {
  readonly table: string;
  readonly values: SqlValue[];
  /** The primary key of a row that is put or updated; empty for one that is added. */
  readonly identity: string;
} & ({ readonly write: 'put' | 'add' } | { readonly write: 'update'; readonly columns: readonly string[] });

export interface DeliveryEffect {
  readonly endpoint: string;
  /** JSON. */
  readonly body: string;
  /** Undefined: an id of the engine's. */
  readonly id: string | undefined;
  readonly url: string | undefined;
}

/** The turn as a handler sees it: it records the handler's effects, and refuses any that come after the handler returned. */
export class TurnRecord implements Turn, Said {
  readonly key: string;
  readonly id: string;
  readonly attempt: number;
  readonly acceptedAt: number;
  readonly now: number;
  readonly traceparent: string | undefined;
  readonly effectsMax: number;
  readonly span: Span | undefined;
  readonly rows: RowEffect[] = [];
  readonly sends: { readonly to: string; readonly event: unknown }[] = [];
  readonly timerWrites: TimerWrite[] = [];
  readonly deliveries: DeliveryEffect[] = [];
  ignored: string | undefined;
  /** Duration of the handler, once it has ended. */
  durationMs = 0;
  /** Resolves when the handler is running. Undefined if it runs from the start, as all do except those that wait for a thread. */
  begun: Promise<void> | undefined;
  readonly #pipeline: AnyPipeline;
  readonly #log: Logger;
  #turnLogger: TurnLogger | undefined;
  #abort: AbortController | undefined;
  #abortReason: Error | undefined;
  #cut: ((reason: Error) => void) | undefined;
  #ended = false;
  #effects = 0;

  constructor(subject: TurnSubject) {
    this.effectsMax = subject.effectsMax;
    this.#pipeline = subject.pipeline;
    this.#log = subject.log;
    this.key = subject.key;
    this.id = subject.id;
    this.attempt = subject.attempt;
    this.acceptedAt = subject.acceptedAt;
    this.now = subject.now;
    this.span = subject.span;
    this.traceparent = subject.span?.traceparent ?? subject.traceparent ?? undefined;
  }

  get pipelineName(): string {
    return this.#pipeline.name;
  }

  /** Created when a handler first asks: most never do. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#abortReason !== undefined) this.#abort.abort(this.#abortReason);
    return this.#abort.signal;
  }

  get log(): TurnLogger {
    this.#turnLogger ??= turnLogger(
      this.#log.child({ pipeline: this.#pipeline.name, key: this.key, event: this.id, ...traceFields(this.traceparent) }),
    );
    return this.#turnLogger;
  }

  put(table: Table, row: object): void {
    this.#checkRow('put', table, row);
    if (table.primaryKey.length === 0) this.#refuse(`put: expected a table with a primary key, found ${table.name}`);
    this.#write('put', table, row);
  }

  add(table: Table, row: object): void {
    this.#checkRow('add', table, row);
    this.#write('add', table, row);
  }

  update(table: Table, row: object): void {
    this.#checkRow('update', table, row);
    if (table.primaryKey.length === 0) this.#refuse(`update: expected a table with a primary key, found ${table.name}`);
    this.#count();
    const { columns, values } = toSqlChange(table, row as Record<string, unknown>);
    this.rows.push({ table: table.name, write: 'update', columns, values, identity: identityOf(table, columns, values) });
  }

  deliver(endpoint: string, payload: unknown, options: DeliverOptions = {}): void {
    this.#checkOpen('deliver');
    if (typeof endpoint !== 'string' || !Object.hasOwn(this.#pipeline.deliver, endpoint)) {
      const known = Object.keys(this.#pipeline.deliver).join(', ') || 'none';
      this.#refuse(`deliver: expected an endpoint that pipeline ${this.#pipeline.name} declares (${known}), found ${nameFound(endpoint)}`);
    }
    checkDeliverOptions(endpoint, options);
    const { id, url } = options;
    const body = effectJson(payload, `deliver to ${endpoint}: payload`);
    this.#checkText(endpoint, 'id', id);
    this.#checkText(endpoint, 'url', url);
    this.#count();
    this.deliveries.push({ endpoint, body, id, url });
  }

  send(to: AnyPipeline | string, event: unknown): void {
    this.#checkOpen('send');
    const name = checkReceiver(to);
    this.#count();
    this.sends.push({ to: name, event: snapshot(event, `send to ${name}`) });
  }

  get timers(): Timers<string> {
    return {
      set: (name, due) => {
        this.#checkTimer(name);
        checkDue(due);
        const data = due.data === undefined ? null : effectJson(due.data, `timers.set: data of ${name}`);
        this.#count();
        this.timerWrites.push({ kind: 'timer', key: this.key, name, dueAt: this.#dueAt(due), data, attempts: 0, retryAt: null });
      },
      cancel: (name) => {
        this.#checkTimer(name);
        this.#count();
        this.timerWrites.push({ kind: 'timer', key: this.key, name, dueAt: null });
      },
    };
  }

  ignore(reason: string): undefined {
    this.#checkOpen('ignore');
    checkReason(reason);
    this.ignored = reason;
  }

  /** Takes over the effects of a turn of the same pipeline in another thread, which has checked them. */
  adopt({ rows, sends, timerWrites, deliveries, ignored }: Said): void {
    for (const row of rows) this.rows.push(row);
    for (const send of sends) this.sends.push(send);
    for (const write of timerWrites) this.timerWrites.push(write);
    for (const delivery of deliveries) this.deliveries.push(delivery);
    this.ignored = ignored;
  }

  /** Throws `MILL_INVALID_EFFECT` if the handler has exceeded a turn's effects, even if it caught that. */
  checkEffects(): void {
    if (this.#effects > this.effectsMax)
      this.#refuse(`expected at most ${this.effectsMax} effects per turn (sends, rows, timers and deliveries), found more`);
  }

  /** Ends the turn: no further effects count. */
  end(): void {
    this.#ended = true;
  }

  abort(reason: Error): void {
    this.#abortReason = reason;
    this.#abort?.abort(reason);
    this.#cut?.(reason);
  }

  /** Rejects with the reason when the turn is aborted. */
  aborted(): Promise<never> {
    return new Promise((_resolve, reject) => {
      this.#cut = reject;
    });
  }

  #count(): void {
    this.#effects += 1;
    if (this.#effects > this.effectsMax) this.checkEffects();
  }

  #write(write: 'put' | 'add', table: Table, row: object): void {
    this.#count();
    const values = toSqlValues(table, row as Record<string, unknown>);
    const identity = write === 'put' ? identityOf(table, Object.keys(table.columns), values) : '';
    this.rows.push({ table: table.name, write, values, identity });
  }

  #checkRow(effect: string, table: Table, row: object): void {
    this.#checkOpen(effect);
    if (!this.#declares(table)) {
      const found = isTable(table) ? table.name : describeFound(table);
      this.#refuse(`${effect}: expected a table that pipeline ${this.#pipeline.name} declares, found ${found}`);
    }
    checkRow(effect, row);
  }

  #declares(table: Table): boolean {
    const { tables } = this.#pipeline;
    for (const name in tables) if (tables[name] === table) return true;
    return false;
  }

  /** An untyped handler may pass anything. */
  #checkText(endpoint: string, what: string, text: unknown): void {
    if (text === undefined || (typeof text === 'string' && text !== '' && isStorableText(text))) return;
    this.#refuse(`deliver to ${endpoint}: ${what}: expected well-formed text without U+0000, or none, found ${describeFound(text)}`);
  }

  #checkTimer(name: string): void {
    this.#checkOpen('timers');
    if (typeof name === 'string' && Object.hasOwn(this.#pipeline.timers, name)) return;
    const known = Object.keys(this.#pipeline.timers).join(', ') || 'none';
    this.#refuse(`timers: expected one that pipeline ${this.#pipeline.name} declares (${known}), found ${nameFound(name)}`);
  }

  #dueAt(due: TimerDue): number {
    const { at, after }: { readonly at?: unknown; readonly after?: Duration } = due;
    const moment = at === undefined ? this.now + toMs(after as Duration, 'timers.set: after', 'MILL_INVALID_EFFECT') : at;
    const rounded = typeof moment === 'number' ? Math.round(moment) : Number.NaN;
    if (!isMoment(rounded))
      this.#refuse(`timers.set: at: expected milliseconds since 1970 that a Date can show, found ${describeFound(moment)}`);
    return rounded;
  }

  #checkOpen(effect: string): void {
    if (this.#ended) this.#refuse(`${effect}: called after the handler has ended`);
  }

  #refuse(message: string): never {
    throw new MillraceError('MILL_INVALID_EFFECT', message);
  }
}

function nameFound(name: unknown): string {
  return typeof name === 'string' ? name : describeFound(name);
}

/**
 * Returns the primary key as the store binds it. The values of one column, apart from null, are all of one type, so their texts identify
 * them.
 */
function identityOf({ primaryKey }: Table, columns: readonly string[], values: readonly SqlValue[]): string {
  const [column] = primaryKey;
  const value = column !== undefined && primaryKey.length === 1 ? (values[columns.indexOf(column)] ?? null) : null;
  if (value !== null) return String(value);
  return JSON.stringify(primaryKey.map((column) => values[columns.indexOf(column)]));
}
