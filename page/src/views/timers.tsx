import { pathOf } from '../lib/api.ts';
import { ageText } from '../lib/format.ts';
import { usePagedList } from '../lib/list.ts';
import { figures } from '../lib/pipelines.ts';
import { hrefOf, setQuery, usePlace } from '../lib/router.ts';
import { useStore } from '../lib/store.ts';
import { Clock } from '../parts/clock.tsx';
import { List } from '../parts/list.tsx';
import { Moment } from '../parts/moment.tsx';
import { Command, Head, Panel } from '../parts/panel.tsx';
import { PipelineTabs } from '../parts/pipeline-tabs.tsx';

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
      <Head title="Timers" text="Named alarms of keys. Each comes due as a turn of its key, also after a restart.">
        <Clock />
      </Head>
      <PipelineTabs value={name} onChange={(pipeline) => setQuery({ pipeline })} />
      {name !== undefined && (
        <Panel title="Armed" note={name}>
          <Timers key={name} pipeline={name} />
        </Panel>
      )}
      <Command line={`millrace timers ${name ?? 'NAME'}`} />
    </>
  );
}

function Timers({ pipeline }: { readonly pipeline: string }) {
  const list = usePagedList<ArmedTimer>(`${pathOf('pipelines', pipeline)}/timers`, {});
  const now = Date.now();
  return (
    <List list={list} noun="timer" empty={<p>No timer is armed.</p>}>
      {(items) => (
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">Key</th>
                <th scope="col">Timer</th>
                <th scope="col">Due</th>
                <th scope="col" class="right">
                  In
                </th>
              </tr>
            </thead>
            <tbody>
              {items.map(({ key, name, dueAt }) => (
                <tr key={`${key} ${name}`} data-row>
                  <th scope="row">
                    <a class="link mono" href={hrefOf(['pipelines', pipeline, 'keys', key])}>
                      {key}
                    </a>
                  </th>
                  <td>{name}</td>
                  <td>
                    <Moment at={dueAt} />
                  </td>
                  <td class="right nowrap">{new Date(dueAt).getTime() < now ? 'due' : ageText(dueAt, now)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </List>
  );
}
