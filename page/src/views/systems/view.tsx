import type { JSX } from 'preact';
import { NowhereView } from '../nowhere.tsx';
import { AccountsView } from './accounts.tsx';
import { EventsView } from './events.tsx';
import { MessagesView } from './messages.tsx';
import { RocketsView } from './rockets.tsx';
import { WorkersView } from './workers.tsx';

const views: Readonly<Record<string, () => JSX.Element>> = {
  rockets: RocketsView,
  accounts: AccountsView,
  messages: MessagesView,
  events: EventsView,
  workers: WorkersView,
};

/** A system's own view. */
export function SystemViewOf({ name }: { readonly name: string }) {
  const Found = views[name];
  return Found === undefined ? <NowhereView /> : <Found />;
}
