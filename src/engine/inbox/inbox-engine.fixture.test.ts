import { mysql } from '../../store/mysql/mysql-store.ts';
import { postgres } from '../../store/postgres/postgres-store.ts';
import { sqlite } from '../../store/sqlite/sqlite-store.ts';
import { millrace } from '../mill.ts';
import { stepsOf, Turns } from './steps.fixture.test.ts';

/* An engine in a separate process, for a test that kills it. It notifies its parent once it has handled some rows, and continues. */

const [, , address] = process.argv;
if (address !== undefined && process.send !== undefined) {
  const turns = new Turns();
  const onServer = { partitions: 3, leaseMs: 1_000 };
  const stores = { 'postgres:': () => postgres(address, onServer), 'mysql:': () => mysql(address, onServer) };
  const store = Object.entries(stores).find(([scheme]) => address.startsWith(scheme))?.[1]() ?? sqlite(address);
  await millrace({ store, pipelines: [stepsOf(turns)] }).start();
  await turns.count(1 + Math.floor(Math.random() * 60));
  process.send('handled');
}
