import * as z from 'zod';
import { letterFilter } from '../../server/dead-letter-filter.ts';
import type { DeadLetterFilter } from '../../store/store.ts';
import { UsageError } from '../usage-error.ts';

const Filter = z.object({ pipeline: z.string().optional(), ...letterFilter });

/** Returns a filter of dead letters from its texts, which a server reads in the same way. Throws `UsageError`. */
export function letterFilterOf(texts: Readonly<Record<string, unknown>>): DeadLetterFilter {
  const read = Filter.safeParse(texts);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new UsageError(`--${String(issue?.path[0] ?? 'filter').replace('reason', 'like')}: ${issue?.message ?? 'expected a filter'}`);
}
