import { useEffect, useState } from 'preact/hooks';
import { useActs } from '../../lib/acts.ts';
import { get, pathOf, post } from '../../lib/api.ts';
import { countText, durationText, rateText } from '../../lib/format.ts';
import { live } from '../../lib/live.ts';
import { useLoaded } from '../../lib/load.ts';
import { type ChartWindow, chartWindows, withNow } from '../../lib/pipelines.ts';
import { commandLine } from '../../lib/shell.ts';
import { useStore } from '../../lib/store.ts';
import type { ChartColumn, PipelineDetails } from '../../lib/types.ts';
import { Clock } from '../../parts/clock.tsx';
import { Glyph } from '../../parts/glyph.tsx';
import { Operate } from '../../parts/operate.tsx';
import { Answer, Command, Fact, Head, Segments } from '../../parts/panel.tsx';
import { Charts } from './charts.tsx';
import { KeysPanel } from './keys.tsx';
import { SidePanels } from './side.tsx';

const everyMs = 10_000;

/** A pipeline: its progress, its keys and its pending work. */
export function PipelineView({ name }: { readonly name: string }) {
  const [window, setWindow] = useState<ChartWindow>('5m');
  const details = useLoaded((signal) => get<PipelineDetails>(pathOf('pipelines', name), { window }, signal), [name, window], everyMs);
  const { value } = details;
  const now = useStore(live);
  const present = now.pipelines[name];
  const health = present?.health ?? value?.health ?? 'idle';
  // Another operator's pause shows at once.
  const isPaused = health === 'paused';
  useEffect(details.again, [isPaused]);
  const acts = useActs(name);
  return (
    <>
      <Head
        title={
          <>
            {name} <Glyph name={health} /> <span class="second small">{health}</span>
          </>
        }
        text={value === undefined ? '\u00a0' : sentenceOf(value)}
      >
        <PauseButton name={name} isPaused={value?.paused === true} again={details.again} />
        <Segments label="Window of the charts" options={chartWindows} value={window} onChange={setWindow} />
        <Clock />
      </Head>
      <Answer of={details}>
        {(shown) => (
          <>
            {shown.trouble !== null && <p class="notice red">{shown.trouble}</p>}
            <Facts details={shown} />
            <Charts chart={withNow<ChartColumn>(shown.chart, now.at, present)} acts={acts} />
            <div class="columns">
              <KeysPanel name={name} waiting={shown.parked + shown.held} />
              <SidePanels details={shown} />
            </div>
          </>
        )}
      </Answer>
      <Command line={commandLine('millrace keys', { operands: [name] })} />
    </>
  );
}

function sentenceOf({ declared: { order, isKeyed, endpoints, timers, hasSchedule } }: PipelineDetails): string {
  const parts = [
    isKeyed
      ? `Events of a key are handled in order of ${order === 'number' ? 'their numbers' : 'arrival'}`
      : 'Every event is a key of its own',
  ];
  if (timers.length > 0) parts.push(`timers: ${timers.join(', ')}`);
  if (endpoints.length > 0) parts.push(`delivers to: ${endpoints.join(', ')}`);
  if (hasSchedule) parts.push('fed by a schedule');
  return `${parts.join('; ')}.`;
}

interface PauseProps {
  readonly name: string;
  readonly isPaused: boolean;
  readonly again: () => void;
}

function PauseButton({ name, isPaused, again }: PauseProps) {
  const act = async (reason: string | undefined) => {
    await post(`${pathOf('pipelines', name)}/${isPaused ? 'resume' : 'pause'}`, { ...(reason !== undefined && { reason }) });
    again();
  };
  const text = isPaused
    ? 'Waiting events continue in order.'
    : 'No turn starts in the whole fleet, even after a restart. Events are still accepted, and deliveries continue.';
  const word = isPaused ? 'Resume' : 'Pause';
  return (
    <Operate title={`${word} ${name}`} text={text} action={word} shortcut="p" act={act}>
      <Glyph name={isPaused ? 'flowing' : 'paused'} />
      {word}…
    </Operate>
  );
}

function Facts({ details }: { readonly details: PipelineDetails }) {
  const { now, depth, held, parked, deadLetters, running, concurrency, declared } = details;
  const { attempts, backoffMs, backoffMsMax, onGiveUp } = declared;
  return (
    <dl class="facts">
      <Fact label="In, out">
        {rateText(now.in)}, {rateText(now.out)} <span class="quiet">a second</span>
      </Fact>
      <Fact label="Waiting">
        {countText(depth)} <span class="quiet">of which {countText(held)} held</span>
      </Fact>
      <Fact label="Parked keys">{countText(parked)}</Fact>
      <Fact label="Dead letters">{countText(deadLetters)}</Fact>
      <Fact label="Running turns">
        {running} <span class="quiet">of {concurrency}</span>
      </Fact>
      <Fact label="Attempts">
        {attempts}{' '}
        <span class="quiet">{attempts === 1 ? 'no retry' : `${durationText(backoffMs)} to ${durationText(backoffMsMax)} apart`}</span>
      </Fact>
      <Fact label="If all fail">{onGiveUp === 'park' ? 'park the key' : 'skip the event'}</Fact>
    </dl>
  );
}
