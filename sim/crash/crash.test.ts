import test from 'node:test';
import { survives } from './survives.fixture.test.ts';

test('all systems keep their promises through kills and a power cut (promises 1 to 8)', (context) => survives(context, 444, 1));
