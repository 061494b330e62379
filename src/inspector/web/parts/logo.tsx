/** Four seats, one of them free. */
export function Logo({ size = 26 }: { readonly size?: number }) {
  return (
    <svg class="logo" width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect class="logo-seat" x="3" y="3" width="11.5" height="11.5" rx="3" />
      <rect class="logo-seat" x="17.5" y="3" width="11.5" height="11.5" rx="3" />
      <rect class="logo-seat" x="3" y="17.5" width="11.5" height="11.5" rx="3" />
      <rect class="logo-free" x="18.5" y="18.5" width="9.5" height="9.5" rx="2.4" />
    </svg>
  );
}
