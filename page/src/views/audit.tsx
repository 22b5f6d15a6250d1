import { usePagedList } from '../lib/list.ts';
import { figures } from '../lib/pipelines.ts';
import { hrefOf, setQuery, usePlace } from '../lib/router.ts';
import { useStore } from '../lib/store.ts';
import type { AuditEntry } from '../lib/types.ts';
import { Clock } from '../parts/clock.tsx';
import { Select, TextField } from '../parts/fields.tsx';
import { Glyph } from '../parts/glyph.tsx';
import { List } from '../parts/list.tsx';
import { Moment } from '../parts/moment.tsx';
import { Command, Head, Panel } from '../parts/panel.tsx';
import { KeyLink, Table } from '../parts/table.tsx';

/** Operators' actions. */
export function AuditView() {
  const { query } = usePlace();
  const { pipeline = '', key = '' } = query;
  const names = useStore(figures).pipelines.map(({ name }) => name);
  const list = usePagedList<AuditEntry>('/audit', { pipeline, key });
  return (
    <>
      <Head title="Audit" text="What operators have done, the latest first: who, when, what and why. Kept for 90 days.">
        <Clock />
      </Head>
      <div class="fields">
        <Select label="Pipeline" value={pipeline} options={names} onChange={(value) => setQuery({ pipeline: value })} />
        <TextField label="Key" value={key} onChange={(value) => setQuery({ key: value })} />
      </div>
      <Panel title="Done">
        <List list={list} noun="entry" nouns="entries" empty={<p>Nobody has done anything by hand yet.</p>}>
          {(entries) => (
            <Table
              heads={['When, UTC', 'Who', 'What', 'Where', 'Why']}
              items={entries}
              row={(entry) => <Row key={entry.id} entry={entry} />}
            />
          )}
        </List>
      </Panel>
      <Command line="curl /audit" />
    </>
  );
}

function Row({ entry: { at, who, action, pipeline, key, reason } }: { readonly entry: AuditEntry }) {
  return (
    <tr data-row>
      <td>
        <Moment at={at} />
      </td>
      <th scope="row">{who ?? 'anybody'}</th>
      <td>
        <span class="state">
          <Glyph name="flag" />
          {action}
        </span>
      </td>
      <td>
        <a class="link" href={hrefOf(['pipelines', pipeline])}>
          {pipeline}
        </a>
        {key !== null && (
          <>
            {' / '}
            <KeyLink pipeline={pipeline} name={key} />
          </>
        )}
      </td>
      <td class="cut second" title={reason ?? ''}>
        {reason ?? ''}
      </td>
    </tr>
  );
}
