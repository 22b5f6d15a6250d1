import type { SimulatedMessage } from '../../../systems/rockets/simulate/expected-rocket.ts';
import type { Witness } from '../../ledger.ts';
import { accountsWitness } from '../witnesses/accounts.ts';
import { eventsWitness } from '../witnesses/events.ts';
import { rocketsWitness } from '../witnesses/rockets.ts';
import { workersWitness } from '../witnesses/workers.ts';
import { AccountsLoad, type PlannedUpdate } from './accounts.ts';
import { EventsLoad } from './events.ts';
import type { LoadMeans } from './load.ts';
import { MessagesLoad, type PlannedRow } from './messages.ts';
import { RocketsLoad } from './rockets.ts';
import { WorkersLoad } from './workers.ts';

/** The load of all five systems at once. */
export class Loads {
  readonly rockets: RocketsLoad;
  readonly events: EventsLoad;
  readonly accounts: AccountsLoad;
  readonly messages: MessagesLoad;
  readonly workers: WorkersLoad;
  /** The loads of all systems except the messages, which have their own check, since anyone may write their rows. */
  readonly witnesses: readonly Witness[];

  constructor(means: LoadMeans, database: string, say: (broken: string) => void) {
    this.rockets = new RocketsLoad(means);
    this.events = new EventsLoad(means);
    this.accounts = new AccountsLoad(means);
    this.messages = new MessagesLoad(means, database, say);
    this.workers = new WorkersLoad(means);
    this.witnesses = [rocketsWitness(this.rockets), eventsWitness, accountsWitness(this.accounts), workersWitness(this.workers)];
  }

  /** Sends until told to stop; resolves once everything begun is answered. */
  async run(): Promise<void> {
    const all = [this.rockets, this.events, this.accounts, this.messages, this.workers];
    await Promise.all(all.map((load) => load.run()));
  }

  /** Returns the events that could be sent again now and would be recognised as repeats. */
  plan(): Plan {
    const rockets = Array.from(this.rockets.planned.values()).flat();
    const events = Array.from(this.events.planned.values());
    const accounts = Array.from(this.accounts.planned.values());
    return { rockets, events, accounts, rows: new Map(this.messages.rows) };
  }
}

/** The plan at one moment. */
export interface Plan {
  readonly rockets: readonly SimulatedMessage[];
  readonly events: readonly { readonly id: string }[];
  readonly accounts: readonly PlannedUpdate[];
  /** Existing message rows, by id. */
  readonly rows: ReadonlyMap<string, PlannedRow>;
}
