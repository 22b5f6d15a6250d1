import type { Store } from '../../store/store.ts';
import { sliceOf } from '../identify.ts';
import { schedulesDeclared } from '../store-declaration.ts';
import { schedulesName } from './schedules.ts';

/**
 * Deletes the stored schedule of a pipeline that no longer declares one. The store must be closed, with no engine working on it, and is
 * left closed.
 */
export async function forgetSchedule(store: Store, pipeline: string): Promise<void> {
  await store.open({ pipelines: [schedulesDeclared], tables: [] });
  try {
    const partition = { pipeline: schedulesName, slice: sliceOf(pipeline, store.partitions) };
    const lease = await store.claim(partition);
    const { cursor } = lease.standing;
    const keys = [{ key: pipeline, state: null, next: null, parked: false }];
    const timers = [{ kind: 'timer', key: pipeline, name: 'run', dueAt: null } as const];
    const nothing = {
      holds: [],
      gaps: [],
      releases: [],
      outcomes: [],
      deliveries: [],
      rows: [],
      deadLetters: [],
      resolvedDeadLetters: [],
      sends: [],
    };
    await lease.commit({ cursor, keys, timers, ...nothing });
  } finally {
    await store.close();
  }
}
