import { useActs } from '../../lib/acts.ts';
import { get } from '../../lib/api.ts';
import type { Live } from '../../lib/live.ts';
import { live } from '../../lib/live.ts';
import { useLoaded } from '../../lib/load.ts';
import { chartWindows, figures, loadFigures, nowOf } from '../../lib/pipelines.ts';
import { useStore } from '../../lib/store.ts';
import type { Concern, PipelineItem } from '../../lib/types.ts';
import { Clock } from '../../parts/clock.tsx';
import { Command, Head, Panel, Segments } from '../../parts/panel.tsx';
import { EnginePanel } from './engine.tsx';
import { FleetPanel } from './fleet-panel.tsx';
import { Happenings } from './happenings.tsx';
import { Pipelines } from './pipelines.tsx';
import { Waits } from './waits.tsx';

const concernsEveryMs = 5_000;

/** Everything that waits for a person first, then the pipelines and the engine behind them. */
export function OverviewView() {
  const { window, pipelines, engine, error } = useStore(figures);
  const now = useStore(live);
  const concerns = useLoaded((signal) => get<{ items: readonly Concern[] }>('/concerns', {}, signal), [], concernsEveryMs);
  const acts = useActs();
  const waiting = concerns.value?.items.filter(({ needsPerson }) => needsPerson).length;
  return (
    <>
      <Head title="Overview" text={summaryOf(pipelines, now, waiting)}>
        <Segments label="Window of the charts" options={chartWindows} value={window} onChange={(chosen) => void loadFigures(chosen)} />
        <Clock />
      </Head>
      <Waits concerns={concerns} />
      {error !== undefined && <p class="notice red">{error.message}</p>}
      <Pipelines items={pipelines} now={now} acts={acts} />
      {engine !== undefined && <EnginePanel engine={engine} now={now} />}
      <div class="columns even">
        <FleetPanel />
        <Panel title="Happening" note="a sample of events">
          <Happenings items={now.happenings} />
        </Panel>
      </div>
      <Command line="millrace status" />
    </>
  );
}

function summaryOf(pipelines: readonly PipelineItem[], now: Live, waiting: number | undefined): string {
  if (pipelines.length === 0) return '\u00a0';
  const bad = pipelines.filter((item) => ['stalled', 'paused', 'behind'].includes(nowOf(now, item).health));
  const healthy = pipelines.length - bad.length;
  const stand = bad.map((item) => `${item.name} is ${nowOf(now, item).health}`).join(', ');
  const progress =
    bad.length === 0 ? 'Every pipeline makes progress' : `${healthy} of ${pipelines.length} pipelines make progress; ${stand}`;
  if (waiting === undefined) return `${progress}.`;
  const waits = waiting === 0 ? 'Nothing waits for you' : waiting === 1 ? 'One thing waits for you' : `${waiting} things wait for you`;
  return `${progress}. ${waits}.`;
}
