import type { BrokersOutcome } from './harness.ts';

/** Returns the final table. */
export function linesOf({ events, repeatedBatches, faults, takeOvers, counted, findings }: BrokersOutcome): readonly string[] {
  const byFault = Map.groupBy(faults, (fault) => fault);
  const { applied, lost, duplicates, orderBreaks, delivered, repeats } = findings;
  return [
    row('written', `${events} events, ${repeatedBatches} batches of them again`),
    row('faults', Array.from(byFault, ([fault, all]) => `${all.length} ${fault}`).join(', ')),
    row('take-overs', `${takeOvers.slices} of slices, with them ${takeOvers.partitions} of partitions of the topic`),
    row('applied', `${applied} events`),
    row('lost', String(lost)),
    row('duplicates', String(duplicates)),
    row('order breaks', String(orderBreaks)),
    // The counters of killed processes are those read just before the kill.
    row('repeats refused', String(counted.duplicates)),
    row('dropped batches', String(counted.droppedBatches)),
    row('fenced commits', String(counted.fencedCommits)),
    row('delivered', `${delivered} deliveries, ${repeats} repeats under their ids`),
  ];
}

function row(name: string, text: string): string {
  return `${name.padEnd(19)}${text}`;
}
