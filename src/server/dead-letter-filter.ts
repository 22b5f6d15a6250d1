import * as z from 'zod';

/** The kinds of dead letters, for queries and answers. */
export const letterKind = z.enum(['event', 'timer', 'outcome', 'delivery', 'gap', 'origin', 'rejected']);

const moment = z.iso.datetime('expected a moment, such as 2026-11-21T09:13:04Z').transform((text) => Date.parse(text));

/** The fields of a dead-letter filter, besides the pipeline. */
export const letterFilter = {
  kind: letterKind.optional().meta({ description: 'Only those of this kind' }),
  key: z.string().optional().meta({ description: 'Only those of this key' }),
  reason: z.string().optional().meta({
    description:
      'Only those whose reason says the same as this one, but for numbers, ids and quoted names. The `reason` of a group is such a text, and so is the reason of any letter.',
  }),
  from: moment.optional().meta({ description: 'Only those that failed at this moment or later' }),
  to: moment.optional().meta({ description: 'Only those that failed before this moment' }),
};
