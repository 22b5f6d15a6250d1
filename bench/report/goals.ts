import type { RoundResult } from '../http/round.ts';
import type { FleetResult } from '../measures/fleet.ts';
import { type InboxResult, inboxSizes } from '../measures/inbox.ts';
import type { Summary } from '../measures/summary.ts';
import { peerNamed } from '../peers/index.ts';
import { median } from '../work/distribution.ts';
import { faultsOf, ratioToOne } from './fleet.ts';
import { inboxRatio } from './inbox.ts';
import { figure, tableLines } from './table.ts';

export interface GoalFigures {
  readonly summaries: readonly Summary[];
  readonly fleets: readonly FleetResult[];
  readonly inboxes: readonly InboxResult[];
  readonly rounds: readonly (readonly RoundResult[])[];
}

interface Goal {
  readonly what: string;
  readonly measured: number;
  readonly digits: number;
  readonly atLeast?: number;
  readonly atMost?: number;
}

const loadOfBatches = 'ledger, batches of 100';

/**
 * Compares Millrace on a database server with its goals; ratios are medians of those within each run. Measurements that were not made are
 * left out.
 *
 * @param ours the peer that is Millrace
 */
export function goalLines(ours: string, { summaries, fleets, inboxes, rounds }: GoalFigures): string[] {
  const goals = [
    ...goalsOfDrain(ours, summaries),
    ...goalsOfOurs(summaries.find(({ peer }) => peer === ours)),
    ...goalsOfFleet(fleets),
    ...goalsOfInboxes(inboxes),
    ...goalsOverHttp(rounds),
  ];
  const measured = goals.filter((goal) => !Number.isNaN(goal.measured));
  if (measured.length === 0) return [];
  return ['Goals', ...tableLines(['', 'goal', 'measured', 'met'], measured.map(rowOf))];
}

function rowOf(goal: Goal): string[] {
  const { what, measured, digits, atLeast, atMost } = goal;
  const bound = [...(atLeast === undefined ? [] : [`≥ ${atLeast}`]), ...(atMost === undefined ? [] : [`≤ ${atMost}`])].join(', ');
  const isMet = measured >= (atLeast ?? Number.NEGATIVE_INFINITY) && measured <= (atMost ?? Number.POSITIVE_INFINITY);
  return [what, bound === '' ? '–' : bound, figure(measured, digits), bound === '' ? '–' : isMet ? 'yes' : 'no'];
}

function goalsOfDrain(ours: string, summaries: readonly Summary[]): Goal[] {
  return summaries.flatMap(({ peer, drainRatio }): Goal[] => {
    const what = `drain, relative to ${peerNamed(peer).title}`;
    if (peer === ours) return [];
    if (peer.startsWith('bare-')) return [{ what, measured: drainRatio, digits: 2, atLeast: 0.5 }];
    const least: Readonly<Record<string, number>> = { 'graphile-worker': 20, 'pg-boss': 40 };
    const atLeast = least[peer];
    return [{ what, measured: drainRatio, digits: 1, ...(atLeast !== undefined && { atLeast }) }];
  });
}

function goalsOfOurs(summary: Summary | undefined): Goal[] {
  if (summary === undefined) return [];
  const { missing, duplicates, overwritten, miscounted, outOfOrderInBatches, outOfOrderOneByOne } = summary;
  const faults = missing + duplicates + overwritten + miscounted + outOfOrderInBatches + outOfOrderOneByOne;
  return [
    { what: 'end to end at half of the greatest rate, p99 in ms', measured: summary.halfP99, digits: 1, atMost: 25 },
    { what: 'faults in the history and the states', measured: faults, digits: 0, atMost: 0 },
  ];
}

function goalsOfFleet(fleets: readonly FleetResult[]): Goal[] {
  if (fleets.length === 0) return [];
  return [
    { what: 'drain of two processes, relative to one', measured: ratioToOne(fleets, 2), digits: 2 },
    { what: 'faults with one process and two', measured: fleets.reduce((sum, one) => sum + faultsOf(one), 0), digits: 0, atMost: 0 },
  ];
}

function goalsOfInboxes(inboxes: readonly InboxResult[]): Goal[] {
  return inboxSizes.map((size) => ({
    what: `events taken in from transactions with ${size} each, relative to pg-boss`,
    measured: inboxRatio(inboxes, size),
    digits: 1,
    atLeast: 10,
  }));
}

function goalsOverHttp(rounds: readonly (readonly RoundResult[])[]): Goal[] {
  const own = rounds.flat().filter(({ name }) => name === loadOfBatches);
  const measured = median(own.map(({ eventsPerEcho }) => eventsPerEcho ?? Number.NaN));
  return [{ what: `over HTTP, ${loadOfBatches}: events accepted and processed per echo request`, measured, digits: 2, atLeast: 0.4 }];
}
