/** Compares Millrace on MariaDB with a bare loop on the same server: `npm run mysql -- --help`. */
import { compare } from './comparison.ts';
import { comparisons } from './peers/index.ts';
import { goalLines } from './report/goals.ts';

const ours = 'millrace-mysql';

await compare({
  command: 'npm run mysql',
  peers: comparisons.mysql,
  ours,
  prefix: 'mysql-',
  conclude: (summaries) => goalLines(ours, { summaries, fleets: [], inboxes: [], rounds: [] }),
});
