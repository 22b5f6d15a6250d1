import type { Command } from 'commander';
import type { Environment } from '../../configuration/setting.ts';
import { UsageError } from '../usage-error.ts';
import { type ActOptions, callsFor, deskFor, operatorCommand, pathOfKey, print, withFile, withReason } from './operator-command.ts';
import type { Item } from './server-calls.ts';

/** Actions on a pipeline or a key. */
const acts = {
  pause: { summary: 'stop starting turns of a pipeline', of: 'pipeline', done: 'paused' },
  resume: { summary: 'resume a paused pipeline or a parked key', of: 'either', done: 'resumed' },
  park: { summary: 'stop starting turns of a key, and hold its events', of: 'key', done: 'parked' },
  'skip-gap': { summary: 'skip the missing numbers of a key', of: 'key', done: 'skipped its missing numbers' },
} as const;

/** Adds `millrace pause`, `resume`, `park` and `skip-gap`. */
export function addActs(program: Command, environment: Environment): void {
  for (const act of Object.keys(acts) as (keyof typeof acts)[]) addAct(program, environment, act);
}

function addAct(program: Command, environment: Environment, act: keyof typeof acts): void {
  const { summary, of, done } = acts[act];
  const command = withReason(operatorCommand(program, act, summary))
    .description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}. The effect survives restarts, and covers the whole fleet.`)
    .argument('<pipeline>', 'the name of a pipeline');
  if (of === 'key') command.argument('<key>', 'the key');
  else withFile(command, 'acts');
  if (of === 'either') command.argument('[key]', 'a parked key; without it the pipeline is resumed');
  command.action(async (pipeline: string, ...others: readonly unknown[]) => {
    const key = of === 'pipeline' ? undefined : (others[0] as string | undefined);
    const options = command.opts<ActOptions>();
    if (pipeline === '' || key === '') throw new UsageError('expected non-empty names');
    const answer = await (key === undefined
      ? actOnPipeline(pipeline, act as 'pause' | 'resume', options, environment)
      : actOnKey({ pipeline, key }, act, options, environment));
    print(answer, options, () => `${[pipeline, key].filter((name) => name !== undefined).join(' ')}: ${done}\n`);
  });
}

async function actOnPipeline(pipeline: string, act: 'pause' | 'resume', options: ActOptions, environment: Environment): Promise<Item> {
  return (await deskFor(options, environment)).setPaused(pipeline, act, options.reason);
}

interface NamedKey {
  readonly pipeline: string;
  readonly key: string;
}

async function actOnKey({ pipeline, key }: NamedKey, act: string, options: ActOptions, environment: Environment): Promise<Item> {
  const { file, reason } = options;
  if (file !== undefined) throw new UsageError('expected a server for a key: only the program of its pipeline can resume it');
  return callsFor(options, environment).post(`${pathOfKey(pipeline, key)}/${act}`, reason === undefined ? {} : { reason });
}
