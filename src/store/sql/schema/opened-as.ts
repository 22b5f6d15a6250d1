import type { DeclaredPipeline, Opened } from '../../store.ts';
import type { Transaction } from '../connection/connections.ts';
import type { WriteStatements } from '../statements.ts';
import { notePlacements } from './placements.ts';
import { noteShapes } from './state-shapes.ts';

/** Returns the result of an opening, once all tables exist. */
export async function openedAs(
  transaction: Transaction,
  statements: WriteStatements,
  pipelines: readonly DeclaredPipeline[],
): Promise<Opened> {
  const misplaced = await notePlacements(transaction, statements, pipelines);
  const reshaped = await noteShapes(transaction, statements, pipelines);
  const { rows } = await transaction.run({ text: 'SELECT pipeline FROM millrace_pipelines WHERE paused', values: [] });
  const paused = new Set(rows.map(([pipeline]) => pipeline));
  return { reshaped, misplaced, paused: pipelines.map(({ name }) => name).filter((pipeline) => paused.has(pipeline)) };
}
