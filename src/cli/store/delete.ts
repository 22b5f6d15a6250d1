import type { Command } from 'commander';
import type { Environment } from '../../configuration/setting.ts';
import { forgetSchedule } from '../../engine/schedules/forget-schedule.ts';
import { schedulesName } from '../../engine/schedules/schedules.ts';
import { MillraceError } from '../../errors.ts';
import type { Store, StoredPipeline } from '../../store/store.ts';
import { readDatabaseSetting } from '../configuration.ts';
import { type Database, describeDatabase } from '../database.ts';
import { storeFor } from '../store-for.ts';
import { UsageError } from '../usage-error.ts';
import { inventoryTable } from './inventory-table.ts';
import { storedIn, withStore } from './stored.ts';

/** Adds `millrace store delete`. */
export function addStoreDelete(store: Command, environment: Environment): void {
  store
    .command('delete')
    .summary('delete everything stored for a pipeline')
    .description(
      'Deletes everything stored for a pipeline: its inbox rows, events, states, timers, deliveries, outcomes, dead letters and schedule, but no rows of tables. ' +
        'Refuses while a server runs on the database. A pipeline that is still declared starts empty at the next start.',
    )
    .argument('<pipeline>', 'the name of the pipeline')
    .option('--database <url>', 'postgres://USER@HOST/NAME, mysql://USER@HOST/NAME, sqlite:PATH, or a path ending in .db or .sqlite')
    .option('--schedule', 'delete only its schedule')
    .option('--yes', 'delete it; without this the command only prints what it would delete, and exits with 2')
    .addHelpText(
      'after',
      `\nExamples:\n  $ millrace store delete orders\n  $ millrace store delete orders --database ./data/millrace.db --yes`,
    )
    .action(async (pipeline: string, options: Options) => {
      const database = readDatabaseSetting(options.database, environment);
      const found = findIn(await storedIn(database), pipeline, options.schedule === true);
      if (!options.yes) {
        process.stdout.write(describe(found));
        throw new UsageError(`store delete: expected --yes to delete this; nothing was deleted`);
      }
      await deleteFrom(database, pipeline, found);
      process.stdout.write(`deleted from ${describeDatabase(database)}:\n${describe(found)}`);
    });
}

/** As typed. */
interface Options {
  readonly database?: string;
  readonly schedule?: true;
  readonly yes?: true;
}

interface Found {
  /** The stored data of the pipeline to be deleted. */
  readonly stored: readonly StoredPipeline[];
  /** True if its schedule is to be deleted. */
  readonly hasSchedule: boolean;
}

/** Throws `MILL_NOT_FOUND` if there is nothing stored for it. */
function findIn(all: readonly StoredPipeline[], name: string, isScheduleOnly: boolean): Found {
  const stored = isScheduleOnly ? [] : all.filter(({ pipeline }) => pipeline === name);
  const schedules = all.find(({ pipeline }) => pipeline === schedulesName)?.keys ?? [];
  const hasSchedule = schedules.includes(name);
  if (stored.length > 0 || hasSchedule) return { stored, hasSchedule };
  const known = isScheduleOnly ? schedules : all.map(({ pipeline }) => pipeline);
  const what = isScheduleOnly ? 'a pipeline with a stored schedule' : 'a pipeline of the database';
  throw new MillraceError('MILL_NOT_FOUND', `expected ${what} (${known.join(', ') || 'none'}), found ${name}`);
}

function describe({ stored, hasSchedule }: Found): string {
  return (stored.length > 0 ? inventoryTable(stored) : '') + (hasSchedule ? 'its schedule\n' : '');
}

async function deleteFrom(database: Database, pipeline: string, { stored, hasSchedule }: Found): Promise<void> {
  await withStore(database, checkAlone);
  if (hasSchedule) await forgetSchedule(storeFor(database), pipeline);
  if (stored.length > 0) await withStore(database, (store) => store.forget(pipeline));
}

/** Throws `MILL_STORE_OWNED` while a server works on the database. */
async function checkAlone(store: Store): Promise<void> {
  const { self, members } = await store.beat();
  const other = members.find(({ id }) => id !== self);
  if (other !== undefined)
    throw new MillraceError('MILL_STORE_OWNED', `expected no server on the database, found process ${other.pid} on ${other.host}`);
}
