import { get, type Page } from '../../lib/api.ts';
import { ageText, countText } from '../../lib/format.ts';
import { usePagedList } from '../../lib/list.ts';
import { useLoaded } from '../../lib/load.ts';
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
        text="The latest version of every account. The callback of a version is called once, unless a newer one comes before."
      >
        <Clock />
      </Head>
      <Panel title="Highest by type" note="as it is now">
        <Answer of={highest}>{({ items }) => <Accounts accounts={items} />}</Answer>
      </Panel>
      <Panel title="All accounts" note="the most tokens first">
        <List list={all} noun="account" empty={<p>No account was updated yet.</p>}>
          {(accounts) => <Accounts accounts={accounts} />}
        </List>
      </Panel>
      <Command line="curl /accounts/highest" />
    </>
  );
}

function Accounts({ accounts }: { readonly accounts: readonly Account[] }) {
  const most = Math.max(1, ...accounts.map(({ tokens }) => tokens));
  const now = Date.now();
  return (
    <Table
      heads={['Type', 'Account', ['Version', 'right'], 'Callback', ['Tokens', 'right']]}
      items={accounts}
      row={({ id, accountType, tokens, version, callbackDueAt }) => (
        <tr key={id} data-row>
          <td>{accountType}</td>
          <th scope="row">
            <KeyLink pipeline="accounts" name={id} />
          </th>
          <td class="right">{version}</td>
          <td class="nowrap">{callbackDueAt === undefined ? 'called' : ageText(callbackDueAt, now)}</td>
          <td>
            <div class="bar-cell">
              <i style={{ width: `${Math.max(0, (tokens / most) * 120)}px` }} />
              <span class="one">{countText(tokens)}</span>
            </div>
          </td>
        </tr>
      )}
    />
  );
}
