import type { Sent } from './sender.ts';

/** Formats the figures of a run, one line per kind. */
export function describeRun(sent: Sent, elapsedMs: number): string {
  const taken = sent.accepted + sent.duplicates;
  const seconds = elapsedMs / 1000;
  const latency = [50, 95, 99].map((percentile) => `p${percentile} ${milliseconds(sent.latencyMicroseconds.percentile(percentile))}`);
  return [
    `messages  ${count(taken)} posted, ${count(sent.accepted)} accepted, ${count(sent.duplicates)} duplicate`,
    `retries   ${count(sent.retries)}`,
    `elapsed   ${seconds.toFixed(1)} s, ${count(Math.round(taken / seconds))} messages/s`,
    `latency   ${latency.join(', ')}, max ${milliseconds(sent.latencyMicroseconds.max)}`,
  ].join('\n');
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

function milliseconds(microseconds: number): string {
  return `${(microseconds / 1000).toFixed(microseconds < 10_000 ? 2 : 0)} ms`;
}
