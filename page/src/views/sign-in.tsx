import { useState } from 'preact/hooks';
import { type Access, askAccess, maySee, storeToken } from '../lib/session.ts';
import { Wheel } from '../parts/glyph.tsx';

/** Asks for a token, if the server requires one. */
export function SignIn() {
  const [token, setToken] = useState('');
  const [refusal, setRefusal] = useState<string>();
  const [isBusy, setIsBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setIsBusy(true);
    storeToken(token.trim());
    try {
      setRefusal(refusalOf(await askAccess()));
    } catch (error) {
      setRefusal(`No answer from ${location.host}: ${error instanceof Error ? error.message : String(error)}`);
    }
    setIsBusy(false);
  };
  return (
    <main class="sign-in" id="main">
      <form class="panel form" onSubmit={submit}>
        <h1 class="brand">
          <Wheel /> Millrace
        </h1>
        <p class="second">
          This server requires a token. <code>millrace token NAME --role operate</code> creates one.
        </p>
        <label for="token">
          Token
          <span class="field">
            <input
              id="token"
              type="password"
              autoComplete="current-password"
              required
              value={token}
              onInput={(event) => setToken(event.currentTarget.value)}
            />
          </span>
        </label>
        {refusal !== undefined && (
          <p class="notice red" role="alert">
            {refusal}
          </p>
        )}
        <div class="acts">
          <button type="submit" class="button main" disabled={isBusy}>
            Sign in
          </button>
        </div>
        <p class="quiet small">The token stays in this tab until you close it.</p>
      </form>
    </main>
  );
}

function refusalOf(known: Access): string | undefined {
  if (maySee(known)) return undefined;
  if (known.token === null) return 'This server does not know this token. It may have been revoked; millrace token creates another.';
  return `This token may ${known.token.role}, not read. The page needs one that may read or operate.`;
}
