import { useState } from 'preact/hooks';
import { get, type Page } from '../../lib/api.ts';
import { countOf, countText, momentText } from '../../lib/format.ts';
import type { PagedList } from '../../lib/list.ts';
import { useLoaded } from '../../lib/load.ts';
import { setQuery, usePlace } from '../../lib/router.ts';
import type { DeadLetter } from '../../lib/types.ts';
import { Glyph, type GlyphName } from '../../parts/glyph.tsx';
import { List } from '../../parts/list.tsx';
import { ArrivalBars } from '../../parts/spark.tsx';
import { filterOf, keyOf, type LetterGroup } from './types.ts';

export const kindGlyphs: Readonly<Record<DeadLetter['kind'], GlyphName>> = {
  event: 'event',
  timer: 'timer',
  outcome: 'turn',
  delivery: 'delivery',
  gap: 'gap',
  origin: 'event',
  rejected: 'event',
};

interface GroupsProps {
  readonly list: PagedList<LetterGroup>;
  /** Those of the list that are shown. */
  readonly groups: readonly LetterGroup[];
  /** The key being searched for. */
  readonly wanted: string;
  readonly chosen: ReadonlySet<string>;
  readonly choose: (names: readonly string[], isChosen: boolean) => void;
  /** A sentence about the list that its count does not say. */
  readonly note: string | undefined;
}

/** Groups of dead letters; an open group shows its letters. */
export function Groups({ list, groups, wanted, chosen, choose, note }: GroupsProps) {
  const names = groups.map(keyOf);
  const areAll = names.length > 0 && names.every((name) => chosen.has(name));
  return (
    <List list={list} noun="group" empty={nothing} changed={note}>
      {() =>
        groups.length === 0 ? (
          <div class="empty">{nothing}</div>
        ) : (
          <div class="scroll">
            <table class="letters">
              <thead>
                <tr>
                  <th scope="col">
                    <span class="check-target">
                      <input
                        type="checkbox"
                        class="check"
                        data-choose-all
                        aria-label="Choose all groups"
                        checked={areAll}
                        onChange={(event) => choose(names, event.currentTarget.checked)}
                      />
                    </span>
                  </th>
                  <th scope="col" class="right">
                    Count
                  </th>
                  <th scope="col">Reason</th>
                  <th scope="col" class="narrow-hidden">
                    Kind, pipeline
                  </th>
                  <th scope="col" class="narrow-hidden arrivals">
                    Last hour
                  </th>
                  <th scope="col" class="narrow-hidden">
                    Last, first, UTC
                  </th>
                </tr>
              </thead>
              <tbody>
                {groups.map((group) => (
                  <Group key={keyOf(group)} group={group} wanted={wanted} isChosen={chosen.has(keyOf(group))} choose={choose} />
                ))}
              </tbody>
            </table>
          </div>
        )
      }
    </List>
  );
}

const nothing = (
  <>
    <p>No dead letter matches. An event becomes one when its last attempt fails.</p>
    <code>millrace dead-letters</code>
  </>
);

interface GroupProps {
  readonly group: LetterGroup;
  readonly wanted: string;
  readonly isChosen: boolean;
  readonly choose: GroupsProps['choose'];
}

function Group({ group, wanted, isChosen, choose }: GroupProps) {
  const [isOpen, setIsOpen] = useState(wanted !== '');
  const { pipeline, kind, reason, count, first, last, arrivals } = group;
  const hour = arrivals.reduce((sum, one) => sum + one, 0);
  return (
    <>
      <tr class={isChosen ? 'chosen' : ''} data-row>
        <td>
          <span class="check-target">
            <input
              type="checkbox"
              class="check"
              aria-label={`Choose all ${count}: ${reason}`}
              checked={isChosen}
              onChange={(event) => choose([keyOf(group)], event.currentTarget.checked)}
            />
          </span>
        </td>
        <td class="number">{countText(count)}</td>
        <th scope="row">
          <button type="button" class="open" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
            <Glyph name="more" />
            <span>{reason}</span>
          </button>
        </th>
        <td class="narrow-hidden">
          <span class="state">
            <Glyph name={kindGlyphs[kind]} />
            {kind}
          </span>
          <br />
          <span class="quiet small">{pipeline}</span>
        </td>
        <td class="narrow-hidden arrivals">
          <ArrivalBars arrivals={arrivals} label={`${hour} in the last hour`} />
        </td>
        <td class="mono small narrow-hidden nowrap">
          {momentText(last)}
          <br />
          <span class="quiet">{momentText(first)}</span>
        </td>
      </tr>
      {isOpen && <Members group={group} wanted={wanted} />}
    </>
  );
}

const membersMax = 10;

function Members({ group, wanted }: { readonly group: LetterGroup; readonly wanted: string }) {
  const { query } = usePlace();
  const letters = useLoaded(
    (signal) => get<Page<DeadLetter>>('/dead-letters', { ...filterOf(group), key: wanted, limit: membersMax }, signal),
    [keyOf(group), group.count, wanted],
  );
  return (
    <>
      {letters.value?.items.map(({ id, key, attempts, failedAt, parked }) => (
        <tr key={id} class={`member ${query.letter === id ? 'current' : ''}`} data-row>
          <td />
          <td />
          <th scope="row">
            <button type="button" class="open" aria-pressed={query.letter === id} onClick={() => setQuery({ letter: id })}>
              <span class="mono">{key}</span>
            </button>
          </th>
          <td class="second narrow-hidden">{countOf(attempts, 'attempt')}</td>
          <td class="second narrow-hidden arrivals">{parked ? 'its key is parked' : ''}</td>
          <td class="mono small narrow-hidden">{momentText(failedAt)}</td>
        </tr>
      ))}
      {(letters.error !== undefined || letters.value?.nextCursor !== undefined) && (
        <tr class="member">
          <td />
          <td />
          <td colSpan={4} class="quiet">
            {letters.error?.message ?? 'There are more. Choose the group to act on all of them.'}
          </td>
        </tr>
      )}
    </>
  );
}
