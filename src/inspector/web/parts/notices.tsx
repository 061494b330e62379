import { closeNotice, notices } from '../notices.ts';
import { requestHref } from '../route.ts';
import { Icon } from './icon.tsx';
import { UserText } from './user-text.tsx';

/** What came of the last actions, at the edge of the page. */
export function Notices() {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map(({ id, tone, title, text, requestId }) => (
        <div key={id} class={`notice ${tone}`}>
          <Icon name={tone === 'good' ? 'check' : 'alert'} />
          <div>
            <b>
              <UserText>{title}</UserText>
            </b>
            {text.split('\n').map((line, at) => (
              <p key={at}>
                <UserText>{line}</UserText>
              </p>
            ))}
            {requestId !== undefined && tone === 'bad' && (
              <a class="link" href={requestHref(requestId)} onClick={() => closeNotice(id)}>
                Why was it refused?
              </a>
            )}
          </div>
          <button type="button" class="plain" aria-label="Close" onClick={() => closeNotice(id)}>
            <Icon name="close" size={13} />
          </button>
        </div>
      ))}
    </div>
  );
}
