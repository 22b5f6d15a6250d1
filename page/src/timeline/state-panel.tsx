import { useState } from 'preact/hooks';
import { Panel, Segments } from '../parts/panel.tsx';

interface StateProps {
  readonly state: unknown;
  /** The state before and after the chosen turn, if the timeline has them. */
  readonly change: { readonly before: unknown; readonly after: unknown; readonly by: string } | undefined;
}

/** Shows the state of a key, or the changes made by the chosen turn. */
export function StatePanel({ state, change }: StateProps) {
  const [shown, setShown] = useState<'diff' | 'whole'>('diff');
  const isDiff = change !== undefined && shown === 'diff';
  const value = change === undefined ? state : change.after;
  return (
    <Panel
      title="State"
      note={change === undefined ? 'as it is now' : `what ${change.by} changed`}
      end={
        change && (
          <Segments
            label="State"
            options={[
              ['diff', 'Diff'],
              ['whole', 'Whole'],
            ]}
            value={shown}
            onChange={setShown}
          />
        )
      }
    >
      <div class="body">
        {isDiff ? (
          <Diff before={change.before} after={change.after} />
        ) : value === null || value === undefined ? (
          <p class="second">No state.</p>
        ) : (
          <pre>{JSON.stringify(value, null, 2)}</pre>
        )}
      </div>
    </Panel>
  );
}

function Diff({ before, after }: { readonly before: unknown; readonly after: unknown }) {
  const lines = diffOf(linesOf(before), linesOf(after));
  return (
    <pre class="diff">
      {lines.map(({ sign, text }, at) => (
        <span key={`${at} ${text}`} class={sign === '+' ? 'added' : sign === '-' ? 'removed' : ''}>
          {`${sign} ${text}\n`}
        </span>
      ))}
    </pre>
  );
}

function linesOf(value: unknown): readonly string[] {
  return value === null || value === undefined ? [] : JSON.stringify(value, null, 2).split('\n');
}

interface DiffLine {
  readonly sign: ' ' | '+' | '-';
  readonly text: string;
}

/** Keeps lines that are in both; others were removed or added, in text order. */
function diffOf(before: readonly string[], after: readonly string[]): readonly DiffLine[] {
  const lines: DiffLine[] = [];
  let at = 0;
  for (const text of before) {
    const found = after.indexOf(text, at);
    if (found < 0) lines.push({ sign: '-', text });
    else {
      for (const added of after.slice(at, found)) lines.push({ sign: '+', text: added });
      lines.push({ sign: ' ', text });
      at = found + 1;
    }
  }
  for (const added of after.slice(at)) lines.push({ sign: '+', text: added });
  return lines;
}
