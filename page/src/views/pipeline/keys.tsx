import { useState } from 'preact/hooks';
import { pathOf } from '../../lib/api.ts';
import { usePagedList } from '../../lib/list.ts';
import { setQuery, usePlace } from '../../lib/router.ts';
import { commandLine } from '../../lib/shell.ts';
import type { KeyStatus, ListedKey } from '../../lib/types.ts';
import { TextField } from '../../parts/fields.tsx';
import { Glyph, type GlyphName } from '../../parts/glyph.tsx';
import { List } from '../../parts/list.tsx';
import { Panel, Segments } from '../../parts/panel.tsx';
import { KeyLink, Table } from '../../parts/table.tsx';

export const statusGlyphs: Readonly<Record<KeyStatus, GlyphName>> = {
  open: 'flowing',
  waiting: 'waiting',
  blocked: 'behind',
  parked: 'parked',
};

const statuses = ['', 'parked', 'blocked', 'waiting', 'open'] as const;
type Chosen = (typeof statuses)[number];

const reasons: Readonly<Record<KeyStatus, string>> = {
  open: '',
  waiting: 'a number is missing',
  blocked: 'waits for a retry',
  parked: 'needs a person',
};

/**
 * The keys of a pipeline, by status and by prefix.
 *
 * @param waiting the number of parked keys and held events now: when it changes, the list is out of date
 */
export function KeysPanel({ name, waiting }: { readonly name: string; readonly waiting: number }) {
  const { query } = usePlace();
  const status = statuses.find((one) => one === query.status) ?? '';
  const prefix = query.prefix ?? '';
  const list = usePagedList<ListedKey>(`${pathOf('pipelines', name)}/keys`, { status, prefix });
  // The waiting figure at the time the list was loaded.
  const [seen, setSeen] = useState<{ readonly page: unknown; readonly waiting: number }>({ page: undefined, waiting });
  const page = list.first.value;
  if (seen.page !== page) setSeen({ page, waiting });
  const options = statuses.map((one): readonly [Chosen, preact.ComponentChildren] => [
    one,
    one === '' ? (
      'All'
    ) : (
      <>
        <Glyph name={statusGlyphs[one]} />
        {one}
      </>
    ),
  ]);
  const changed = seen.waiting === waiting ? undefined : 'The waiting events have changed since this list was loaded.';
  return (
    <Panel
      title="Keys"
      end={<Segments label="Status" options={options} value={status} onChange={(value) => setQuery({ status: value })} />}
    >
      <div class="body fields">
        <TextField label="Begins with" value={prefix} isSearch onChange={(value) => setQuery({ prefix: value })} />
      </div>
      <List list={list} noun="key" changed={changed} empty={<Empty pipeline={name} status={status} prefix={prefix} />}>
        {(keys) => {
          const areNumbered = keys.some(({ next }) => next !== null);
          return (
            <Table
              heads={[
                'Status',
                'Key',
                ['Pending', 'right'],
                ['Why it waits', 'narrow-hidden'],
                ...(areNumbered ? [['Next number', 'right narrow-hidden'] as const] : []),
              ]}
              items={keys}
              row={(item) => (
                <tr key={item.key} data-row>
                  <td>
                    <span class="state">
                      <Glyph name={statusGlyphs[item.status]} />
                      {item.status}
                    </span>
                  </td>
                  <th scope="row">
                    <KeyLink pipeline={name} name={item.key} />
                  </th>
                  <td class="right">{item.pending}</td>
                  <td class="second narrow-hidden">{reasons[item.status]}</td>
                  {areNumbered && <td class="right narrow-hidden">{item.next ?? '–'}</td>}
                </tr>
              )}
            />
          );
        }}
      </List>
    </Panel>
  );
}

function Empty({ pipeline, status, prefix }: { readonly pipeline: string; readonly status: string; readonly prefix: string }) {
  if (prefix !== '') {
    return (
      <>
        <p>
          No {status} key begins with {prefix}.
        </p>
        <code>{commandLine('millrace keys', { options: { status, prefix }, operands: [pipeline] })}</code>
      </>
    );
  }
  return <p>{status === '' ? 'No key yet. The first event creates one.' : `No key is ${status}.`}</p>;
}
