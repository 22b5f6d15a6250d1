import type { Command } from 'commander';
import type { Environment } from '../../configuration/setting.ts';
import { addActs } from './acts.ts';
import { addDeadLetters } from './dead-letters.ts';
import { addKeys } from './keys.ts';
import { addOperations } from './operations.ts';
import { addResolve } from './resolve.ts';
import { addSchedules } from './schedules.ts';
import { addShow } from './show.ts';
import { addStatus } from './status.ts';
import { addWaiting } from './waiting.ts';

/** Adds the operator commands, which ask a server. */
export function addOperator(program: Command, environment: Environment): void {
  addStatus(program, environment);
  addKeys(program, environment);
  addShow(program, environment);
  addDeadLetters(program, environment);
  addResolve(program, environment, 'redrive');
  addResolve(program, environment, 'discard');
  addOperations(program, environment);
  addWaiting(program, environment);
  addSchedules(program, environment);
  addActs(program, environment);
}
