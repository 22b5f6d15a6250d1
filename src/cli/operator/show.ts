import type { Command } from 'commander';
import type { Environment } from '../../configuration/setting.ts';
import { type DeskOptions, deskFor, operatorCommand, print, withFile } from './operator-command.ts';
import { printTable } from './print-table.ts';
import type { Item } from './server-calls.ts';

/** Adds `millrace show`. */
export function addShow(program: Command, environment: Environment): void {
  withFile(operatorCommand(program, 'show', 'one key: its state and pending work'), 'looks')
    .description('Shows one key: its status, its state, its held events, its timers and its deliveries.')
    .argument('<pipeline>', 'the name of a pipeline')
    .argument('<key>', 'the key')
    .addHelpText('after', '\nExamples:\n  $ millrace show orders ord_7\n  $ millrace show orders ord_7 --json')
    .action(async (pipeline: string, key: string, options: DeskOptions) => {
      const found = await (await deskFor(options, environment)).key(pipeline, key);
      print(found, options, () => describeKey(found));
    });
}

/** Returns why the last call of a delivery failed; empty if none has. */
export function reasonOf(lastFailure: unknown): unknown {
  return lastFailure === null || lastFailure === undefined ? null : Object(lastFailure).reason;
}

function describeKey({ key, status, pending, next, parkedBy, state, held, timers, deliveries }: Item): string {
  const facts = [
    ['key', key],
    ['status', status],
    ['pending', pending],
    ['next number', next],
    ['parked by', parkedBy === null ? null : `${Object(parkedBy).deadLetter}: ${Object(parkedBy).reason}`],
  ];
  const table = (title: string, titles: readonly string[], rows: readonly (readonly unknown[])[]) =>
    rows.length === 0 ? [] : [`${title}\n${printTable(titles, rows)}`];
  const items = (list: unknown) => list as readonly Item[];
  return [
    `${facts.map(([name, value]) => `${String(name).padEnd(12)}${value ?? '-'}`).join('\n')}\n`,
    `state\n${JSON.stringify(state, null, 2)}\n`,
    ...table(
      'held events',
      ['ID', 'NUMBER', 'ACCEPTED', 'WAITS FOR', 'ATTEMPTS', 'RETRY'],
      items(held).map((one) => [one.id, one.number, one.acceptedAt, one.reason, one.attempts, one.retryAt]),
    ),
    ...table(
      'timers',
      ['NAME', 'DUE'],
      items(timers).map((one) => [one.name, one.dueAt]),
    ),
    ...table(
      'deliveries',
      ['ENDPOINT', 'ID', 'ATTEMPTS', 'DUE', 'LAST FAILURE'],
      items(deliveries).map((one) => [one.endpoint, one.id, one.attempts, one.dueAt, reasonOf(one.lastFailure)]),
    ),
  ].join('\n');
}
