import { MillraceError } from '../errors.ts';
import { allEnded } from './all-ended.ts';
import type { Audit } from './audit.ts';
import type { GivenCommands } from './commands/given-commands.ts';
import type { DeclaredPipelines } from './declared-pipelines.ts';
import type { EngineContext } from './engine-context.ts';
import type { EngineState } from './engine-state.ts';
import type { Fleet } from './fleet/fleet.ts';
import type { Leftovers } from './leftovers/leftovers.ts';
import type { ByWhom, DiscardOptions } from './mill-options.ts';
import type { KeyAct, Partition } from './partition.ts';
import type { Partitions } from './partitions.ts';

/** The dependencies for carrying out orders to pipelines, provided by the engine. */
export interface OperationsMeans {
  readonly engine: EngineContext;
  readonly state: EngineState;
  readonly declared: DeclaredPipelines;
  readonly partitions: Partitions;
  readonly fleet: Fleet;
  readonly commands: GivenCommands;
  readonly leftovers: Leftovers;
  readonly audit: Audit;
}

/** The names of key actions in the audit and the log. */
const acts: Readonly<Record<KeyAct, string>> = { park: 'park key', resume: 'resume key', skipGap: 'skip gap' };

/** Carries out an operator's orders about a whole pipeline, or about one key. */
export class Operations {
  readonly #means: OperationsMeans;

  constructor(means: OperationsMeans) {
    this.#means = means;
  }

  async setPaused(pipeline: string, isPaused: boolean, by?: ByWhom): Promise<void> {
    const { engine, state, declared, partitions, audit } = this.#means;
    state.checkWorking();
    const { name } = declared.get(pipeline);
    await engine.store.setPaused(name, isPaused, audit.entry(by, { action: isPaused ? 'pause' : 'resume', pipeline: name }));
    partitions.setPaused(name, isPaused);
    engine.log.info({ pipeline: name }, isPaused ? 'paused' : 'resumed');
  }

  /** Parks a key, resumes one that was parked by hand, or makes one skip the numbers it waits for. */
  async actOnKey(act: KeyAct, pipeline: string, { key, by }: { readonly key: string; readonly by?: ByWhom | undefined }): Promise<void> {
    const { engine, state, declared, partitions, commands, audit } = this.#means;
    state.checkWorking();
    const { name } = declared.get(pipeline);
    const partition = partitions.ofKey(name, key);
    const entry = audit.entry(by, { action: acts[act], pipeline: name, key });
    await commands.order(partition, { do: 'actOnKey', act, key, entry }, async () => {
      await partition.actOnKey(act, key, { entry });
      return 1;
    });
    engine.log.info({ pipeline: name, key }, acts[act]);
  }

  /** Discards the waiting events of a paused pipeline, or of one of its keys. Returns their number. */
  async discardEvents(pipeline: string, { key, by }: DiscardOptions): Promise<number> {
    const { engine, state, declared, partitions, commands, audit } = this.#means;
    state.checkWorking();
    const { name } = declared.get(pipeline);
    await this.#checkPaused(name);
    await audit.note(by, { action: 'discard events', pipeline: name, key });
    const concerned = key === undefined ? partitions.of(name) : [partitions.ofKey(name, key)];
    const counts = await allEnded(
      concerned.map((partition) =>
        commands.order(partition, { do: 'discardEvents', key: key ?? null }, () => partition.discardWaiting(key)),
      ),
    );
    const events = counts.reduce((total, count) => total + count, 0);
    engine.log.info({ pipeline: name, ...(key !== undefined && { key }), events }, 'discarded waiting events');
    return events;
  }

  /** Does the same in one partition, which this engine works on. */
  async discardEventsOf(partition: Partition, key: string | undefined): Promise<number> {
    await this.#checkPaused(partition.id.pipeline);
    return partition.discardWaiting(key);
  }

  /** Withdraws the deliveries waiting for an endpoint that is no longer declared. Returns how many. */
  async withdraw(pipeline: string, endpoint: string, by?: ByWhom): Promise<number> {
    const { engine, state, declared, partitions, commands, leftovers, audit } = this.#means;
    state.checkWorking();
    const { name, deliver } = declared.get(pipeline);
    if (Object.hasOwn(deliver, endpoint)) {
      throw new MillraceError(
        'MILL_CONFLICT',
        `pipeline ${name} still declares endpoint ${endpoint}; only deliveries to an undeclared endpoint can be withdrawn`,
      );
    }
    await audit.note(by, { action: 'withdraw', pipeline: name, subject: endpoint });
    const counts = await allEnded(
      partitions.of(name).map((partition) => commands.order(partition, { do: 'withdraw', endpoint }, () => partition.withdraw(endpoint))),
    );
    const withdrawn = counts.reduce((total, count) => total + count, 0);
    if (withdrawn === 0) {
      throw new MillraceError('MILL_NOT_FOUND', `no deliveries of pipeline ${name} wait for endpoint ${endpoint}`);
    }
    engine.log.info({ pipeline: name, endpoint, deliveries: withdrawn }, 'withdrew deliveries to an endpoint that is no longer declared');
    await leftovers.look();
    return withdrawn;
  }

  /** Asks the store, since other engines may have just paused or resumed it. */
  async #checkPaused(pipeline: string): Promise<void> {
    const { partitions, fleet } = this.#means;
    await fleet.followPauses();
    if (partitions.isPaused(pipeline)) return;
    const message = `pipeline ${pipeline}: pause it before discarding its waiting events`;
    throw new MillraceError('MILL_CONFLICT', message);
  }
}
