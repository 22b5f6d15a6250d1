import { get, type Page } from '../../lib/api.ts';
import { ageText } from '../../lib/format.ts';
import { usePagedList } from '../../lib/list.ts';
import { useLoaded } from '../../lib/load.ts';
import { Bar } from '../../parts/bar.tsx';
import { Clock } from '../../parts/clock.tsx';
import { List } from '../../parts/list.tsx';
import { Answer, Command, Head, Panel } from '../../parts/panel.tsx';
import { KeyLink, Table } from '../../parts/table.tsx';

interface Account {
  readonly id: string;
  readonly accountType: string;
  readonly tokens: number;
  readonly version: number;
  readonly callbackDueAt?: string;
  readonly updatedAt: string;
}

const everyMs = 2_000;

/** Accounts: the one with the most tokens for each type, and all of them. */
export function AccountsView() {
  const highest = useLoaded((signal) => get<Page<Account>>('/accounts/highest', { limit: 20 }, signal), [], everyMs);
  const all = usePagedList<Account>('/accounts', { sort: 'tokens' });
  return (
    <>
      <Head
        title="Accounts"
        text="The latest version of every account. Each version’s callback is made once, unless a newer version comes first."
      >
        <Clock />
      </Head>
      <Panel title="Highest by type" note="the account with the most tokens, as it is now">
        <Answer of={highest}>{({ items }) => <Accounts accounts={items} />}</Answer>
      </Panel>
      <Panel title="All accounts" note="the most tokens first">
        <List list={all} noun="account" empty={<p>No account has been updated yet. POST /accounts takes updates.</p>}>
          {(accounts) => <Accounts accounts={accounts} />}
        </List>
      </Panel>
      <Command path="/accounts/highest" />
    </>
  );
}

function Accounts({ accounts }: { readonly accounts: readonly Account[] }) {
  const most = Math.max(1, ...accounts.map(({ tokens }) => tokens));
  const now = Date.now();
  return (
    <Table
      heads={['Type', 'Account', ['Version', 'right narrow-hidden'], 'Callback', ['Tokens', 'right']]}
      items={accounts}
      row={({ id, accountType, tokens, version, callbackDueAt }) => (
        <tr key={id} data-row>
          <td>{accountType}</td>
          <th scope="row">
            <KeyLink pipeline="accounts" name={id} />
          </th>
          <td class="right narrow-hidden">{version}</td>
          <td class="nowrap">{callbackText(callbackDueAt, now)}</td>
          <td>
            <Bar value={tokens} most={most} />
          </td>
        </tr>
      )}
    />
  );
}

/** A list that is not refreshed may still show a callback that has come due. */
function callbackText(dueAt: string | undefined, now: number): string {
  if (dueAt === undefined) return 'made';
  return Date.parse(dueAt) <= now ? 'due' : ageText(dueAt, now);
}
