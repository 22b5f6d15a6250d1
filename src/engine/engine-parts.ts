import { MillraceError } from '../errors.ts';
import { faultFields, faultOf } from '../fault.ts';
import type { AnyPipeline } from '../pipeline/pipeline.ts';
import { Audit } from './audit.ts';
import { type Clock, systemClock } from './clock.ts';
import { GivenCommands } from './commands/given-commands.ts';
import { ReceivedCommands } from './commands/received-commands.ts';
import { CommitWatch } from './commit-watch.ts';
import { DeadLetters } from './dead-letters.ts';
import { within } from './deadline.ts';
import { DeclaredPipelines } from './declared-pipelines.ts';
import { Deliveries } from './deliveries.ts';
import { Door } from './door.ts';
import type { EngineContext } from './engine-context.ts';
import { EngineState } from './engine-state.ts';
import { EventLog } from './event-log.ts';
import { FailuresInCommon } from './failures-in-common.ts';
import { Fleet } from './fleet/fleet.ts';
import { GapReader } from './gap-reader.ts';
import { Ids } from './ids.ts';
import { InboxWatch } from './inbox/inbox-watch.ts';
import { Inlets } from './inlets/inlets.ts';
import { KeyDetailsReader } from './key-details.ts';
import { KeyLister } from './key-lister.ts';
import { KeyReader } from './key-reader.ts';
import { Leftovers } from './leftovers/leftovers.ts';
import { LetterOperations } from './letter-operations/letter-operations.ts';
import { limitsWith } from './limits.ts';
import { type Logger, silentLogger } from './logger.ts';
import { Memory } from './memory.ts';
import type { MillOptions } from './mill-options.ts';
import { Operations } from './operations.ts';
import { Partitions } from './partitions.ts';
import { Queries } from './query.ts';
import { Reads } from './reads.ts';
import { RetentionSweep } from './retention.ts';
import { RunWork } from './schedules/run-work.ts';
import { Schedules, schedulesName } from './schedules/schedules.ts';
import { SendRoom } from './send-room.ts';
import { steadyLogger } from './steady-logger.ts';
import { steadyTracing } from './steady-tracing.ts';
import { HandlerThreads } from './threads/handler-threads.ts';
import { TimelineReader } from './timeline-reader.ts';
import { TimerLister } from './timer-lister.ts';
import { Transports } from './transports.ts';
import { TurnsUnderWay } from './turns-under-way.ts';

/** The parts of an engine, each named after what it knows. */
export interface EngineParts {
  readonly engine: EngineContext;
  readonly state: EngineState;
  readonly declared: DeclaredPipelines;
  readonly provenStates: Set<string>;
  readonly partitions: Partitions;
  readonly fleet: Fleet;
  readonly door: Door;
  readonly inbox: InboxWatch;
  readonly inlets: Inlets;
  readonly keys: KeyReader;
  readonly keyList: KeyLister;
  readonly keyDetails: KeyDetailsReader;
  readonly timers: TimerLister;
  readonly deliveries: Deliveries;
  readonly timeline: TimelineReader;
  readonly gaps: GapReader;
  readonly queries: Queries;
  readonly commands: GivenCommands;
  readonly audit: Audit;
  readonly deadLetters: DeadLetters;
  readonly operations: Operations;
  readonly letterOperations: LetterOperations;
  readonly schedules: Schedules;
  readonly leftovers: Leftovers;
  readonly retention: RetentionSweep;
  readonly threads: HandlerThreads;
  readonly transports: Transports;
  /** Resolves to true once nothing is left to do in any pipeline, or to false after `timeoutMs`. */
  idle(timeoutMs: number): Promise<boolean>;
}

/**
 * Creates the parts of an engine and connects them. Parts that need each other get functions that look the other up when called: no part is
 * used before all of them exist.
 */
export function assemble(options: MillOptions): EngineParts {
  const { clock = systemClock } = options;
  const log = steadyLogger(options.log ?? silentLogger);
  const state = new EngineState(log);
  const threads = new HandlerThreads(clock, log);
  const pipelines = options.pipelines.map((pipeline) => threads.adopt(pipeline));
  const transports = new Transports(pipelines, clock, log);
  const schedules = schedulesOf(pipelines, { clock, log, state, parts: () => parts });
  const declared = new DeclaredPipelines(pipelines, schedules.pipeline);
  const provenStates = new Set<string>();
  const engine = contextOf(options, { clock, log, state, declared, provenStates, partitions: () => partitions, fleet: () => fleet });
  const { store, limits } = engine;
  const partitions = new Partitions(engine, Array.from(declared.all.values()));
  for (const partition of partitions.of(schedulesName)) partition.whenTaken(() => schedules.tookOver());
  const fleet = new Fleet({
    store,
    clock,
    partitions,
    leaders: schedules.leaders,
    commanded: (given, askedAt) => received.received(given, askedAt),
  });
  const door = new Door({ engine, partitions, checkOpen: () => state.checkWorking() });
  const reads = new Reads({ clock, limits });
  const queries = new Queries({ store, reads, log }, declared.tables);
  const leftovers = new Leftovers({ store, clock, log, declared: declared.all });
  const keys = new KeyReader({ store, clock, reads, partitions, provenStates, leftovers: () => leftovers.found });
  const commands = new GivenCommands(engine);
  const audit = new Audit({ store, clock, reads, newId: engine.newId });
  const deadLetters = new DeadLetters({ engine, state, declared, partitions, commands, reads, audit });
  const operations = new Operations({ engine, state, declared, partitions, fleet, commands, leftovers, audit });
  const received = new ReceivedCommands({ engine, partitions, deadLetters, operations });
  const parts: EngineParts = {
    engine,
    state,
    declared,
    provenStates,
    partitions,
    fleet,
    door,
    inbox: new InboxWatch({ engine, door, partitions, pipelines: Array.from(declared.byName.values()) }),
    inlets: new Inlets({ engine, door, partitions, pipelines: Array.from(declared.byName.values()) }),
    keys,
    keyList: new KeyLister({ store, clock, reads, partitions }),
    keyDetails: new KeyDetailsReader({ store, reads, partitions, keys }),
    timers: new TimerLister({ store, clock, reads, partitions }),
    deliveries: new Deliveries({ engine, state, declared, partitions, commands, reads, audit, keys }),
    timeline: new TimelineReader({ store, reads, partitions }),
    gaps: new GapReader({ store, clock, partitions }),
    queries,
    commands,
    audit,
    deadLetters,
    operations,
    letterOperations: new LetterOperations({ engine, state, declared, partitions, deadLetters, audit }),
    schedules,
    leftovers,
    retention: retentionOf(engine, state, declared, partitions),
    threads,
    transports,
    idle: (timeoutMs) =>
      within(clock, timeoutMs, async (deadline) => {
        await engine.eventLog.idle(deadline);
        await partitions.idle(partitions.all, deadline);
      }),
  };
  return parts;
}

/** The inputs to an engine's context other than its options. */
interface ContextMeans {
  readonly clock: Clock;
  readonly log: Logger;
  readonly state: EngineState;
  readonly declared: DeclaredPipelines;
  readonly provenStates: ReadonlySet<string>;
  partitions(): Partitions;
  fleet(): Fleet;
}

function contextOf(options: MillOptions, { clock, log, state, declared, provenStates, partitions, fleet }: ContextMeans): EngineContext {
  const { store, random = Math.random, tracing } = options;
  const limits = limitsWith(options.limits ?? {});
  const memory = new Memory(limits.memoryBytes);
  const ids = new Ids(clock, random);
  return {
    store,
    clock,
    random,
    newId: () => ids.next(),
    limits,
    memory,
    log,
    tracing: tracing && steadyTracing(tracing, log),
    pipelines: declared.byName,
    turns: new TurnsUnderWay(),
    commitWatch: new CommitWatch(),
    room: new SendRoom({
      clock,
      log,
      limits,
      depth: (pipeline) => partitions().counters(pipeline).depth,
      isCounted: (pipeline) => partitions().isCounted(pipeline),
    }),
    eventLog: new EventLog({
      store,
      clock,
      memory,
      reader: (partition) => partitions().at(partition),
      counters: (pipeline) => partitions().counters(pipeline),
      checkOpen: () => state.checkWorking(),
    }),
    failuresInCommon: new FailuresInCommon(clock),
    provenStates,
    held: () => fleet().held(),
    fatal: (error) => state.fail(error),
  };
}

/** The inputs to schedules other than their pipelines. */
interface SchedulesParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly state: EngineState;
  parts(): EngineParts;
}

function schedulesOf(pipelines: readonly AnyPipeline[], { clock, log, state, parts }: SchedulesParts): Schedules {
  const own = () => parts().schedules.pipeline as AnyPipeline;
  return new Schedules(
    {
      clock,
      log,
      isStopping: () => state.isStopping,
      home: (pipeline) => parts().partitions.ofKey(pipeline, pipeline),
      idle: (pipeline, deadline) => parts().partitions.idle(parts().partitions.of(pipeline), deadline),
      note: (by, deed) => parts().audit.note(by, deed),
      command: async (command) => void (await parts().door.take(own(), command, {})),
      finished: (schedule) => parts().partitions.ofKey(own().name, schedule).finished(schedule),
      state: (schedule, { isWaiting }) => parts().keys.state(own(), schedule, isWaiting ? {} : { waitMs: 0 }),
      query: (table) => parts().queries.own(table),
      runWork: (pipeline) => new RunWork(parts(), pipeline),
    },
    pipelines,
  );
}

function retentionOf(engine: EngineContext, state: EngineState, declared: DeclaredPipelines, partitions: Partitions): RetentionSweep {
  const { store, clock, log } = engine;
  const swept = partitions.all.map((partition) => ({ partition, pipeline: declared.all.get(partition.id.pipeline) as AnyPipeline }));
  const failed = (error: unknown) => {
    // This is the only way for an idle engine to learn that its store is gone.
    if (error instanceof MillraceError && error.code === 'MILL_STORE_MOVED') state.fail(error);
    else log.warn(faultFields(faultOf(error)), 'retention failed');
  };
  return new RetentionSweep({ store, clock, failed }, swept);
}
