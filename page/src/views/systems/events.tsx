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
  return (
    <>
      <Head title="Events" text="What was processed, the newest first.">
        <Clock />
      </Head>
      <div class="fields">
        <Select label="Type" value={type} options={types} onChange={(value) => setQuery({ type: value })} />
        <Select label="Source" value={source} options={sources} onChange={(value) => setQuery({ source: value })} />
        <TextField label="Id of a user" value={user} isSearch onChange={(value) => setQuery({ user: value })} />
      </div>
      <Panel title="Processed">
        <List list={list} noun="event" empty={<p>No event fits.</p>}>
          {(events) => (
            <Table
              isText
              heads={['When, UTC', 'Type', 'Source', 'User', 'What came of it', ['Took', 'right']]}
              items={events}
              row={(event) => (
                <tr key={event.id} data-row>
                  <td>
                    <Moment at={event.created_at} />
                  </td>
                  <th scope="row">{event.type}</th>
                  <td>{event.source}</td>
                  <td>{event.user_id ?? '–'}</td>
                  <td class="cut mono second" title={JSON.stringify(event.processed_data)}>
                    {JSON.stringify(event.processed_data)}
                  </td>
                  <td class="right nowrap">{durationText(event.processing_time_ms)}</td>
                </tr>
              )}
            />
          )}
        </List>
      </Panel>
      <Command line="curl '/events?type=user_action'" />
    </>
  );
}
