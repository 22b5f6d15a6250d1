import { useMemo, useState } from 'preact/hooks';
import { get, type Page, Problem, pathOf, post } from '../../lib/api.ts';
import { ageText, countOf } from '../../lib/format.ts';
import { live } from '../../lib/live.ts';
import { type Loaded, useLoaded } from '../../lib/load.ts';
import { hrefOf, setQuery, usePlace } from '../../lib/router.ts';
import { commandLine } from '../../lib/shell.ts';
import { useStore } from '../../lib/store.ts';
import type { KeyDetails } from '../../lib/types.ts';
import { Clock } from '../../parts/clock.tsx';
import { Glyph } from '../../parts/glyph.tsx';
import { Operate } from '../../parts/operate.tsx';
import { Answer, Command, Fact, Head, Panel, Segments } from '../../parts/panel.tsx';
import type { Item } from '../../timeline/model.ts';
import { Picture } from '../../timeline/picture.tsx';
import { readTimeline, type TimelineItem } from '../../timeline/read.ts';
import { StatePanel } from '../../timeline/state-panel.tsx';
import { Story } from '../../timeline/story.tsx';
import { statusGlyphs } from '../pipeline/keys.tsx';
import { Held } from './held.tsx';
import { Legend } from './legend.tsx';
import { changeOf, summaryOf } from './summary.ts';

const everyMs = 2_000;
const pageSize = 100;

interface KeyProps {
  readonly pipeline: string;
  readonly name: string;
}

/** A key: its history, drawn and in words, and its state. */
export function KeyView({ pipeline, name }: KeyProps) {
  const path = pathOf('pipelines', pipeline, 'keys', name);
  const { isOn } = useStore(live);
  const every = isOn ? everyMs : undefined;
  const details = useLoaded((signal) => get<KeyDetails>(path, {}, signal), [path], every);
  const newest = useLoaded((signal) => get<Page<TimelineItem>>(`${path}/timeline`, { limit: pageSize }, signal), [path], every);
  const [older, setOlder] = useState<readonly TimelineItem[]>([]);
  const [cursor, setCursor] = useState<string>();
  const items = useMemo(() => merged(newest.value?.items ?? [], older), [newest.value, older]);
  const next = cursor ?? newest.value?.nextCursor;
  const loadOlder = async () => {
    const page = await get<Page<TimelineItem>>(`${path}/timeline`, { limit: pageSize, cursor: next });
    setOlder((before) => [...before, ...page.items]);
    setCursor(page.nextCursor ?? '');
  };
  const again = () => {
    details.again();
    newest.again();
  };
  return (
    <>
      <Head
        title={
          <>
            <span class="crumb">
              <a href={hrefOf(['pipelines', pipeline])}>{pipeline}</a> /
            </span>
            <span class="mono">{name}</span>
            <button
              type="button"
              class="button plain icon"
              aria-label="Copy the key"
              title="Copy the key"
              onClick={() => void navigator.clipboard.writeText(name)}
            >
              <Glyph name="copy" />
            </button>
          </>
        }
        text={summaryOf(items, details.value)}
      >
        <Acts path={path} name={name} details={details} again={again} />
        <Clock />
      </Head>
      <Answer of={details}>{(shown) => <Facts details={shown} />}</Answer>
      <WhatHappened
        items={items}
        newest={newest}
        details={details.value}
        pipeline={pipeline}
        hasOlder={next !== undefined && next !== ''}
        loadOlder={loadOlder}
      />
      <Command line={commandLine('millrace show', { operands: [pipeline, name] })} />
    </>
  );
}

/** Merges the newest items with those of older pages, without duplicates. */
function merged(newest: readonly TimelineItem[], older: readonly TimelineItem[]): readonly Item[] {
  const byId = new Map([...older, ...newest].map((item) => [item.id, item]));
  return readTimeline([...byId.values()]);
}

function Facts({ details: { status, held, pending, timers, deliveries, next, parkedBy } }: { readonly details: KeyDetails }) {
  const now = Date.now();
  const [timer] = timers;
  return (
    <dl class="facts">
      <Fact label="Status">
        <span class="state" data-status={status}>
          <Glyph name={statusGlyphs[status]} />
          {status}
        </span>
      </Fact>
      <Fact label="Held events">{Math.max(held.length, pending)}</Fact>
      <Fact label="Timers">
        {timers.length}{' '}
        {timer !== undefined && (
          <span class="quiet">
            · {timer.name} {ageText(timer.dueAt, now)}
          </span>
        )}
      </Fact>
      <Fact label="Deliveries waiting">{deliveries.length}</Fact>
      {next !== null && <Fact label="Next number">{next}</Fact>}
      {parkedBy !== null && (
        <Fact label="Parked by">
          <a class="link" href={hrefOf(['dead-letters'], { letter: parkedBy.deadLetter })}>
            {parkedBy.reason.length > 60 ? `${parkedBy.reason.slice(0, 59)}…` : parkedBy.reason}
          </a>
        </Fact>
      )}
    </dl>
  );
}

interface ActsProps {
  readonly path: string;
  readonly name: string;
  readonly details: Loaded<KeyDetails>;
  readonly again: () => void;
}

/** The operator's actions on a key. */
function Acts({ path, name, details, again }: ActsProps) {
  const { value } = details;
  const act = (what: 'park' | 'resume' | 'skip-gap') => async (reason: string | undefined) => {
    await post(`${path}/${what}`, { ...(reason !== undefined && { reason }) });
    again();
  };
  const isParked = value?.status === 'parked';
  return (
    <>
      {value?.status === 'waiting' && (
        <Operate
          title={`Skip the gap of ${name}`}
          text="The missing numbers become a dead letter, and the events behind them continue."
          action="Skip the gap"
          act={act('skip-gap')}
        >
          <Glyph name="gap" />
          Skip gap…
        </Operate>
      )}
      {isParked ? (
        <Operate
          title={`Resume ${name}`}
          text="The event that failed is retried, and the events behind it continue."
          action="Resume"
          isMain
          shortcut="p"
          act={act('resume')}
        >
          Resume…
        </Operate>
      ) : (
        <Operate
          title={`Park ${name}`}
          text="No turn of this key starts until someone resumes it. No other key is delayed."
          action="Park"
          shortcut="p"
          unable={whyUnable(details)}
          act={act('park')}
        >
          <Glyph name="parked" />
          Park…
        </Operate>
      )}
    </>
  );
}

/** Says why a key cannot be parked; undefined if it can. */
function whyUnable({ value, error }: Loaded<KeyDetails>): string | undefined {
  if (value !== undefined) return undefined;
  if (error === undefined) return 'The key has not loaded yet.';
  return error instanceof Problem && error.status === 404 ? 'This key has no events.' : 'The key could not be loaded.';
}

type Shown = 'all' | 'turn' | 'timer' | 'delivery' | 'operator';
const filters: readonly (readonly [Shown, string])[] = [
  ['all', 'All'],
  ['turn', 'Turns'],
  ['timer', 'Timers'],
  ['delivery', 'Deliveries'],
  ['operator', 'Operator'],
];

function isShown({ kind }: Item, filter: Shown): boolean {
  if (filter === 'all') return true;
  if (filter === 'delivery') return kind === 'call' || kind === 'delivery asked' || kind === 'outcome';
  if (filter === 'turn') return kind === 'turn' || kind === 'parked' || kind === 'accepted';
  return kind.startsWith(filter);
}

interface WhatHappenedProps {
  readonly items: readonly Item[];
  readonly newest: Loaded<Page<TimelineItem>>;
  readonly details: KeyDetails | undefined;
  readonly pipeline: string;
  readonly hasOlder: boolean;
  readonly loadOlder: () => Promise<void>;
}

function WhatHappened({ items, newest, details, pipeline, hasOlder, loadOlder }: WhatHappenedProps) {
  const { query } = usePlace();
  const [isLinear, setIsLinear] = useState(false);
  const [areFailures, setAreFailures] = useState(false);
  const [filter, setFilter] = useState<Shown>('all');
  const { at } = useStore(live);
  const chosen = query.item;
  const choose = (id: string | undefined) => setQuery({ item: id });
  const drawn = areFailures ? items.filter(({ isGood, kind }) => isGood === false || kind === 'parked') : items;
  const now = Math.max(at === 0 ? Date.now() : at, items[0]?.end ?? 0);
  const words = drawn.filter((item) => isShown(item, filter));
  const chosenItem = items.find(({ id }) => id === chosen);
  const failures = items.filter(({ isGood }) => isGood === false).length;
  const note = `${countOf(items.length, 'item')}, ${countOf(failures, 'failure')}${hasOlder ? '; older items are not loaded' : ''}`;
  return (
    <div class="column story-first">
      <Panel
        title="What happened"
        class="picture"
        note={note}
        end={
          <>
            <span class="quiet">
              <kbd>←</kbd> <kbd>→</kbd> step
            </span>
            <Segments
              label="Time"
              options={[
                ['elastic', 'Elastic'],
                ['linear', 'Linear'],
              ]}
              value={isLinear ? 'linear' : 'elastic'}
              onChange={(value) => setIsLinear(value === 'linear')}
            />
            <button type="button" class="button" aria-pressed={areFailures} onClick={() => setAreFailures(!areFailures)}>
              Failures only
            </button>
          </>
        }
      >
        <Answer of={newest}>
          {() =>
            drawn.length === 0 ? (
              <p class="empty">The log keeps nothing of this key any more. The pipeline’s option retain sets how long it does.</p>
            ) : (
              <>
                <Picture
                  items={drawn}
                  now={now}
                  title="What happened. The list below describes it in words."
                  isLinear={isLinear}
                  chosen={chosen}
                  choose={choose}
                />
                <Legend />
              </>
            )
          }
        </Answer>
        <p class="hidden-text" aria-live="polite">
          {chosenItem?.text}
        </p>
      </Panel>
      <div class="columns">
        <Panel title="In words" note="newest first" end={<Segments label="Shown" options={filters} value={filter} onChange={setFilter} />}>
          <Story items={words} chosen={chosen} choose={choose} />
          {hasOlder && (
            <footer>
              <span>Older items are in the log.</span>
              <button type="button" class="button" onClick={() => void loadOlder()}>
                Show older
              </button>
            </footer>
          )}
        </Panel>
        <div class="column">
          <StatePanel state={details?.state} change={changeOf(items, chosenItem)} />
          {details !== undefined && <Held details={details} pipeline={pipeline} />}
        </div>
      </div>
    </div>
  );
}
