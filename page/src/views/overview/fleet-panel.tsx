import { get } from '../../lib/api.ts';
import { countOf } from '../../lib/format.ts';
import { useLoaded } from '../../lib/load.ts';
import type { Fleet } from '../../lib/types.ts';
import { Answer, Panel } from '../../parts/panel.tsx';
import { Members } from '../fleet.tsx';

const everyMs = 10_000;

/** A summary of who works on the database. */
export function FleetPanel() {
  const fleet = useLoaded((signal) => get<Fleet>('/fleet', {}, signal), [], everyMs);
  const note = fleet.value && noteOf(fleet.value);
  return (
    <Panel title="Fleet" note={note}>
      <Answer of={fleet}>{(value) => <Members fleet={value} />}</Answer>
    </Panel>
  );
}

function noteOf({ members, partitions }: Fleet): string {
  const all = countOf(partitions, 'partition');
  return members.length === 1 ? `one process works on ${all}` : `${members.length} processes share ${all}`;
}
