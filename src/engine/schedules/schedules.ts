import type { StandardSchemaV1 } from '@standard-schema/spec';
import { MillraceError } from '../../errors.ts';
import { codeOf, faultFields, faultOf } from '../../fault.ts';
import { type Duration, toMs } from '../../pipeline/duration.ts';
import { type AnyPipeline, type Pipeline, pipeline } from '../../pipeline/pipeline.ts';
import type { Schedule } from '../../pipeline/schedule.ts';
import type { QueryTables } from '../../pipeline/table-query.ts';
import type { Turn } from '../../pipeline/turn.ts';
import type { Deed } from '../audit.ts';
import { checkPause } from '../check-arguments.ts';
import type { Clock } from '../clock.ts';
import type { Deadline } from '../deadline.ts';
import type { Logger } from '../logger.ts';
import type { ByWhom } from '../mill-options.ts';
import type { RunWork } from './run-work.ts';
import { type RunEnd, ScheduleRun } from './schedule-run.ts';

/** The status of a schedule. Moments are in milliseconds since 1970. */
export interface ScheduleStatus {
  readonly status: 'running' | 'paused' | 'stopped';
  /** True if a run is under way. */
  readonly isAtWork: boolean;
  /** The time at which the last run began; null before the first. */
  readonly lastRunAt: number | null;
  /** The time at which the next run is due; null if none is. */
  readonly nextRunAt: number | null;
  /** The reason the last run could not take its batch, or one of its events; null if it could. Covers this process only. */
  readonly lastFailure: string | null;
}

/** The controls of a schedule. All commands are durable, and the last one wins. */
export interface ScheduleControl {
  status(): Promise<ScheduleStatus>;
  /** Lets runs come due again; does nothing to a running schedule. */
  start(): Promise<void>;
  /** Stops the schedule until it is started. Resolves when a run under way has ended. */
  stop(): Promise<void>;
  /** Suspends runs for a while, or until the schedule is started. A run under way continues. */
  pause(options?: { readonly for?: Duration }): Promise<void>;
}

/** The partition of a scheduled pipeline. */
interface Home {
  /** Number of times other engines may have worked on it. */
  readonly absences: number;
  /** Resolves once this engine works on it, or at the caller's deadline. */
  isHere(deadline: Deadline): Promise<void>;
}

/** The dependencies of schedules, provided by the engine. */
export interface SchedulesMeans {
  readonly clock: Clock;
  readonly log: Logger;
  readonly query: QueryTables;
  /** Returns the work that one run gives to its pipeline's keys. */
  runWork(pipeline: AnyPipeline): RunWork;
  isStopping(): boolean;
  /** Returns the partition that all keys of a scheduled pipeline live in. */
  home(pipeline: string): Home;
  /** Resolves once nothing is left to do in the pipeline now, or at the caller's deadline. */
  idle(pipeline: string, deadline: Deadline): Promise<void>;
  command(command: Command): Promise<void>;
  note(by: ByWhom | undefined, deed: Deed): Promise<void>;
  /** Resolves once all commands to a schedule are carried out. */
  finished(schedule: string): Promise<void>;
  /** Returns the schedule's state on disk, optionally after commands that are about to be carried out. */
  state(schedule: string, freshness: { readonly isWaiting: boolean }): Promise<unknown>;
}

interface Command {
  /** The pipeline's name. */
  readonly schedule: string;
  /** `plan`: an engine has started, or the clock was set back. */
  readonly action: 'plan' | 'start' | 'stop' | 'pause';
  /** The duration of a pause that ends by itself; null for anything else. */
  readonly pauseMs: number | null;
}

interface Scheduled {
  readonly pipeline: AnyPipeline;
  readonly schedule: Schedule;
}

interface State extends Omit<ScheduleStatus, 'isAtWork' | 'lastFailure'> {
  /** The duration of a pause that ends by itself; null if there is none. */
  readonly pauseMs: number | null;
}

/** No user's pipeline can have this name. */
export const schedulesName = 'millrace_schedules';
/** A schedule that could not be planned yet, since the store had no room. */
const unplanned: State = { status: 'running', lastRunAt: null, nextRunAt: null, pauseMs: null };
/** A schedule's turn lasts as long as its run, which ends by itself well within its time plus this. In milliseconds. */
const graceMs = 60_000;
/** Delay before retrying to replan after the clock was set back. In milliseconds. */
const planAgainMs = 1_000;

/**
 * The schedules of an engine. They form a pipeline themselves, with one key each: commands are its events, the next run is a timer, and a
 * run is that timer's turn. So a schedule is durable, its runs never overlap, a command given during a run is carried out after it, and the
 * last one wins, all by the rules that hold for any key (promises 3, 5, 8).
 */
export class Schedules {
  /** Undefined if there are no schedules. */
  readonly pipeline: Pipeline | undefined;
  readonly #means: SchedulesMeans;
  readonly #scheduled: ReadonlyMap<string, Scheduled>;
  /** The runs under way, by schedule. These may include one whose turn was cut off by a store failure. */
  readonly #atWork = new Map<string, Promise<RunEnd>>();
  /** Schedules that have run in this process, with the number of their pipeline's absences at that time. */
  readonly #begun = new Map<string, number>();
  /** The reason the last run of a schedule could not take its batch. */
  readonly #failures = new Map<string, string>();
  #endWatch: (() => void) | undefined;
  /** Cancels the next attempt to plan. */
  #callOff: (() => void) | undefined;

  constructor(means: SchedulesMeans, pipelines: readonly AnyPipeline[]) {
    this.#means = means;
    this.#scheduled = new Map(
      pipelines.flatMap((pipeline) =>
        pipeline.schedule === undefined ? [] : [[pipeline.name, { pipeline, schedule: pipeline.schedule }]],
      ),
    );
    this.pipeline = this.#scheduled.size === 0 ? undefined : this.#declare();
  }

  /** The slices of scheduled pipelines follow those of their schedules when several engines run. */
  get leaders(): ReadonlyMap<string, string> {
    return new Map(Array.from(this.#scheduled.keys(), (name) => [name, schedulesName]));
  }

  /** Makes all schedules that are not stopped come due, including new ones. */
  async start(): Promise<void> {
    try {
      await this.#plan();
    } catch (error) {
      if (codeOf(error) !== 'MILL_STORE_FULL') throw error;
      this.#planLater();
    }
    if (this.#scheduled.size > 0) this.#endWatch = this.#means.clock.whenTurnedBack(() => void this.#planAnew());
  }

  /** Handles schedules taken over from an engine that perhaps did not know them all. */
  tookOver(): void {
    // Until the start is over nothing is accepted, and then it plans.
    if (this.#endWatch !== undefined) void this.#planAnew();
  }

  /** Stops watching the clock. */
  stop(): void {
    this.#endWatch?.();
    this.#callOff?.();
  }

  /** Throws `MILL_NOT_FOUND` if the pipeline has no schedule. */
  /** @param by the operator, for the audit */
  control(name: string, by?: ByWhom): ScheduleControl {
    if (!this.#scheduled.has(name)) throw new MillraceError('MILL_NOT_FOUND', `expected a pipeline with a schedule, found ${name}`);
    const { finished, state } = this.#means;
    const command = async (given: Command) => {
      await this.#means.note(by, { action: `schedule ${given.action}`, pipeline: name });
      await this.#means.command(given);
    };
    return {
      status: async () => {
        // No command is carried out during a run.
        const found = (await state(name, { isWaiting: !this.#atWork.has(name) })) as State | undefined;
        const { pauseMs: _, ...stored } = found ?? unplanned;
        return { ...stored, isAtWork: this.#atWork.has(name), lastFailure: this.#failures.get(name) ?? null };
      },
      start: async () => {
        await command({ schedule: name, action: 'start', pauseMs: null });
        await finished(name);
      },
      stop: async () => {
        await command({ schedule: name, action: 'stop', pauseMs: null });
        await finished(name);
      },
      pause: async (options = {}) => {
        checkPause(options);
        const { for: span } = options;
        await command({
          schedule: name,
          action: 'pause',
          pauseMs: span === undefined ? null : toMs(span, 'pause: for', 'MILL_INVALID_REQUEST'),
        });
      },
    };
  }

  #declare(): Pipeline {
    const runTimes = Array.from(this.#scheduled.values(), ({ schedule }) => schedule.timeoutMs);
    return pipeline(schedulesName, {
      event: own<Command>(),
      key: ({ schedule }) => schedule,
      state: own<State>(),
      // A schedule is never given up.
      retry: { attempts: Number.MAX_SAFE_INTEGER, backoff: '1s' },
      timeout: Math.max(...runTimes) + graceMs,
      handle: (command, state, turn) => this.#carryOut(command, state, turn),
      timers: { run: (state, turn) => this.#run(state, turn) },
    });
  }

  async #plan(): Promise<void> {
    await Promise.all(Array.from(this.#scheduled.keys(), (schedule) => this.#means.command({ schedule, action: 'plan', pauseMs: null })));
  }

  /** The clock was set back: plans made by it lie too far ahead. */
  async #planAnew(): Promise<void> {
    const { log, isStopping } = this.#means;
    try {
      await this.#plan();
    } catch (error) {
      // The next start replans too.
      if (isStopping() || (error instanceof MillraceError && !error.retryable)) return;
      if (codeOf(error) !== 'MILL_STORE_FULL')
        log.warn(faultFields(faultOf(error)), 'the clock was set back, and the schedules could not be replanned yet');
      this.#planLater();
    }
  }

  #planLater(): void {
    this.#callOff = this.#means.clock.after(planAgainMs, () => void this.#planAnew());
  }

  #carryOut(command: Command, state: State | undefined, turn: Turn): State | undefined {
    const { action, pauseMs } = command;
    const schedule = this.#scheduled.get(command.schedule)?.schedule;
    if (schedule === undefined) return noted(command, state, turn);
    if (action === 'plan') {
      return state === undefined || state.status === 'running' ? go(schedule, state, turn) : planPause(schedule, state, turn);
    }
    if (action === 'start') return state?.status === 'running' ? undefined : go(schedule, state, turn);
    const next = pauseMs === null ? null : afterPause(schedule, Math.min(turn.acceptedAt, turn.now) + pauseMs);
    if (next === null) turn.timers.cancel('run');
    else turn.timers.set('run', { at: next });
    return { status: action === 'stop' ? 'stopped' : 'paused', lastRunAt: state?.lastRunAt ?? null, nextRunAt: next, pauseMs };
  }

  async #run(state: State | undefined, turn: Turn): Promise<State | undefined> {
    const scheduled = this.#scheduled.get(turn.key);
    if (scheduled === undefined || state === undefined) return state;
    const { clock, isStopping } = this.#means;
    const dueAt = state.nextRunAt ?? turn.now;
    const mayBegin = !isStopping();
    if (mayBegin) await this.#makeRun(scheduled, dueAt, turn);
    if (turn.signal.aborted) return undefined;
    const next = nextRun(scheduled.schedule, dueAt, clock.now());
    turn.timers.set('run', { at: next });
    // A run cut short by a stop stays due: the next start makes up for it.
    return { status: 'running', lastRunAt: mayBegin ? turn.now : state.lastRunAt, nextRunAt: isStopping() ? dueAt : next, pauseMs: null };
  }

  async #makeRun({ pipeline, schedule }: Scheduled, dueAt: number, { key, signal }: Turn): Promise<void> {
    const { clock, log, query, runWork, idle } = this.#means;
    while (this.#atWork.has(key)) await this.#atWork.get(key);
    if (signal.aborted) return;
    const home = this.#means.home(pipeline.name);
    const ready = async (deadline: Deadline) => {
      await home.isHere(deadline);
      // Work left by another process may be about to change what the source reads.
      if (this.#begun.get(key) !== home.absences) await idle(pipeline.name, deadline);
    };
    const means = { clock, log: log.child({ pipeline: pipeline.name }), query, work: runWork(pipeline) };
    const atWork = new ScheduleRun(means, schedule).execute({ dueAt, ready }, signal);
    this.#atWork.set(key, atWork);
    const { failure } = await atWork;
    this.#atWork.delete(key);
    this.#begun.set(key, home.absences);
    if (failure === undefined) this.#failures.delete(key);
    else this.#failures.set(key, failure);
  }
}

/** A command given before the schedule was removed holds once it is declared again. */
function noted({ action, pauseMs }: Command, state: State | undefined, { acceptedAt, now }: Turn): State | undefined {
  if (action === 'plan') return undefined;
  const status = ({ start: 'running', stop: 'stopped', pause: 'paused' } as const)[action];
  const nextRunAt = pauseMs === null ? null : Math.min(acceptedAt, now) + pauseMs;
  return { status, lastRunAt: state?.lastRunAt ?? null, nextRunAt, pauseMs };
}

/** A plan holds if it is overdue, and unless the schedule now runs more often or at other times, or the clock was set back. */
function go(schedule: Schedule, state: State | undefined, { now, timers }: Turn): State {
  const planned = state?.status === 'running' ? state.nextRunAt : null;
  const soonest = schedule.nextAfter(now);
  const isKept = planned !== null && (planned <= now || (schedule.everyMs !== undefined && planned <= now + schedule.everyMs));
  const next = isKept ? planned : soonest;
  timers.set('run', { at: next });
  return { status: 'running', lastRunAt: state?.lastRunAt ?? null, nextRunAt: next, pauseMs: null };
}

/**
 * A pause set by a clock that has been set back since ends no later than one that begins now. The timer that ends it had no effect if it
 * fired while the schedule was gone.
 */
function planPause(schedule: Schedule, state: State, { now, timers }: Turn): State | undefined {
  const { nextRunAt, pauseMs } = state;
  if (nextRunAt === null || pauseMs === null) return undefined;
  const next = Math.min(nextRunAt, afterPause(schedule, now + pauseMs));
  timers.set('run', { at: next });
  return { ...state, nextRunAt: next };
}

/** After a pause a cron pattern determines the next run; an interval starts over. */
function afterPause({ everyMs, nextAfter }: Schedule, until: number): number {
  return everyMs === undefined ? nextAfter(until) : until;
}

/** Skips runs that came due during another one; interval runs stay on their beat, unless the clock was set back. */
function nextRun({ everyMs, nextAfter }: Schedule, dueAt: number, now: number): number {
  if (everyMs === undefined || now < dueAt) return nextAfter(now);
  return dueAt + (Math.floor((now - dueAt) / everyMs) + 1) * everyMs;
}

/** The schema of values that only the engine itself makes. */
function own<T>(): StandardSchemaV1<T> {
  return { '~standard': { version: 1, vendor: 'millrace', validate: (value) => ({ value: value as T }) } };
}
