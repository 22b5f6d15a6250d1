import { acceptedIsDurable } from './list/accepted-is-durable.ts';
import { access } from './list/access.ts';
import { backups } from './list/backups.ts';
import { boundedDoor } from './list/bounded-door.ts';
import { boundedMemory } from './list/bounded-memory.ts';
import { clocks } from './list/clocks.ts';
import { commands } from './list/commands.ts';
import { databaseFile } from './list/database-file.ts';
import { deliveries } from './list/deliveries.ts';
import { deliveriesOverHttp } from './list/deliveries-over-http.ts';
import { exactlyOnce } from './list/exactly-once.ts';
import { fairDeliveries } from './list/fair-deliveries.ts';
import { fleet } from './list/fleet.ts';
import { goneDeclarations } from './list/gone-declarations.ts';
import { inOrder } from './list/in-order.ts';
import { inbox } from './list/inbox.ts';
import { independentKeys } from './list/independent-keys.ts';
import { inlets } from './list/inlets.ts';
import { kafka } from './list/kafka.ts';
import { mysql } from './list/mysql.ts';
import { namedDuplicates } from './list/named-duplicates.ts';
import { nats } from './list/nats.ts';
import { postgres } from './list/postgres.ts';
import { reading } from './list/reading.ts';
import { safeStop } from './list/safe-stop.ts';
import { schedules } from './list/schedules.ts';
import { sends } from './list/sends.ts';
import { sources } from './list/sources.ts';
import { strayFailures } from './list/stray-failures.ts';
import { systems } from './list/systems.ts';
import { timelines } from './list/timelines.ts';
import { timers } from './list/timers.ts';
import { types } from './list/types.ts';
import { values } from './list/values.ts';
import { visibleFailure } from './list/visible-failure.ts';
import { whatMayNeverHappen } from './list/what-may-never-happen.ts';
import type { Mutant } from './mutant.ts';

/** All mutants, by what they break. */
export const mutants: readonly Mutant[] = [
  ...acceptedIsDurable,
  ...databaseFile,
  ...backups,
  ...exactlyOnce,
  ...inOrder,
  ...independentKeys,
  ...timers,
  ...deliveries,
  ...deliveriesOverHttp,
  ...fairDeliveries,
  ...fleet,
  ...commands,
  ...mysql,
  ...postgres,
  ...inbox,
  ...inlets,
  ...kafka,
  ...nats,
  ...boundedDoor,
  ...sends,
  ...boundedMemory,
  ...safeStop,
  ...schedules,
  ...clocks,
  ...sources,
  ...strayFailures,
  ...visibleFailure,
  ...timelines,
  ...whatMayNeverHappen,
  ...values,
  ...types,
  ...goneDeclarations,
  ...namedDuplicates,
  ...reading,
  ...systems,
  ...access,
];
