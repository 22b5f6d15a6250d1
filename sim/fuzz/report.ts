import type { Report } from './campaign.ts';
import { inMebibytes } from './memory.ts';

/** Formats the report, with the faults at the end. */
export function reportText({ seed, faults, attack, bystanders, acceptances, memory, attackedMs, sockets, routes }: Report): string {
  const { tally } = attack;
  const { latencies } = bystanders;
  const sorted = latencies.toSorted((one, other) => one - other);
  const at = (share: number) => `${Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0)} ms`;
  const after = memory.least(attackedMs, Number.POSITIVE_INFINITY);
  const thirds = [0, 1, 2].map((at) => inMebibytes(memory.least((attackedMs * at) / 3, (attackedMs * (at + 1)) / 3)));
  return [
    `${tally.requests} requests on ${tally.attempts} connections in ${Math.round(attackedMs / 1000)} s, seed ${seed}`,
    '',
    'requests by kind',
    ...rows(tally.byKind),
    'answers by status',
    ...rows(tally.byOutcome),
    `routes: ${tally.byRoute.size} tried, including ${routes} from the OpenAPI document`,
    `events: ${acceptances.total.count} accepted, ${acceptances.total.perhaps} more in unanswered requests`,
    `memory: ${inMebibytes(memory.first)} at first, ${inMebibytes(memory.max)} at most; the least ${thirds.join(', ')} in each third, ${inMebibytes(after)} after idle seconds`,
    `sockets: ${sockets.before} before, ${sockets.after} after`,
    `valid requests: ${sorted.length}, p50 ${at(0.5)}, p99 ${at(0.99)}, max ${at(1)}; ${bystanders.resolved} dead letters resolved`,
    '',
    ...faults,
    faults.length === 0 ? 'fuzz: ok' : `fuzz: ${faults.length} faults`,
    '',
  ].join('\n');
}

function rows(counts: ReadonlyMap<string, number>): string[] {
  return [...counts].sort(([one], [other]) => one.localeCompare(other)).map(([name, count]) => `  ${name.padEnd(36)} ${count}`);
}
