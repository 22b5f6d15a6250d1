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
      <Head title="Audit" text="Every change that an operator made: who, when, what and why. Newest first, kept for 90 days.">
        <Clock />
      </Head>
      <div class="fields">
        <Select label="Pipeline" value={pipeline} options={names} onChange={(value) => setQuery({ pipeline: value })} />
        <TextField label="Key" value={key} onChange={(value) => setQuery({ key: value })} />
      </div>
      <Panel title="Changes">
        <List
          list={list}
          noun="entry"
          nouns="entries"
          empty={
            <p>
              {pipeline === '' && key === ''
                ? 'No operator has changed anything yet. Pauses, parks, redrives and stopped schedules appear here with their reasons.'
                : 'No change matches.'}
            </p>
          }
        >
          {(entries) => (
            <Table
              heads={['When, UTC', ['Who', 'narrow-hidden'], 'What', 'Where', ['Why', 'narrow-hidden']]}
              items={entries}
              row={(entry) => <Row key={entry.id} entry={entry} />}
            />
          )}
        </List>
      </Panel>
      <Command path="/audit" />
    </>
  );
}

function Row({ entry: { at, who, action, pipeline, key, reason } }: { readonly entry: AuditEntry }) {
  const name = who ?? '–';
  return (
    <tr data-row>
      <td>
        <Moment at={at} />
      </td>
      <th scope="row" class="narrow-hidden">
        {name}
      </th>
      <td>
        <span class="state">
          <Glyph name="flag" />
          {action}
        </span>
        <span class="narrow-only">{name}</span>
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
        <span class="narrow-only">{reason}</span>
      </td>
      <td class="cut second narrow-hidden" title={reason ?? ''}>
        {reason ?? ''}
      </td>
    </tr>
  );
}
