import test from 'node:test';
import { standsAttack } from './stands-attack.fixture.test.ts';

test('the server withstands a longer attack on every route while serving others', async (context) => {
  await standsAttack(context, 20_261_121, 12_000);
});
