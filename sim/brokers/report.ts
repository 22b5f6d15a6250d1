import type { BrokersOutcome } from './harness.ts';

/** Returns the final table. */
export function linesOf({ events, repeatedBatches, faults, takeOvers, harms, counted, findings }: BrokersOutcome): readonly string[] {
  const byFault = Map.groupBy(faults, (fault) => fault);
  const { applied, repeated, lost, duplicates, orderBreaks, delivered, repeats } = findings;
  return [
    row('written', `${events} events, ${repeatedBatches} batches of them again`),
    row('faults', Array.from(byFault, ([fault, all]) => `${all.length} ${fault}`).join(', ')),
    row('rebalances', `${harms.rebalances} forced by faults of processes`),
    row('take-overs', `${takeOvers.slices} of slices, with them ${takeOvers.partitions} of partitions of the topic`),
    row('applied', `${applied} events, and ${repeated} of them again, which the producer had repeated`),
    row('lost', String(lost)),
    row('duplicates', String(duplicates)),
    row('order breaks', String(orderBreaks)),
    // The counters of killed processes are those read just before the kill.
    row('dropped batches', `${counted.droppedBatches}, ${harms.lateBatches} of them by ${harms.zombies} zombies`),
    row('fenced commits', String(counted.fencedCommits)),
    row('delivered', `${delivered} deliveries, ${repeats} repeats under their ids`),
    row('broker killed', `${harms.killsUnderDeliveries} times while deliveries were waiting, at most ${harms.deliveriesWaitingMax}`),
  ];
}

function row(name: string, text: string): string {
  return `${name.padEnd(19)}${text}`;
}
