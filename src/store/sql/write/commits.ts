import { MillraceError, messageOf } from '../../../errors.ts';
import type { Appended, Commit, Committed, PartitionId } from '../../store.ts';
import type { Connections } from '../connection/connections.ts';
import { Flight } from '../connection/flight.ts';
import { fenced } from '../lease/fenced.ts';
import type { WriteStatements } from '../statements.ts';
import type { AppendListener } from './appends.ts';
import { addAudit } from './audit-statements.ts';
import { addBlocks } from './block-statements.ts';
import { addAnswers, addInboxRows } from './command-statements.ts';
import { CommitParts, type Draft, partOf } from './commit-parts.ts';
import type { DeclaredRows } from './declared-rows.ts';
import { newFlightId } from './flight-id.ts';
import { GroupQueue } from './group-queue.ts';
import { LineFloors } from './line-floors.ts';
import { addProgress } from './operation-statements.ts';
import { partitionsOf } from './partitions-of.ts';

/** Items per transaction, unless a single commit has more. */
const itemsMax = 20_000;

/** The dependencies of commits, provided by the store. */
export interface CommitMeans {
  readonly connections: Connections;
  readonly statements: WriteStatements;
  readonly rows: DeclaredRows;
  readonly listener: AppendListener;
}

/** Commits owners' work, combining all waiting callers in one transaction. */
export class Commits {
  readonly #means: CommitMeans;
  readonly #queue: GroupQueue<Draft, Committed>;
  readonly #lines = new LineFloors();

  constructor(means: CommitMeans) {
    this.#means = means;
    this.#queue = new GroupQueue<Draft, Committed>({
      weightMax: itemsMax,
      weigh: ({ commit }) => weigh(commit),
      // Within a transaction each part is one statement, so a partition's next commit waits for the previous one.
      joins: (group, { partition }) => !group.some((other) => isSame(other.partition, partition)),
      run: (group) => this.#run(group),
      isRefusal: means.connections.errors.isRefusal,
    });
  }

  /** Throws `MILL_COMMIT_REFUSED` if the database cannot hold it, `MILL_STORE_FENCED` once the lease is over. */
  async commit(partition: PartitionId, epoch: number, commit: Commit): Promise<Committed> {
    const { rows } = this.#means;
    rows.check(commit.rows);
    const draft = { partition, epoch, commit };
    try {
      return await this.#queue.do(draft);
    } catch (error) {
      throw this.#refusalOf(error, draft);
    }
  }

  async #run(drafts: readonly Draft[]): Promise<readonly Committed[]> {
    const { connections, statements, rows } = this.#means;
    const added = drafts.map(() => ({ deliveriesAdded: 0, gapsAdded: 0 }));
    const counting = (count: 'deliveriesAdded' | 'gapsAdded') => (partition: PartitionId, by: number) => {
      const one = added[drafts.findIndex((draft) => isSame(draft.partition, partition))];
      if (one !== undefined) one[count] += by;
    };
    const part = <T>(of: (commit: Commit) => readonly T[]) => partOf(drafts, of);
    const all = <T>(of: (commit: Commit) => readonly T[]) => drafts.flatMap(({ commit }) => of(commit));
    const sends = all((commit) => commit.sends);
    let answers: readonly Appended[] = [];
    const owners: [PartitionId, string | null][] = [];
    await connections.write(() => {
      const flight = new Flight();
      const parts = new CommitParts(flight, statements);
      statements.addFence(flight, drafts);
      parts.addCursors(drafts);
      parts.addHolds(part(({ holds }) => holds));
      parts.addReleases(part(({ releases }) => releases));
      parts.addKeys(part(({ keys }) => keys));
      parts.addGaps(
        part(({ gaps }) => gaps),
        counting('gapsAdded'),
      );
      parts.addCauses(part(({ timers, outcomes }) => [...timers, ...outcomes]));
      parts.addDeliveries(
        part(({ deliveries }) => deliveries),
        counting('deliveriesAdded'),
        this.#lines.under(drafts),
      );
      rows.add(
        flight,
        all((commit) => commit.rows),
      );
      parts.addDeadLetters(part(({ deadLetters }) => deadLetters));
      const resolved = all(({ resolvedDeadLetters }) => resolvedDeadLetters);
      if (resolved.length > 0) statements.addResolutions(flight, resolved);
      addInboxRows(
        flight,
        statements,
        all(({ inbox }) => inbox ?? []),
      );
      addAnswers(
        flight,
        statements,
        all((commit) => commit.answers ?? []),
      );
      addProgress(
        flight,
        all((commit) => commit.operations ?? []),
      );
      addAudit(
        flight,
        statements,
        all((commit) => commit.audit ?? []),
      );
      addBlocks(
        flight,
        statements,
        part(({ block }) => (block === undefined ? [] : [block])),
      );
      if (sends.length > 0) {
        statements.addHeadLocks(flight, partitionsOf(sends), (partition, owner) => owners.push([partition, owner]));
        answers = statements.addAppends(flight, sends, newFlightId());
      }
      return flight;
    });
    for (const [partition, owner] of owners) this.#means.listener.grown(partition, owner);
    let from = 0;
    return drafts.map(({ commit }, at) => {
      const own = answers.slice(from, from + commit.sends.length);
      from += own.length;
      return { sends: own, ...(added[at] ?? { deliveriesAdded: 0, gapsAdded: 0 }) };
    });
  }

  #refusalOf(thrown: unknown, { partition, commit }: Draft): unknown {
    const { errors } = this.#means.connections;
    if (thrown instanceof MillraceError) return thrown;
    if (errors.isFenced(thrown)) return fenced(partition, thrown);
    const table = thrown instanceof Error && 'declaredTable' in thrown ? String(thrown.declaredTable) : undefined;
    if (!errors.isRefusal(thrown) || (table === undefined && !errors.isValueFault(thrown))) return thrown;
    if (table === undefined) {
      const { pipeline, slice } = partition;
      const message = `partition ${pipeline}/${slice}: the database cannot hold a turn's decisions: ${messageOf(thrown)}`;
      return new MillraceError('MILL_COMMIT_REFUSED', message, { cause: thrown });
    }
    if (errors.isTooLong(thrown)) {
      const message = `table ${table}: ${this.#means.rows.tooLong(table, commit.rows)}: ${messageOf(thrown)}`;
      return new MillraceError('MILL_COMMIT_REFUSED', message, { cause: thrown });
    }
    const column = this.#means.rows.columnAtFault(table, commit.rows);
    const place = column === undefined ? `table ${table}` : `table ${table}: column ${column}`;
    return new MillraceError('MILL_COMMIT_REFUSED', `${place}: ${messageOf(thrown)}`, { cause: thrown });
  }
}

/** Counts the items of a commit. */
function weigh(commit: Commit): number {
  let weight = 1;
  for (const part of Object.values(commit)) if (Array.isArray(part)) weight += part.length;
  return weight;
}

function isSame(a: PartitionId, b: PartitionId): boolean {
  return a.slice === b.slice && a.pipeline === b.pipeline;
}
