import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { endLive, followLive, live } from './lib/live.ts';
import { loadCounts, loadFigures } from './lib/pipelines.ts';
import { usePlace } from './lib/router.ts';
import { access, maySee } from './lib/session.ts';
import { useStore } from './lib/store.ts';
import { Boxes } from './parts/boxes.tsx';
import { Shell } from './parts/shell.tsx';
import { AuditView } from './views/audit.tsx';
import { DeadLettersView } from './views/dead-letters/view.tsx';
import { DeliveriesView } from './views/deliveries.tsx';
import { FleetView } from './views/fleet.tsx';
import { GapsView, ParkedView } from './views/held.tsx';
import { KeyView } from './views/key/view.tsx';
import { MoreView } from './views/more.tsx';
import { NowhereView } from './views/nowhere.tsx';
import { OverviewView } from './views/overview/view.tsx';
import { PipelineView } from './views/pipeline/view.tsx';
import { SchedulesView } from './views/schedules.tsx';
import { SignIn } from './views/sign-in.tsx';
import { SystemViewOf } from './views/systems/view.tsx';
import { TimersView } from './views/timers.tsx';

/** Counts that no feed supplies are polled. */
const countsEveryMs = 5_000;

/** The page: the view for the address, or a sign-in before it. */
export function App() {
  const known = useStore(access);
  const isIn = known !== undefined && maySee(known);
  useEffect(() => {
    if (!isIn) return;
    void loadFigures();
    if (live.get().isOn) void followLive();
    const timer = setInterval(() => void loadCounts(), countsEveryMs);
    return () => {
      clearInterval(timer);
      endLive();
    };
  }, [isIn]);
  if (known === undefined) return null;
  if (!isIn) return <SignIn />;
  return (
    <>
      <Shell>
        <View />
      </Shell>
      <Boxes />
    </>
  );
}

const views: Readonly<Record<string, () => JSX.Element>> = {
  'dead-letters': DeadLettersView,
  parked: ParkedView,
  gaps: GapsView,
  deliveries: DeliveriesView,
  timers: TimersView,
  schedules: SchedulesView,
  fleet: FleetView,
  audit: AuditView,
  more: MoreView,
};

function View() {
  const { path } = usePlace();
  const [first = '', name, list, key] = path;
  useEffect(() => {
    const title = path.length === 0 ? 'Overview' : path.join(' / ');
    document.title = `${title} · Millrace`;
    scrollTo(0, 0);
  }, [path.join('/')]);
  if (path.length === 0 || (first === 'pipelines' && name === undefined)) return <OverviewView />;
  if (first === 'pipelines' && name !== undefined && list === 'keys' && key !== undefined) {
    return <KeyView key={`${name}/${key}`} pipeline={name} name={key} />;
  }
  if (first === 'pipelines' && name !== undefined && list === undefined) return <PipelineView key={name} name={name} />;
  if (first === 'systems' && name !== undefined) return <SystemViewOf key={name} name={name} />;
  const Found = path.length === 1 ? views[first] : undefined;
  return Found === undefined ? <NowhereView /> : <Found />;
}
