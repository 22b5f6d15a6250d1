import type { ComponentChildren } from 'preact';
import { countText } from '../lib/format.ts';
import { live } from '../lib/live.ts';
import { figures, nowOf } from '../lib/pipelines.ts';
import { hrefOf, usePlace } from '../lib/router.ts';
import { access, askAccess, storeToken } from '../lib/session.ts';
import { openBox } from '../lib/shortcuts.ts';
import { useStore } from '../lib/store.ts';
import { systemViews } from '../lib/systems.ts';
import { toggleTheme } from '../lib/theme.ts';
import { Glyph, type GlyphName, Wheel } from './glyph.tsx';

/** The frame around every view: navigation, with counts of what needs attention. */
export function Shell({ children }: { readonly children: ComponentChildren }) {
  return (
    <>
      <button type="button" class="skip" onClick={skip}>
        Skip to content
      </button>
      <div class="app">
        <PhoneTop />
        <Sidebar />
        <main id="main" tabIndex={-1}>
          {children}
        </main>
        <PhoneTabs />
      </div>
    </>
  );
}

function skip(): void {
  document.getElementById('main')?.focus();
}

interface LinkProps {
  readonly path: readonly string[];
  readonly glyph: GlyphName;
  readonly label?: string;
  readonly text: string;
  readonly count?: number | undefined;
  readonly query?: Readonly<Record<string, string>>;
}

function NavLink({ path, glyph, label, text, count, query = {} }: LinkProps) {
  const place = usePlace();
  const isHere =
    place.path.slice(0, Math.max(1, path.length)).join('/') === path.join('/') && (place.query.only ?? '') === (query.only ?? '');
  return (
    <a href={hrefOf(path, query)} aria-current={isHere ? 'page' : undefined} title={text}>
      <Glyph name={glyph} {...(label !== undefined && { label })} />
      <span>{text}</span>
      {count !== undefined && <b class={count > 0 ? 'hot' : ''}>{countText(count)}</b>}
    </a>
  );
}

function Sidebar() {
  const { pipelines } = useStore(figures);
  const now = useStore(live);
  const sum = (figure: 'deadLetters' | 'parked' | 'gaps' | 'deliveries') => pipelines.reduce((total, item) => total + item[figure], 0);
  const views = systemViews(pipelines.map(({ name }) => name));
  return (
    <aside class="side" aria-label="Millrace">
      <a class="brand" href={hrefOf([])}>
        <Wheel />
        <span>Millrace</span>
      </a>
      <button class="jump-button" type="button" aria-label="Jump to a key" aria-keyshortcuts="/" onClick={() => openBox.set('jump')}>
        <Glyph name="find" />
        <span>Jump to a key</span>
        <kbd>/</kbd>
      </button>
      <nav class="nav" aria-label="Main">
        <NavLink path={[]} glyph="overview" text="Overview" />
      </nav>
      <nav class="nav" aria-labelledby="nav-waits">
        <h2 id="nav-waits">Waits for you</h2>
        <NavLink path={['dead-letters']} glyph="dead" text="Dead letters" count={sum('deadLetters')} />
        <NavLink path={['parked']} glyph="parked" text="Parked keys" count={sum('parked')} />
        <NavLink path={['gaps']} glyph="gap" text="Gaps" count={sum('gaps')} />
      </nav>
      <nav class="nav" aria-labelledby="nav-pipelines">
        <h2 id="nav-pipelines">Pipelines</h2>
        {pipelines.map((item) => {
          const { health } = nowOf(now, item);
          return <NavLink key={item.name} path={['pipelines', item.name]} glyph={health} label={health} text={item.name} />;
        })}
      </nav>
      {views.length > 0 && (
        <nav class="nav" aria-labelledby="nav-systems">
          <h2 id="nav-systems">Systems</h2>
          {views.map(({ name, title }) => (
            <NavLink key={name} path={['systems', name]} glyph="system" text={title} />
          ))}
        </nav>
      )}
      <nav class="nav" aria-labelledby="nav-engine">
        <h2 id="nav-engine">Engine</h2>
        <NavLink path={['deliveries']} glyph="delivery" text="Deliveries" count={sum('deliveries')} />
        <NavLink path={['timers']} glyph="timer" text="Timers" />
        <NavLink path={['schedules']} glyph="schedule" text="Schedules" />
        <NavLink path={['fleet']} glyph="fleet" text="Fleet" />
        <NavLink path={['audit']} glyph="audit" text="Audit" />
      </nav>
      <Who />
    </aside>
  );
}

function Who() {
  const known = useStore(access);
  return (
    <footer>
      <span>{known?.token == null ? 'no token required' : `${known.token.name} · ${known.token.role}`}</span>
      {known?.token != null && (
        <button type="button" class="button plain icon" aria-label="Sign out" title="Sign out" onClick={signOut}>
          <Glyph name="leave" />
        </button>
      )}
      <button
        type="button"
        class="button plain icon"
        aria-label="Light or dark"
        title="Light or dark"
        aria-keyshortcuts="t"
        onClick={toggleTheme}
      >
        <Glyph name="theme" />
      </button>
    </footer>
  );
}

function signOut(): void {
  storeToken('');
  void askAccess();
}

function PhoneTop() {
  return (
    <header class="top">
      <a class="brand" href={hrefOf([])}>
        <Wheel />
        <span>Millrace</span>
      </a>
      <button type="button" class="button plain icon" aria-label="Jump to a key" onClick={() => openBox.set('jump')}>
        <Glyph name="find" />
      </button>
      <button type="button" class="button plain icon" aria-label="Light or dark" onClick={toggleTheme}>
        <Glyph name="theme" />
      </button>
    </header>
  );
}

function PhoneTabs() {
  const { path } = usePlace();
  const { pipelines } = useStore(figures);
  const letters = pipelines.reduce((total, item) => total + item.deadLetters, 0);
  const [first = ''] = path;
  const tabs: readonly (readonly [path: string, glyph: GlyphName, text: string])[] = [
    ['', 'overview', 'Overview'],
    ['dead-letters', 'dead', 'Letters'],
    ['pipelines', 'turn', 'Pipelines'],
    ['more', 'audit', 'More'],
  ];
  return (
    <nav class="tabs" aria-label="Main, at the bottom">
      {tabs.map(([name, glyph, text]) => (
        <a key={name} href={hrefOf(name === '' ? [] : [name])} aria-current={first === name ? 'page' : undefined}>
          <Glyph name={glyph} />
          {text}
          {name === 'dead-letters' && letters > 0 && <em>{countText(letters)}</em>}
        </a>
      ))}
    </nav>
  );
}
