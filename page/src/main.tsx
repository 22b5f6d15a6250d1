import { render } from 'preact';
import { App } from './app.tsx';
import './styles/tokens.css';
import './styles/base.css';
import './styles/shell.css';
import './styles/controls.css';
import './styles/panels.css';
import './styles/charts.css';
import './styles/overview.css';
import './styles/views.css';
import './styles/timeline.css';
import { live } from './lib/live.ts';
import { askAccess } from './lib/session.ts';
import { listenToKeys } from './lib/shortcuts.ts';

const retryMs = 2_000;

/** Until the server has answered once, there is nothing to show except that it does not. */
async function begin(page: HTMLElement): Promise<void> {
  for (;;) {
    try {
      await askAccess();
      break;
    } catch (error) {
      page.textContent = `No answer from ${location.host} since ${new Date(live.get().heardAt).toISOString().slice(11, 19)} UTC: ${error instanceof Error ? error.message : String(error)}. Trying every 2 s.`;
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }
  page.textContent = '';
  listenToKeys();
  render(<App />, page);
}

const page = document.getElementById('page');
if (page !== null) void begin(page);
