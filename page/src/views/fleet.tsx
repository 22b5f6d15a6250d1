import { get } from '../lib/api.ts';
import { ageText, countOf } from '../lib/format.ts';
import { useLoaded } from '../lib/load.ts';
import type { Fleet } from '../lib/types.ts';
import { Clock } from '../parts/clock.tsx';
import { Answer, Command, Head, Panel } from '../parts/panel.tsx';
import { Table } from '../parts/table.tsx';

const everyMs = 5_000;

/** The processes that work on the database. */
export function FleetView() {
  const fleet = useLoaded((signal) => get<Fleet>('/fleet', {}, signal), [], everyMs);
  return (
    <>
      <Head title="Fleet" text="The processes that work on the database. When one stops, the others take over its partitions.">
        <Clock />
      </Head>
      <Panel title="Members" note={fleet.value && fleetNote(fleet.value)}>
        <Answer of={fleet}>{(value) => <Members fleet={value} />}</Answer>
      </Panel>
      <Command line="millrace status" />
    </>
  );
}

/** Says how many processes share how many partitions. */
export function fleetNote({ members, partitions }: Fleet): string {
  const all = countOf(partitions, 'partition');
  return members.length === 1 ? `one process works on ${all}` : `${members.length} processes share ${all}`;
}

/** One row per member. */
export function Members({ fleet: { members, unowned } }: { readonly fleet: Fleet }) {
  return (
    <>
      <Table
        isText
        heads={['Member', 'Up for', 'Version', ['Partitions', 'right']]}
        items={members}
        row={({ id, host, pid, version, since, partitions, self }) => (
          <tr key={id}>
            <th scope="row">
              {host} <span class="quiet">pid {pid}</span> {self && <span class="tag">answers this page</span>}
            </th>
            <td class="nowrap">{upText(since)}</td>
            <td>{version}</td>
            <td class="right">{partitions}</td>
          </tr>
        )}
      />
      {unowned > 0 && <p class="notice inset">{countOf(unowned, 'partition')} without an owner. A member takes them over soon.</p>}
    </>
  );
}

/** A process with its own in-memory database does not report its start time. */
function upText(since: string): string {
  return Date.parse(since) === 0 ? '–' : ageText(since, Date.now());
}
