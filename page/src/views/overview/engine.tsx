import { bytesText, durationParts, rateText } from '../../lib/format.ts';
import type { Live } from '../../lib/live.ts';
import { withNow } from '../../lib/pipelines.ts';
import type { Engine, EngineColumn } from '../../lib/types.ts';
import { Panel } from '../../parts/panel.tsx';
import { Spark } from '../../parts/spark.tsx';

const points = 60;

/** The engine of the answering process: the cost of commits, and how free its event loop is. */
export function EnginePanel({ engine, now }: { readonly engine: Engine; readonly now: Live }) {
  const present = now.engine ?? engine.now;
  const chart = withNow<EngineColumn>(engine.chart, now.at, now.engine);
  const cell = (label: string, column: EngineColumn, [value, unit]: readonly [string, string], floor: number, note: string) => (
    <div>
      <dt>{label}</dt>
      <dd>
        <b>{value}</b> <span class="unit">{unit}</span>
        <span class="note">{note}</span>
        <Spark
          values={chart?.[column] ?? []}
          width={64}
          height={22}
          floor={floor}
          points={points}
          label={`${label}: ${value} ${unit} now`}
        />
      </dd>
    </div>
  );
  const backlog = Math.round(((present.depth ?? 0) / engine.backlogMax) * 1000) / 10;
  return (
    <Panel title="Engine" note="the process that answers this page">
      <dl class="engine">
        {cell('Commit p99', 'commitP99', durationParts(present.commitP99), 10, `p50 ${durationParts(present.commitP50).join(' ')}`)}
        {cell('Turns per commit', 'turnsPerCommit', [rateText(present.turnsPerCommit), ''], 10, 'on average')}
        {cell('Event loop p99', 'loopP99', durationParts(present.loopP99), 10, 'delay')}
        {cell('Store log', 'logBytes', bytesText(present.logBytes), 1_000_000, 'on disk')}
        {cell('Memory', 'rssBytes', bytesText(present.rssBytes), 200_000_000, 'resident')}
        {cell('Backlog', 'depth', [String(backlog), '%'], 40, `of ${engine.backlogMax.toLocaleString('en')}`)}
      </dl>
    </Panel>
  );
}
