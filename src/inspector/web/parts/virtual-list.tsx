/** A list of any length: only the rows that are seen are in the document. */

import type { ComponentChildren, Ref, RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

/** Rows above and below the visible ones, so that fast scrolling shows no gap. */
const spareRows = 8;

export function VirtualList<Item>({
  items,
  rowHeight,
  keyOf,
  render,
  label,
  selected = -1,
  stick = false,
  empty,
  scroller,
}: {
  readonly items: readonly Item[];
  /** In pixels; all rows are equally high. */
  readonly rowHeight: number;
  readonly keyOf: (item: Item, index: number) => string;
  readonly render: (item: Item, index: number) => ComponentChildren;
  readonly label: string;
  /** The index that is kept in view; -1: none. */
  readonly selected?: number;
  /** True: stays at the end when rows are added there. */
  readonly stick?: boolean;
  readonly empty?: ComponentChildren;
  readonly scroller?: RefObject<HTMLDivElement | null>;
}) {
  const own = useRef<HTMLDivElement>(null);
  const box = scroller ?? own;
  const [view, setView] = useState({ top: 0, height: 600 });
  const isAtEnd = useRef(true);

  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const read = (): void => setView({ top: element.scrollTop, height: element.clientHeight });
    read();
    const observer = new ResizeObserver(read);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  useLayoutEffect(() => {
    const element = box.current;
    if (element === null || !stick || !isAtEnd.current) return;
    element.scrollTop = element.scrollHeight;
  }, [items, stick]);

  useEffect(() => {
    const element = box.current;
    if (element === null || selected < 0) return;
    const top = selected * rowHeight;
    const { scrollTop, clientHeight } = element;
    if (top >= scrollTop && top + rowHeight <= scrollTop + clientHeight) return;
    const isNear =
      top > scrollTop - 2 * rowHeight && top < scrollTop + clientHeight + 2 * rowHeight;
    // A step of the keyboard scrolls by a row; a jump shows what is around.
    if (!isNear) element.scrollTop = top - clientHeight / 3;
    else element.scrollTop = top < scrollTop ? top : top + rowHeight - clientHeight;
  }, [selected]);

  const first = Math.max(0, Math.floor(view.top / rowHeight) - spareRows);
  const last = Math.min(items.length, Math.ceil((view.top + view.height) / rowHeight) + spareRows);
  return (
    <div
      class="virtual-list"
      ref={box as Ref<HTMLDivElement>}
      onScroll={({ currentTarget: element }) => {
        isAtEnd.current =
          element.scrollTop + element.clientHeight >= element.scrollHeight - rowHeight;
        setView({ top: element.scrollTop, height: element.clientHeight });
      }}
    >
      {items.length === 0 ? (
        empty
      ) : (
        <ul
          aria-label={label}
          style={{ height: `${items.length * rowHeight}px`, position: 'relative' }}
        >
          {items.slice(first, last).map((item, offset) => {
            const index = first + offset;
            return (
              <li
                key={keyOf(item, index)}
                class="virtual-row"
                style={{ height: `${rowHeight}px`, top: `${index * rowHeight}px` }}
              >
                {render(item, index)}
              </li>
            );
          })}
        </ul>
      )}
    </div>
  );
}
