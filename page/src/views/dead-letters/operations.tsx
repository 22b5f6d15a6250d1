import { useEffect, useState } from 'preact/hooks';
import { pathOf, post } from '../../lib/api.ts';
import { countOf, countText, momentText } from '../../lib/format.ts';
import { access, mayOperate } from '../../lib/session.ts';
import { useStore } from '../../lib/store.ts';
import { Glyph, type GlyphName } from '../../parts/glyph.tsx';
import type { Operation } from './types.ts';

/** Operations that ended longer ago are in the audit. */
const shownForMs = 10 * 60_000;

/** The operations on many letters: about to start, under way, or ended. Each stays until dismissed. */
export function OperationStrip({ operations, again }: { readonly operations: readonly Operation[]; readonly again: () => void }) {
  const [dismissed, setDismissed] = useState<ReadonlySet<string>>(new Set());
  const now = Date.now();
  const shown = operations.filter(({ id, endedAt }) => !dismissed.has(id) && (endedAt === null || now - Date.parse(endedAt) < shownForMs));
  if (shown.length === 0) return null;
  return (
    <section class="panel" aria-label="Operations" aria-live="polite">
      {shown.map((operation) => (
        <Strip
          key={operation.id}
          operation={operation}
          again={again}
          dismiss={() => setDismissed((before) => new Set([...before, operation.id]))}
        />
      ))}
    </section>
  );
}

interface StripProps {
  readonly operation: Operation;
  readonly again: () => void;
  readonly dismiss: () => void;
}

const words = { redrive: ['Redriving', 'redriven'], discard: ['Discarding', 'discarded'] } as const;

function Strip({ operation, again, dismiss }: StripProps) {
  const { filter, state, who, startsAt } = operation;
  const isBegun = state !== 'starting' && state !== 'undone';
  return (
    <div class="operation" data-operation={state}>
      <Glyph name={glyphs[state]} />
      <p>
        <Stand operation={operation} /> · {filter.pipeline}
        <br />
        <span class="second">
          {who !== null && `by ${who} `}at {momentText(startsAt)} UTC {notes[state]}
        </span>
      </p>
      <div class="counts">{isBegun && <Progress operation={operation} />}</div>
      <Act operation={operation} again={again} dismiss={dismiss} />
    </div>
  );
}

const glyphs: Readonly<Record<Operation['state'], GlyphName>> = {
  starting: 'waiting',
  running: 'schedule',
  ended: 'flag',
  undone: 'flag',
  stopped: 'flag',
};

const notes: Readonly<Record<Operation['state'], string>> = {
  starting: '· nothing has changed yet',
  running: '· continues if you close this page, and after a crash',
  ended: '',
  undone: '',
  stopped: '',
};

function Stand({ operation: { action, state, matched, done, startsAt } }: Pick<StripProps, 'operation'>) {
  const secondsLeft = useSecondsTo(startsAt);
  const [doing, did] = words[action];
  const texts: Readonly<Record<Operation['state'], string>> = {
    starting: `${doing} ${matched > 0 ? countText(matched) : 'them'} in ${secondsLeft} s`,
    running: `${doing} ${countText(matched)}`,
    ended: `${countOf(done, 'letter')} ${did}`,
    undone: 'Undone: nothing was changed',
    stopped: `Stopped: ${countOf(done, 'letter')} ${did}, the rest kept`,
  };
  return <strong>{texts[state]}</strong>;
}

function Progress({ operation }: Pick<StripProps, 'operation'>) {
  const { matched, done, refused, failedAgain, left } = operation;
  const share = (count: number) => `${(count / Math.max(1, matched)) * 100}%`;
  return (
    <>
      <div class="progress" role="img" aria-label={`${done} of ${matched}`}>
        <i style={{ width: share(done) }} />
        <i class="bad" style={{ width: share(refused) }} />
      </div>
      <span class="quiet small">
        {countText(done)} done{failedAgain > 0 && `, ${countText(failedAgain)} failed again`}
        {refused > 0 && `, ${countText(refused)} refused`}, {countText(left)} left
      </span>
    </>
  );
}

function Act({ operation: { id, state }, again, dismiss }: StripProps) {
  const known = useStore(access);
  const call = async (what: 'undo' | 'stop') => {
    await post(`${pathOf('operations', id)}/${what}`);
    again();
  };
  if (state === 'starting') {
    return (
      <button type="button" class="button" data-shortcut="z" disabled={!mayOperate(known)} onClick={() => void call('undo')}>
        Undo <kbd>z</kbd>
      </button>
    );
  }
  if (state === 'running') {
    return (
      <button type="button" class="button" disabled={!mayOperate(known)} onClick={() => void call('stop')}>
        Stop here
      </button>
    );
  }
  return (
    <button type="button" class="button plain" onClick={dismiss}>
      Dismiss
    </button>
  );
}

function useSecondsTo(at: string): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  return Math.max(0, Math.ceil((Date.parse(at) - now) / 1000));
}
