import { useState } from 'preact/hooks';
import { get } from '../../lib/api.ts';
import { countOf, countText } from '../../lib/format.ts';
import { live } from '../../lib/live.ts';
import { useLoaded } from '../../lib/load.ts';
import { useStore } from '../../lib/store.ts';
import { Bar } from '../../parts/bar.tsx';
import { Clock } from '../../parts/clock.tsx';
import { Glyph } from '../../parts/glyph.tsx';
import { Answer, Command, Head, Panel, Segments } from '../../parts/panel.tsx';
import { KeyLink, Table } from '../../parts/table.tsx';

interface RocketList {
  readonly count: number;
  readonly rockets: readonly {
    readonly id: string;
    readonly type: string;
    readonly speed: number;
    readonly mission: string;
    readonly status: string;
    readonly pendingMessages: number;
  }[];
}

type Sort = 'speed' | 'id' | 'type' | 'mission' | 'status';
const sorts: readonly (readonly [Sort, string])[] = [
  ['speed', 'Speed'],
  ['type', 'Type'],
  ['mission', 'Mission'],
  ['status', 'Status'],
  ['id', 'Id'],
];
const shown = 40;
const everyMs = 1_000;

/** The rockets, live and sorted. */
export function RocketsView() {
  const [sort, setSort] = useState<Sort>('speed');
  const { isOn } = useStore(live);
  const list = useLoaded((signal) => get<RocketList>('/rockets', { sort, limit: shown }, signal), [sort], isOn ? everyMs : undefined);
  const fastest = Math.max(1, ...(list.value?.rockets.map(({ speed }) => speed) ?? []));
  return (
    <>
      <Head title="Rockets" text="The state of every rocket, from messages that arrive out of order and more than once.">
        <Segments label="Sorted by" options={sorts} value={sort} onChange={setSort} />
        <Clock />
      </Head>
      <Panel title="Rockets" note={list.value && noteOf(list.value.count, sort)}>
        <Answer of={list}>
          {({ rockets }) =>
            rockets.length === 0 ? (
              <div class="empty">
                <p>No rocket has been launched yet. Launch some:</p>
                <code>millrace rockets simulate</code>
              </div>
            ) : (
              <Table
                heads={[
                  'Rocket',
                  ['Type', 'narrow-hidden'],
                  ['Mission', 'narrow-hidden'],
                  'Status',
                  ['Speed', 'right'],
                  ['Waiting', 'right narrow-hidden'],
                ]}
                items={rockets}
                row={({ id, type, speed, mission, status, pendingMessages }) => (
                  <tr key={id} data-row>
                    <th scope="row">
                      <KeyLink pipeline="rockets" name={id}>
                        {id.slice(0, 8)}
                      </KeyLink>
                      <span class="narrow-only">
                        {type} · {mission}
                      </span>
                    </th>
                    <td class="narrow-hidden">{type}</td>
                    <td class="narrow-hidden">{mission}</td>
                    <td>
                      <span class="state">
                        <Glyph name={status === 'EXPLODED' ? 'dead' : 'flowing'} />
                        {status.toLowerCase()}
                      </span>
                    </td>
                    <td>
                      <Bar value={speed} most={fastest} />
                    </td>
                    <td class="right narrow-hidden">{pendingMessages === 0 ? '–' : countOf(pendingMessages, 'message')}</td>
                  </tr>
                )}
              />
            )
          }
        </Answer>
      </Panel>
      <Command path={`/rockets?sort=${sort}&limit=${shown}`} />
    </>
  );
}

function noteOf(count: number, sort: Sort): string {
  return count <= shown
    ? `${countOf(count, 'rocket')}, as they are now`
    : `the first ${shown} of ${countText(count)} by ${sort}, as they are now`;
}
