import type { SystemCommand } from '../src/cli/index.ts';
import type { ConfigurableSystem, System } from '../src/server/index.ts';
import { commands as ofAccounts } from './accounts/commands.ts';
import { accounts } from './accounts/index.ts';
import { events } from './events/index.ts';
import { messages } from './messages/index.ts';
import { commands as ofRockets } from './rockets/commands.ts';
import { rockets } from './rockets/index.ts';
import { commands as ofWorkers } from './workers/commands.ts';
import { workers } from './workers/index.ts';

/** The systems that come with Millrace, in the order of its documentation. */
export const systems: readonly (System | ConfigurableSystem)[] = [rockets, events, accounts, messages, workers];

/** The systems' commands, in the same order. */
export const commands: readonly SystemCommand[] = [...ofRockets, ...ofAccounts, ...ofWorkers];
