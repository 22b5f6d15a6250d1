import { pathOf } from '../lib/api.ts';
import { durationText } from '../lib/format.ts';
import { usePagedList } from '../lib/list.ts';
import { figures } from '../lib/pipelines.ts';
import { setQuery, usePlace } from '../lib/router.ts';
import { commandLine } from '../lib/shell.ts';
import { useStore } from '../lib/store.ts';
import { Clock } from '../parts/clock.tsx';
import { List } from '../parts/list.tsx';
import { Moment } from '../parts/moment.tsx';
import { Command, Head, Panel } from '../parts/panel.tsx';
import { PipelineTabs } from '../parts/pipeline-tabs.tsx';
import { KeyLink, Table } from '../parts/table.tsx';

export interface ArmedTimer {
  readonly key: string;
  readonly name: string;
  readonly dueAt: string;
}

/** One pipeline's pending timers, soonest first. */
export function TimersView() {
  const { query } = usePlace();
  const { pipelines } = useStore(figures);
  const name = query.pipeline ?? pipelines.find((item) => item.name === 'orders')?.name ?? pipelines[0]?.name;
  return (
    <>
      <Head title="Timers" text="Named alarms of keys. Each fires as a turn of its key, even after a restart.">
        <Clock />
      </Head>
      <PipelineTabs value={name} onChange={(pipeline) => setQuery({ pipeline })} />
      {name !== undefined && (
        <Panel title="Armed" note={name}>
          <Timers key={name} pipeline={name} />
        </Panel>
      )}
      <Command line={commandLine('millrace timers', { operands: [name ?? 'NAME'] })} />
    </>
  );
}

function Timers({ pipeline }: { readonly pipeline: string }) {
  const list = usePagedList<ArmedTimer>(`${pathOf('pipelines', pipeline)}/timers`, {});
  const now = Date.now();
  return (
    <List list={list} noun="timer" empty={<p>No timer of {pipeline} is armed. A handler arms one with turn.timers.set.</p>}>
      {(items) => (
        <Table
          heads={['Key', 'Timer', 'Due, UTC', ['Left', 'right']]}
          items={items}
          row={({ key, name, dueAt }) => (
            <tr key={`${key} ${name}`} data-row>
              <th scope="row">
                <KeyLink pipeline={pipeline} name={key} />
              </th>
              <td>{name}</td>
              <td>
                <Moment at={dueAt} />
              </td>
              <td class="right nowrap">{new Date(dueAt).getTime() < now ? 'due' : durationText(new Date(dueAt).getTime() - now)}</td>
            </tr>
          )}
        />
      )}
    </List>
  );
}
