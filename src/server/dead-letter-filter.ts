import * as z from 'zod';

/** The kinds of dead letters, for queries and answers. */
export const letterKind = z.enum(['event', 'timer', 'outcome', 'delivery', 'gap', 'origin', 'rejected']);

const moment = z.iso.datetime('expected a time, such as 2026-11-21T09:13:04Z').transform((text) => Date.parse(text));

/** The fields of a dead-letter filter other than the pipeline. */
export const letterFilter = {
  kind: letterKind.optional().meta({ description: 'Only dead letters of this kind' }),
  key: z.string().optional().meta({ description: 'Only dead letters of this key' }),
  reason: z.string().optional().meta({
    description:
      'Only dead letters with the same reason, apart from numbers, ids and quoted names. Takes the `reason` of a group or of a dead letter.',
  }),
  from: moment.optional().meta({ description: 'Only dead letters that failed at or after this time' }),
  to: moment.optional().meta({ description: 'Only dead letters that failed before this time' }),
};
