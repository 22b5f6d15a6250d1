import { useEffect, useState } from 'preact/hooks';
import { get, type Page, pathOf } from '../lib/api.ts';
import { figures } from '../lib/pipelines.ts';
import { hrefOf } from '../lib/router.ts';
import { useStore } from '../lib/store.ts';
import type { ListedKey } from '../lib/types.ts';
import { Dialog } from './dialog.tsx';
import { Glyph, type GlyphName } from './glyph.tsx';

/** A possible destination. */
interface Target {
  readonly glyph: GlyphName;
  readonly text: string;
  readonly note: string;
  readonly href: string;
  readonly isExact?: boolean;
}

const keysPerPipeline = 4;
const askAfterMs = 120;

/** Finds keys by prefix, in every pipeline, and pipelines by name. Enter goes to the selected one. */
export function Jump({ onClose }: { readonly onClose: () => void }) {
  const { pipelines } = useStore(figures);
  const [text, setText] = useState('');
  const [targets, setTargets] = useState<readonly Target[]>([]);
  const [chosen, setChosen] = useState(0);
  const names = pipelines.map(({ name }) => name).join();
  useEffect(() => {
    const controller = new AbortController();
    const timer = setTimeout(() => {
      findTargets(text.trim(), names.split(','), controller.signal).then(
        (found) => {
          setTargets(found);
          setChosen(0);
        },
        (error: unknown) => {
          if (!controller.signal.aborted) setTargets([{ glyph: 'stalled', text: String(error), note: '', href: '' }]);
        },
      );
    }, askAfterMs);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [text, names]);
  const go = (target: Target | undefined) => {
    if (target === undefined || target.href === '') return;
    location.hash = target.href;
    onClose();
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      const by = event.key === 'ArrowDown' ? 1 : -1;
      setChosen((before) => Math.min(Math.max(before + by, 0), Math.max(0, targets.length - 1)));
    } else if (event.key === 'Enter') go(targets[chosen]);
  };
  return (
    <Dialog label="Jump" onClose={onClose}>
      <div class="field jump-field">
        <Glyph name="find" />
        <input
          value={text}
          placeholder="A key, or the name of a pipeline"
          aria-label="Jump to"
          role="combobox"
          aria-expanded="true"
          aria-controls="jump-list"
          aria-activedescendant={targets.length > 0 ? `jump-${chosen}` : undefined}
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={press}
        />
      </div>
      <div class="jump-list" id="jump-list" role="listbox" aria-label="Found">
        {targets.map((target, at) => (
          <a
            key={target.href}
            id={`jump-${at}`}
            role="option"
            aria-selected={at === chosen}
            tabIndex={-1}
            href={target.href}
            onClick={onClose}
          >
            <Glyph name={target.glyph} />
            <span class={target.isExact ? 'mono' : ''}>{target.text}</span>
            <span class="second small">{target.note}</span>
          </a>
        ))}
      </div>
      {text.trim() !== '' && targets.length === 0 && (
        <p class="empty">No key begins with {text.trim()}, and no pipeline has that in its name.</p>
      )}
    </Dialog>
  );
}

const statusGlyphs = { open: 'flowing', waiting: 'waiting', blocked: 'behind', parked: 'parked' } as const;

async function findTargets(text: string, pipelines: readonly string[], signal: AbortSignal): Promise<readonly Target[]> {
  const named = pipelines
    .filter((name) => name.includes(text))
    .map((name): Target => ({ glyph: 'overview', text: name, note: 'pipeline', href: hrefOf(['pipelines', name]) }));
  if (text === '') return named;
  const pages = await Promise.all(
    pipelines.map(async (name) => {
      const { items } = await get<Page<ListedKey>>(`${pathOf('pipelines', name)}/keys`, { prefix: text, limit: keysPerPipeline }, signal);
      return items.map(({ key, status }): Target => {
        const note = status === 'open' ? name : `${status} · ${name}`;
        return { glyph: statusGlyphs[status], text: key, note, href: hrefOf(['pipelines', name, 'keys', key]), isExact: key === text };
      });
    }),
  );
  return [...pages.flat().sort((a, b) => Number(b.isExact) - Number(a.isExact)), ...named];
}
