import test from 'node:test';
import { standsAttack } from './stands-attack.fixture.test.ts';

test('the server stands a longer attack on every route, and serves others meanwhile', async (context) => {
  await standsAttack(context, 20_261_121, 12_000);
});
