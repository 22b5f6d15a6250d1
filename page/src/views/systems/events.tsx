import { durationText } from '../../lib/format.ts';
import { usePagedList } from '../../lib/list.ts';
import { setQuery, usePlace } from '../../lib/router.ts';
import { Clock } from '../../parts/clock.tsx';
import { Select, TextField } from '../../parts/fields.tsx';
import { List } from '../../parts/list.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Command, Head, Panel } from '../../parts/panel.tsx';
import { Table } from '../../parts/table.tsx';

interface ProcessedEvent {
  readonly id: string;
  readonly type: string;
  readonly source: string;
  readonly user_id?: string;
  readonly processed_data: unknown;
  readonly processing_time_ms: number;
  readonly created_at: string;
}

const types = ['user_action', 'sensor_data', 'system_log'] as const;
const sources = ['web', 'mobile', 'iot_device', 'system'] as const;

/** Processed events, with a search. */
export function EventsView() {
  const { query } = usePlace();
  const { type = '', source = '', user = '' } = query;
  const list = usePagedList<ProcessedEvent>('/events', { type, source, user_id: user });
  const search = new URLSearchParams(Object.entries({ type, source, user_id: user }).filter(([, value]) => value !== '')).toString();
  return (
    <>
      <Head title="Events" text="Processed events with their results, newest first.">
        <Clock />
      </Head>
      <div class="fields">
        <Select label="Type" value={type} options={types} onChange={(value) => setQuery({ type: value })} />
        <Select label="Source" value={source} options={sources} onChange={(value) => setQuery({ source: value })} />
        <TextField label="User id" value={user} isSearch onChange={(value) => setQuery({ user: value })} />
      </div>
      <Panel title="Processed">
        <List list={list} noun="event" empty={<Empty isFiltered={type !== '' || source !== '' || user !== ''} />}>
          {(events) => (
            <Table
              isText
              heads={[
                'When, UTC',
                'Type',
                ['Source', 'narrow-hidden'],
                ['User', 'narrow-hidden'],
                'Result',
                ['Took', 'right narrow-hidden'],
              ]}
              items={events}
              row={(event) => (
                <tr key={event.id} data-row>
                  <td>
                    <Moment at={event.created_at} />
                  </td>
                  <th scope="row">
                    {event.type}
                    <span class="narrow-only">{[event.source, event.user_id].filter((part) => part !== undefined).join(' · ')}</span>
                  </th>
                  <td class="narrow-hidden">{event.source}</td>
                  <td class="narrow-hidden">{event.user_id ?? '–'}</td>
                  <td class="cut mono second" title={JSON.stringify(event.processed_data)}>
                    {JSON.stringify(event.processed_data)}
                  </td>
                  <td class="right nowrap narrow-hidden">{tookText(event.processing_time_ms)}</td>
                </tr>
              )}
            />
          )}
        </List>
      </Panel>
      <Command path={`/events${search === '' ? '' : `?${search}`}`} />
    </>
  );
}

function Empty({ isFiltered }: { readonly isFiltered: boolean }) {
  return (
    <p>{isFiltered ? 'No event matches. Clear a filter to see more.' : 'No event has been processed yet. POST /events takes them.'}</p>
  );
}

function tookText(ms: number): string {
  return ms < 1 ? '< 1 ms' : durationText(ms);
}
