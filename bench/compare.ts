/** Compares Millrace with its peers on the same work: `npm start -- --help`. */
import { compare } from './comparison.ts';
import { comparisons } from './peers/index.ts';

await compare({ command: 'npm start', peers: comparisons.sqlite, ours: 'millrace', prefix: '', conclude: () => [] });
