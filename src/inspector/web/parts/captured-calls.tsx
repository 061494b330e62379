import type { CapturedRequest } from '../captured-log.ts';
import { route } from '../route.ts';
import { Card } from './head.tsx';
import { LogHeads, LogLine, logLineHeight } from './log-line.tsx';
import { RequestDetails } from './request-details.tsx';
import { VirtualList } from './virtual-list.tsx';

/** All calls of a capture; each opens with what was sent and answered. */
export function CapturedCalls({ calls }: { readonly calls: readonly CapturedRequest[] }) {
  const open = route.value.query.get('open') ?? undefined;
  const selected = calls.findIndex(({ detail }) => detail.row.id === open);
  const opened = calls[selected];
  return (
    <Card title="Calls in order" count={calls.length}>
      <div
        class={opened === undefined ? 'with-drawer captured' : 'with-drawer captured has-drawer'}
      >
        <div class="log">
          <LogHeads />
          <VirtualList
            items={calls}
            rowHeight={logLineHeight()}
            keyOf={({ detail }) => detail.row.id}
            label="Calls in order"
            selected={selected}
            render={({ detail }) => (
              <LogLine row={detail.row} isSelected={detail.row.id === open} />
            )}
          />
        </div>
        {opened !== undefined && (
          <aside class="drawer" aria-label="The call">
            <RequestDetails
              detail={opened.detail}
              origin={opened.origin}
              auth="captured"
              isCaptured
            />
          </aside>
        )}
      </div>
    </Card>
  );
}
