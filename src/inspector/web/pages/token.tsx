import { useState } from 'preact/hooks';
import { useToken } from '../api.ts';
import { linkProblem } from '../live.ts';
import { Logo } from '../parts/logo.tsx';

/** Asks for the admin token of a server that other machines reach. */
export function TokenPage() {
  const [token, setToken] = useState('');
  return (
    <form
      class="token-page"
      onSubmit={(event) => {
        event.preventDefault();
        if (token.trim() !== '') useToken(token.trim());
      }}
    >
      <Logo size={40} />
      <h1>The inspector needs the admin token</h1>
      <p class="muted">
        The one that the server was started with: <code>--admin-token</code> or{' '}
        <code>MPSD_ADMIN_TOKEN</code>. It stays in this tab and is forgotten when you close it.
      </p>
      <label>
        <span>Admin token</span>
        <input
          type="password"
          class="input"
          autocomplete="off"
          value={token}
          onInput={({ currentTarget }) => setToken(currentTarget.value)}
        />
      </label>
      {linkProblem.value !== undefined && <p class="problem">{linkProblem.value}</p>}
      <button type="submit" class="button strong">
        Open the inspector
      </button>
    </form>
  );
}
