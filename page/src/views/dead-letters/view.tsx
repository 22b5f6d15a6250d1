import { useState } from 'preact/hooks';
import { get, type Page, post } from '../../lib/api.ts';
import { countOf } from '../../lib/format.ts';
import { type PagedList, usePagedList } from '../../lib/list.ts';
import { useLoaded } from '../../lib/load.ts';
import { figures } from '../../lib/pipelines.ts';
import { setQuery, usePlace } from '../../lib/router.ts';
import { commandLine } from '../../lib/shell.ts';
import { useStore } from '../../lib/store.ts';
import { Clock } from '../../parts/clock.tsx';
import { Select, TextField } from '../../parts/fields.tsx';
import { Command, Head, Panel } from '../../parts/panel.tsx';
import { Groups } from './groups.tsx';
import { LetterPanel } from './letter.tsx';
import { OperationStrip } from './operations.tsx';
import { Selection } from './selection.tsx';
import { keyOf, type LetterGroup, type Operation } from './types.ts';

const kinds = ['event', 'timer', 'outcome', 'delivery', 'gap', 'origin', 'rejected'] as const;
const operationsEveryMs = 1_000;
const firstGroups = 100;

/** Permanent failures, grouped by reason, to redrive or discard many at once. */
export function DeadLettersView() {
  const { query } = usePlace();
  const { pipeline = '', kind = '', reason = '', key = '', letter } = query;
  const { pipelines } = useStore(figures);
  const total = pipelines.reduce((sum, item) => sum + item.deadLetters, 0);
  const groups = usePagedList<LetterGroup>('/dead-letters/groups', { pipeline, kind, limit: firstGroups });
  const operations = useLoaded((signal) => get<Page<Operation>>('/operations', { pipeline }, signal), [pipeline], operationsEveryMs);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const shown = groups.items.filter((group) => group.reason.toLowerCase().includes(reason.toLowerCase()));
  const selected = shown.filter((group) => chosen.has(keyOf(group)));
  const counted = shown.reduce((sum, { count }) => sum + count, 0);
  const choose = (names: readonly string[], isChosen: boolean) =>
    setChosen((before) => new Set(isChosen ? [...before, ...names] : [...before].filter((name) => !names.includes(name))));
  const again = () => {
    groups.first.again();
    operations.again();
  };
  const act = async (action: 'redrive' | 'discard', why: string | undefined) => {
    for (const group of selected) {
      const { pipeline: where, kind: what, reason: pattern } = group;
      await post(`/dead-letters/${action}`, {
        filter: { pipeline: where, kind: what, reason: pattern },
        ...(why !== undefined && { reason: why }),
      });
    }
    setChosen(new Set());
    again();
  };
  return (
    <>
      <Head
        title="Dead letters"
        text="Events and calls that failed for good. Redrive retries a letter in the order of its key; discard drops it."
      >
        <Clock />
      </Head>
      <OperationStrip operations={operations.value?.items ?? []} again={again} />
      <div class="fields">
        <Select
          label="Pipeline"
          value={pipeline}
          options={pipelines.map(({ name }) => name)}
          onChange={(value) => setQuery({ pipeline: value })}
        />
        <Select label="Kind" value={kind} options={kinds} onChange={(value) => setQuery({ kind: value })} />
        <TextField label="Reason contains" value={reason} isSearch onChange={(value) => setQuery({ reason: value })} />
        <TextField label="Key" value={key} onChange={(value) => setQuery({ key: value })} />
        <span class="quiet">
          {countOf(counted, 'letter')} in {countOf(shown.length, 'group')}
          {groups.hasMore && ' so far'}
        </span>
      </div>
      <div class="columns">
        <div class="column">
          <Panel title="By reason" note="‹number›, ‹id› and ‹name› replace the parts that vary">
            <Groups
              list={groups}
              groups={shown}
              wanted={key}
              chosen={chosen}
              choose={choose}
              note={noteOf(groups, { isFiltered: pipeline !== '' || kind !== '', isSearched: reason !== '', isChanged: total !== counted })}
            />
          </Panel>
          {selected.length > 0 && <Selection groups={selected} act={act} clear={() => setChosen(new Set())} />}
        </div>
        <LetterPanel id={letter} again={again} />
      </div>
      <Command line={commandOf(pipeline, kind, selected[0])} />
    </>
  );
}

interface Looked {
  readonly isFiltered: boolean;
  readonly isSearched: boolean;
  /** True if the number of dead letters differs from that of the list. */
  readonly isChanged: boolean;
}

/** Says what the list leaves out, or that it is out of date. */
function noteOf({ first, hasMore }: PagedList<LetterGroup>, { isFiltered, isSearched, isChanged }: Looked): string | undefined {
  if (hasMore) return isSearched ? 'Only these were searched; load more to search the rest.' : undefined;
  if (first.value?.truncated === true) return 'Only the largest groups are listed. Filter by pipeline or kind to see smaller ones.';
  return isChanged && !isFiltered && !isSearched ? 'Dead letters have changed since this list was loaded.' : undefined;
}

function commandOf(pipeline: string, kind: string, group: LetterGroup | undefined): string {
  if (group === undefined) return commandLine('millrace dead-letters', { options: { pipeline, kind } });
  return commandLine('millrace redrive', { options: { pipeline: group.pipeline, kind: group.kind, like: group.reason } });
}
