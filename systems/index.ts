import type { ConfigurableSystem, System } from '../src/index.ts';
import { accounts } from './accounts/index.ts';
import { events } from './events/index.ts';
import { messages } from './messages/index.ts';
import { rockets } from './rockets/index.ts';
import { workers } from './workers/index.ts';

/** The systems that come with Millrace, in the order of its documentation. */
export const systems: readonly (System | ConfigurableSystem)[] = [rockets, events, accounts, messages, workers];
