import { isProcessFault } from './faults.ts';
import type { FleetOutcome } from './harness.ts';
import type { Standstill } from './pauses.ts';

/** Longer standstills are listed individually, in milliseconds. */
const goalMs = 5_000;

/** Returns the final table. */
export function linesOf({ answers, refusalMsMax, silent, acknowledged, findings, fenced, standstills }: FleetOutcome): readonly string[] {
  const { applied, lost, duplicates, orderBreaks, repeatedCalls, lateCalls } = findings;
  const { accepted, duplicate, rejected, refused, lost: unanswered } = answers;
  const byFault = Map.groupBy(standstills, ({ fault }) => fault);
  return [
    row('acknowledged', `${acknowledged} events (answers: ${accepted} accepted, ${duplicate} duplicates, ${rejected} rejected)`),
    row(
      'requests',
      `${refused} refused, ${unanswered} without an answer, ${silent} of these by a process that could have answered; refused after at most ${ms(refusalMsMax)}`,
    ),
    row('applied', `${applied} events`),
    row('lost', String(lost)),
    row('duplicates', String(duplicates)),
    row('order breaks', String(orderBreaks)),
    row('fenced commits', String(fenced)),
    row('calls', `${repeatedCalls} repeated, ${lateCalls} behind a later one of their key`),
    ...Array.from(byFault, ([fault, all]) => row(fault, `${all.length} times; ${times(all, isProcessFault(fault))}`)),
    ...totals(standstills),
    ...standstills.filter(({ firstMs = 0 }) => firstMs > goalMs).map(lineOfLong),
  ];
}

function lineOfLong({ fault, second, partitions, firstMs = 0 }: Standstill): string {
  return row('longer', `${fault}, ${second} s after the first one, about ${partitions} partitions: ${ms(firstMs)}`);
}

function totals(all: readonly Standstill[]): readonly string[] {
  const ofProcesses = all.filter(({ fault }) => isProcessFault(fault));
  return ofProcesses.length === 0 ? [] : [row('all of these', times(ofProcesses, true))];
}

function times(all: readonly Standstill[], isElsewhere: boolean): string {
  const firsts = spread(all.flatMap(({ firstMs }) => firstMs ?? []));
  const every = spread(all.flatMap(({ allMs }) => allMs ?? []));
  return isElsewhere
    ? `first turn of its keys elsewhere ${firsts}; of its last partition ${every}`
    : `first turn after it was back ${firsts}; of the last partition ${every}`;
}

function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const last = sorted.at(-1);
  return last === undefined ? 'never' : `p50 ${ms(sorted[Math.floor(sorted.length / 2)] ?? last)}, maximum ${ms(last)}`;
}

function ms(value: number): string {
  return `${Math.round(value)} ms`;
}

function row(name: string, text: string): string {
  return `${name.padEnd(19)}${text}`;
}
