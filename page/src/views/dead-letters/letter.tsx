import { get, pathOf, post } from '../../lib/api.ts';
import { countOf } from '../../lib/format.ts';
import { useLoaded } from '../../lib/load.ts';
import { hrefOf, setQuery } from '../../lib/router.ts';
import type { DeadLetter } from '../../lib/types.ts';
import { Glyph } from '../../parts/glyph.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Operate } from '../../parts/operate.tsx';
import { Answer, Panel } from '../../parts/panel.tsx';
import { Stack } from '../../timeline/story.tsx';
import { kindGlyphs } from './groups.tsx';

/** One letter, opened. */
export function LetterPanel({ id, again }: { readonly id: string | undefined; readonly again: () => void }) {
  if (id === undefined) {
    return (
      <Panel title="Dead letter">
        <p class="empty">Open a group and choose a letter to see its reason, stack and payload.</p>
      </Panel>
    );
  }
  return <Letter key={id} id={id} again={again} />;
}

function Letter({ id, again }: { readonly id: string; readonly again: () => void }) {
  const path = pathOf('dead-letters', id);
  const letter = useLoaded((signal) => get<DeadLetter>(path, {}, signal), [id]);
  const act = (what: 'redrive' | 'discard') => async (reason: string | undefined) => {
    await post(`${path}/${what}`, { ...(reason !== undefined && { reason }) });
    setQuery({ letter: undefined });
    again();
  };
  return (
    <Panel title={letter.value?.kind ?? 'Dead letter'} note={letter.value && `of ${letter.value.key}`} class="letter">
      <Answer of={letter}>
        {(shown) => (
          <>
            <div class="part acts-row">
              <Operate
                title="Redrive this letter"
                text="It is retried in the order of its key."
                action="Redrive"
                shortcut="r"
                act={act('redrive')}
              >
                Redrive…
              </Operate>
              <a class="button" href={hrefOf(['pipelines', shown.pipeline, 'keys', shown.key])}>
                Timeline of the key
              </a>
              <Operate
                title="Discard this letter"
                text="It is dropped for good, and its key continues."
                action="Discard"
                isDanger
                act={act('discard')}
              >
                Discard…
              </Operate>
            </div>
            <div class="part">
              <Stack text={shown.stack ?? shown.reason} />
            </div>
            <div class="part">
              <dl class="pairs">
                <dt>Kind</dt>
                <dd class="state">
                  <Glyph name={kindGlyphs[shown.kind]} /> {shown.kind}
                </dd>
                <dt>Pipeline</dt>
                <dd>{shown.pipeline}</dd>
                <dt>Key</dt>
                <dd>{shown.parked ? 'parked: later events wait' : 'continues'}</dd>
                <dt>Failed</dt>
                <dd>
                  <Moment at={shown.failedAt} /> UTC, after {countOf(shown.attempts, 'attempt')}
                </dd>
                {shown.acceptedAt !== null && (
                  <>
                    <dt>Accepted</dt>
                    <dd>
                      <Moment at={shown.acceptedAt} /> UTC
                    </dd>
                  </>
                )}
                {shown.delivery !== null && (
                  <>
                    <dt>To</dt>
                    <dd>{shown.delivery.url ?? shown.delivery.endpoint}</dd>
                  </>
                )}
                {shown.numbers !== null && (
                  <>
                    <dt>Numbers</dt>
                    <dd>
                      {shown.numbers.from} to {shown.numbers.to}
                    </dd>
                  </>
                )}
              </dl>
            </div>
            <Payload letter={shown} />
          </>
        )}
      </Answer>
    </Panel>
  );
}

function Payload({ letter: { event, timer, outcome, delivery, origin } }: { readonly letter: DeadLetter }) {
  const payload = event ?? timer?.data ?? outcome?.reported ?? delivery?.payload ?? origin;
  if (payload === null || payload === undefined) return null;
  return (
    <div class="part">
      <h3>Payload</h3>
      <pre>{JSON.stringify(payload, null, 2)}</pre>
    </div>
  );
}
