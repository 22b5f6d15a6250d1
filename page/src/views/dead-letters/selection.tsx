import { post } from '../../lib/api.ts';
import { countText } from '../../lib/format.ts';
import { useLoaded } from '../../lib/load.ts';
import { Operate } from '../../parts/operate.tsx';
import { filterOf, keyOf, type LetterGroup } from './types.ts';

interface DryRun {
  readonly matched: number;
}

interface SelectionProps {
  readonly groups: readonly LetterGroup[];
  readonly act: (action: 'redrive' | 'discard', reason: string | undefined) => Promise<void>;
  readonly clear: () => void;
}

/** The selection, the effect of each action, and the actions. All matching letters are selected. */
export function Selection({ groups, act, clear }: SelectionProps) {
  const dry = useLoaded(() => dryRun(groups), [groups.map(keyOf).join()]);
  const count = dry.value ?? groups.reduce((sum, group) => sum + group.count, 0);
  const [first] = groups;
  const gaps = groups.filter(({ kind }) => kind === 'gap').length;
  const what = groups.length === 1 && first !== undefined ? `all of ${first.pipeline}, ${first.kind}` : `all of ${groups.length} groups`;
  const text = `Starts in a few seconds, and can be undone until then. It continues if you close this page, and after a crash.`;
  return (
    <section class="selection" aria-label="Chosen">
      <div class="top-row">
        <strong>
          {countText(count)} chosen: {what}
        </strong>
        <button type="button" class="button plain" onClick={clear}>
          Clear
        </button>
        <Operate
          title={`Discard ${countText(count)}`}
          text={text}
          action={`Discard ${countText(count)}`}
          isDanger
          act={(reason) => act('discard', reason)}
        >
          Discard…
        </Operate>
        <Operate
          title={`Redrive ${countText(count)}`}
          text={text}
          action={`Redrive ${countText(count)}`}
          isMain
          shortcut="r"
          act={(reason) => act('redrive', reason)}
        >
          Redrive {countText(count)}
        </Operate>
      </div>
      <p class="second" aria-live="polite">
        {dry.value === undefined ? 'Dry run…' : `Dry run: would redrive ${countText(dry.value)}.`} {dry.error?.message}
        {gaps > 0 && ' Gaps cannot be redriven; they are kept.'}
      </p>
    </section>
  );
}

async function dryRun(groups: readonly LetterGroup[]): Promise<number> {
  const answers = await Promise.all(
    groups.map((group) => post<DryRun>('/dead-letters/redrive', { filter: filterOf(group), dryRun: true })),
  );
  return answers.reduce((sum, { matched }) => sum + matched, 0);
}
