import type { PipelineCounts } from '../engine/counts.ts';
import type { SourceStatus } from '../engine/inlets/source-reader.ts';
import type { SourceTrouble } from '../engine/inlets/source-troubles.ts';
import { describeLeftover } from '../engine/leftovers/leftover.ts';
import type { Mill } from '../engine/mill.ts';
import type { EndpointWaits } from '../engine/outbox/endpoint-gate.ts';
import { describeLoop, type SendLoop } from '../engine/send-loop.ts';
import { messageOf } from '../errors.ts';
import type { AnyPipeline } from '../pipeline/pipeline.ts';

export const concernKinds = [
  'loop',
  'paused',
  'parked',
  'dead letter',
  'stopped',
  'failed',
  'circuit',
  'leftover',
  'gap',
  'source',
] as const;

/**
 * Something that a person should look at.
 *
 * - `loop`, `paused`, `parked`, `stopped`, `source`, `leftover`: it is stuck until somebody acts.
 * - `gap`: it is stuck until a number arrives, which somebody else has to send.
 * - `dead letter`, `failed`: something failed; everything after it continues.
 * - `circuit`: it continues by itself once the other side answers.
 */
export interface Concern {
  readonly kind: (typeof concernKinds)[number];
  /** The pipeline. */
  readonly where: string;
  readonly what: string;
  readonly why: string;
  /** The number of items that `what` counts; 1 if absent. */
  readonly count?: number;
  /** When the oldest of them began, in milliseconds since the epoch, where that is known without asking the store. */
  readonly since?: number;
  /** The path of a route with details. */
  readonly link: string;
}

/** Returns whether it needs a person to proceed. */
export function needsPerson({ kind }: Concern): boolean {
  return kind !== 'circuit';
}

/** Finds everything that waits for a person, most pressing first: counted from the store, so that a restart forgets none of it. */
export async function findConcerns(mill: Mill): Promise<readonly Concern[]> {
  const pipelines = Array.from(mill.pipelines.values());
  const counts = Object.entries(mill.counts());
  const schedules = await Promise.all(pipelines.map((pipeline) => concernOfSchedule(mill, pipeline)));
  return [
    ...mill.loops().map(concernOfLoop),
    ...counts.flatMap(([name, count]) => concernOfPause(name, count)),
    ...counts.flatMap(([name, count]) => concernOfParked(name, count)),
    ...pipelines.flatMap((pipeline) => concernOfGaps(pipeline, counts.find(([name]) => name === pipeline.name)?.[1])),
    ...counts.flatMap(([name, count]) => concernOfDeadLetters(name, count)),
    ...schedules.flat(),
    ...pipelines.flatMap(({ name }) => concernsOfSource(name, mill.source(name))),
    ...pipelines.flatMap(concernsOfCircuits),
    ...mill.endpointWaits().flatMap((waits) => concernsOfWaits(mill, waits)),
    ...mill.leftovers().map((leftover): Concern => {
      const why = `Stored work is kept although ${describeLeftover(leftover)}. Declare it again, or delete the stored work.`;
      return { kind: 'leftover', where: leftover.pipeline, what: 'leftover', why, link: '/health' };
    }),
  ];
}

function concernOfLoop(loop: SendLoop): Concern {
  const why = `${describeLoop(loop)}. Pause it and discard the waiting events, or raise the limit on sends (MAX_SENDS).`;
  return { kind: 'loop', where: loop.pipelines.join(', '), what: 'loop of sends', why, link: '/pipelines' };
}

function concernOfPause(where: string, { paused, depth }: PipelineCounts): readonly Concern[] {
  if (!paused) return [];
  const why = `No turns start, and ${countOf(depth, 'event')} ${depth === 1 ? 'waits' : 'wait'}. Resume it, or discard the waiting events.`;
  return [{ kind: 'paused', where, what: 'pipeline paused', why, link: '/pipelines' }];
}

function concernOfParked(where: string, { parked }: PipelineCounts): readonly Concern[] {
  if (parked === 0) return [];
  const why = 'New events of these keys wait. Redrive or discard the dead letter of each key.';
  return [{ kind: 'parked', where, what: countOf(parked, 'parked key'), why, link: lettersOf(where) }];
}

/** Only if the pipeline limits such waits. */
function concernOfGaps({ name: where, order }: AnyPipeline, count: PipelineCounts | undefined): readonly Concern[] {
  if (count === undefined || order?.alarmAfterMs === undefined || count.gaps === 0 || count.oldestGapMs < order.alarmAfterMs) return [];
  const why = 'Their later events wait. Send the missing numbers, or skip the gaps.';
  return [{ kind: 'gap', where, what: `${countOf(count.gaps, 'key')} missing a number`, why, link: `/pipelines/${where}/gaps` }];
}

function concernOfDeadLetters(where: string, { deadLetters, parked }: PipelineCounts): readonly Concern[] {
  if (deadLetters === 0) return [];
  const among = parked === 0 ? '' : `, including those of ${countOf(parked, 'parked key')}`;
  const why = `They failed permanently${among}. Redrive or discard each.`;
  return [{ kind: 'dead letter', where, what: countOf(deadLetters, 'dead letter'), why, link: lettersOf(where) }];
}

async function concernOfSchedule(mill: Mill, { name, schedule }: AnyPipeline): Promise<readonly Concern[]> {
  if (schedule === undefined) return [];
  const link = `/pipelines/${name}/schedule`;
  try {
    const { status, nextRunAt, lastFailure } = await mill.schedule(name).status();
    if (status === 'paused' || status === 'stopped') {
      const until = nextRunAt === null ? 'No run is due until someone starts it.' : `It resumes at ${new Date(nextRunAt).toISOString()}.`;
      return [{ kind: 'stopped', where: name, what: `schedule ${status}`, why: until, link }];
    }
    return lastFailure === null ? [] : [{ kind: 'failed', where: name, what: 'last run failed', why: lastFailure, link }];
  } catch (error) {
    return [{ kind: 'failed', where: name, what: 'schedule unreadable', why: messageOf(error), link }];
  }
}

/** For topics, or partitions of them, whose records are not taken in: one concern for each status, with the reason of the first. */
function concernsOfSource(where: string, source: SourceStatus | undefined): readonly Concern[] {
  const troubles = Map.groupBy(source?.troubles ?? [], ({ status }) => status);
  return Array.from(troubles.values(), (alike) => concernOfTopic(where, source?.name ?? '', alike));
}

function concernOfTopic(where: string, topic: string, alike: readonly SourceTrouble[]): Concern {
  const [{ status, partition, reason }] = alike as readonly [SourceTrouble, ...SourceTrouble[]];
  const count = alike.length;
  const others = count === 1 ? '' : ` (and ${countOf(count - 1, 'other')})`;
  const since = Math.min(...alike.map((trouble) => trouble.since ?? Number.POSITIVE_INFINITY));
  const about = { kind: 'source' as const, where, count, link: '/health', ...(Number.isFinite(since) && { since }) };
  if (status === 'unreadable') return { ...about, what: 'topic not read', why: `${topic} cannot be read: ${reason}` };
  const name = `Partition ${partition} of ${topic}${others}`;
  if (status === 'not read') return { ...about, what: `${countOf(count, 'partition')} not read`, why: `${name} is not read: ${reason}` };
  if (status === 'not taken')
    return {
      ...about,
      what: `${countOf(count, 'partition')} not taken`,
      why: `The store does not take the records of ${topic}, partition ${partition}${others}: ${reason}`,
    };
  return {
    ...about,
    what: `${countOf(count, 'partition')} held up`,
    why: `${name} is held up, since its next record has no room: ${reason}`,
  };
}

/** For transports that report their circuit's status, like those of `http(…)`. */
function concernsOfCircuits({ name, deliver }: AnyPipeline): readonly Concern[] {
  return Object.entries(deliver).flatMap(([endpoint, { to }]) => {
    if (!('circuit' in to) || to.circuit === 'closed') return [];
    const why = `Calls to ${endpoint} fail, so few are made. Its deliveries resume once it answers.`;
    return [{ kind: 'circuit' as const, where: name, what: `circuit ${to.circuit}`, why, link: '/pipelines' }];
  });
}

/**
 * For endpoints that make no calls, or none to some addresses; and for those holding so many deliveries that the pipeline's limit is near.
 */
function concernsOfWaits(mill: Mill, { pipeline: where, endpoint, postponed, silentAddresses, restingAddresses, crowding }: EndpointWaits) {
  const concerns: Concern[] = [];
  const concern = (what: string, why: string, count = 1) => concerns.push({ kind: 'circuit', where, what, why, count, link: '/health' });
  const to = mill.pipelines.get(where)?.deliver[endpoint]?.to;
  const isToldByCircuit = to !== undefined && 'circuit' in to && to.circuit !== 'closed';
  if (postponed !== null && !isToldByCircuit)
    concern('calls postponed', `${endpoint} makes no calls: ${postponed}. No attempt is counted.`);
  const [first] = silentAddresses;
  if (first !== undefined) {
    const others = restingAddresses === 1 ? '' : `, and ${countOf(restingAddresses - 1, 'other')}`;
    const silence = `${first.address} has not answered for ${Math.round(first.silentMs / 1_000)} s (${first.reason})${others}`;
    concern(
      `${countOf(restingAddresses, 'silent receiver')}`,
      `Calls to ${endpoint} get no answer: ${silence}. They resume once it answers.`,
      restingAddresses,
    );
  }
  const { deliveries = 0 } = mill.counts()[where] ?? {};
  if (crowding.length > 0 && deliveries >= mill.limits.deliveries / 2) {
    const bound = mill.limits.deliveries.toLocaleString('en');
    concern(
      countOf(deliveries, 'waiting delivery', 'waiting deliveries'),
      `At ${bound} the pipeline accepts no events. Many are for ${crowding.join(', ')}.`,
      deliveries,
    );
  }
  return concerns;
}

function lettersOf(pipeline: string): string {
  return `/dead-letters?pipeline=${pipeline}`;
}

function countOf(count: number, noun: string, nouns = `${noun}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? noun : nouns}`;
}
