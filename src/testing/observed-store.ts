import { MillraceError } from '../errors.ts';
import type { Inbox, Lease, Store } from '../store/store.ts';

/** A store that counts its pending calls and can fail commits, as a crash would. */
export interface ObservedStore extends Store {
  /** Number of pending calls. */
  readonly underWay: number;
  /** Number of calls so far. */
  readonly calls: number;
  /** Answers and applies no call from now on, as after a power cut. */
  cut(): void;
}

export interface CommitFaults {
  /** Fails every commit once before it takes effect. Its turns run again. */
  readonly crashBeforeCommit: boolean;
}

/** Wraps a store: every call is passed through, counted, and possibly failed. */
export function observe(store: Store, faults: CommitFaults): ObservedStore {
  let underWay = 0;
  let calls = 0;
  const failed = new Set<string>();
  let isCut = false;

  async function count<T>(call: () => Promise<T>): Promise<T> {
    if (isCut) return new Promise(() => {});
    underWay += 1;
    calls += 1;
    try {
      return await call();
    } finally {
      underWay -= 1;
    }
  }

  function observeLease(lease: Lease): Lease {
    const partition = `${lease.partition.pipeline}/${lease.partition.slice}`;
    return {
      partition: lease.partition,
      standing: lease.standing,
      commit: (work) =>
        count(async () => {
          if (!faults.crashBeforeCommit || failed.delete(partition)) return lease.commit(work);
          failed.add(partition);
          throw new MillraceError('MILL_STORE_UNAVAILABLE', 'a crash before the commit, as requested by the test');
        }),
      takeInbox: (takings) => count(async () => (await lease.takeInbox?.(takings)) ?? []),
      takeBatch: (batch) => count(() => lease.takeBatch(batch)),
      release: () => count(() => lease.release()),
    };
  }

  function observeInbox(inbox: Inbox): Inbox {
    return {
      waiting: (...asked) => count(() => inbox.waiting(...asked)),
      rows: (query) => count(() => inbox.rows(query)),
      listen: (grown) => inbox.listen(grown),
    };
  }

  return {
    kind: store.kind,
    dialect: store.dialect,
    partitions: store.partitions,
    keyBytesMax: store.keyBytesMax,
    leaseMs: store.leaseMs,
    inbox: store.inbox && observeInbox(store.inbox),
    get underWay() {
      return underWay;
    },
    get calls() {
      return calls;
    },
    cut() {
      isCut = true;
    },
    open: (...asked) => count(() => store.open(...asked)),
    claim: (partition) => count(async () => observeLease(await store.claim(partition))),
    beat: () => count(() => store.beat()),
    listen: (listener) => store.listen(listener),
    append: (events) => count(() => store.append(events)),
    sourceOffsets: (...asked) => count(() => store.sourceOffsets(...asked)),
    progress: (partition) => count(() => store.progress(partition)),
    read: (...asked) => count(() => store.read(...asked)),
    load: (...asked) => count(() => store.load(...asked)),
    held: (...asked) => count(() => store.held(...asked)),
    heldKeys: (partition, after, limit) => count(() => store.heldKeys(partition, after, limit)),
    gaps: (partition, query) => count(() => store.gaps(partition, query)),
    dueCauses: (...asked) => count(() => store.dueCauses(...asked)),
    nextCauseDue: (partition, after) => count(() => store.nextCauseDue(partition, after)),
    dueDeliveries: (...asked) => count(() => store.dueDeliveries(...asked)),
    dueByFlow: (partition, query) => count(() => store.dueByFlow(partition, query)),
    nextDeliveryDue: (partition, endpoint, after) => count(() => store.nextDeliveryDue(partition, endpoint, after)),
    dueMoments: (partition, endpoint, after, limit) => count(() => store.dueMoments(partition, endpoint, after, limit)),
    pendingOrigins: (partition, origins) => count(() => store.pendingOrigins(partition, origins)),
    deadLetters: (...asked) => count(() => store.deadLetters(...asked)),
    countDeadLetters: (...asked) => count(() => store.countDeadLetters(...asked)),
    deadLetterGroups: (...asked) => count(() => store.deadLetterGroups(...asked)),
    operations: {
      add: (...added) => count(() => store.operations.add(...added)),
      list: (query) => count(() => store.operations.list(query)),
      change: (...changed) => count(() => store.operations.change(...changed)),
    },
    prune: (retention) => count(() => store.prune(retention)),
    query: (...asked) => count(() => store.query(...asked)),
    deliveryNames: (partition, endpoint, limit, key) => count(() => store.deliveryNames(partition, endpoint, limit, key)),
    keys: (...asked) => count(() => store.keys(...asked)),
    deliveriesOfKey: (...asked) => count(() => store.deliveriesOfKey(...asked)),
    timers: (...asked) => count(() => store.timers(...asked)),
    deliveries: (...asked) => count(() => store.deliveries(...asked)),
    setPaused: (...asked) => count(() => store.setPaused(...asked)),
    noteAudit: (entry) => count(() => store.noteAudit(entry)),
    audit: (...asked) => count(() => store.audit(...asked)),
    blocksOfKey: (...asked) => count(() => store.blocksOfKey(...asked)),
    block: (...asked) => count(() => store.block(...asked)),
    eventsAt: (...asked) => count(() => store.eventsAt(...asked)),
    forgetBlocks: (...asked) => count(() => store.forgetBlocks(...asked)),
    forgetAudit: (before) => count(() => store.forgetAudit(before)),
    inventory: (query) => count(() => store.inventory(query)),
    forget: (pipeline) => count(() => store.forget(pipeline)),
    close: () => count(() => store.close()),
    stats: () => count(() => store.stats()),
  };
}
