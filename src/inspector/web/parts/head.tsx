import type { ComponentChildren } from 'preact';

/** The title of a page with what stands beside it. */
export function Head({
  title,
  children,
}: {
  readonly title: ComponentChildren;
  readonly children?: ComponentChildren;
}) {
  return (
    <header class="head">
      <h1>{title}</h1>
      {children}
    </header>
  );
}

/** A framed part of a page. */
export function Card({
  title,
  count,
  actions,
  children,
  kind = '',
}: {
  readonly title: string;
  readonly count?: number | undefined;
  readonly actions?: ComponentChildren;
  readonly children: ComponentChildren;
  readonly kind?: string;
}) {
  return (
    <section class={`card ${kind}`} aria-label={title}>
      <header class="card-head">
        <h2>{title}</h2>
        {count !== undefined && <span class="faint number">{count}</span>}
        <span class="space" />
        {actions}
      </header>
      {children}
    </section>
  );
}
