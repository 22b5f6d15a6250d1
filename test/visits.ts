/** The text of a user's module that counts the visits of each page. */
export const visits = `
import { pipeline } from 'millrace';
import * as z from 'zod';

export default pipeline('visits', {
  event: z.object({ page: z.string() }),
  key: (visit) => visit.page,
  state: z.object({ count: z.number() }),
  handle: (_visit, page) => ({ count: (page?.count ?? 0) + 1 }),
});
`;
