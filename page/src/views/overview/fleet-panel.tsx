import { get } from '../../lib/api.ts';
import { useLoaded } from '../../lib/load.ts';
import type { Fleet } from '../../lib/types.ts';
import { Answer, Panel } from '../../parts/panel.tsx';
import { fleetNote, Members } from '../fleet.tsx';

const everyMs = 10_000;

/** The processes that work on the database, in short. */
export function FleetPanel() {
  const fleet = useLoaded((signal) => get<Fleet>('/fleet', {}, signal), [], everyMs);
  const note = fleet.value && fleetNote(fleet.value);
  return (
    <Panel title="Fleet" note={note}>
      <Answer of={fleet}>{(value) => <Members fleet={value} />}</Answer>
    </Panel>
  );
}
