/** The icons of the page: 16 by 16, drawn with lines of the text's colour. */

const paths = {
  sessions: 'M2.5 2.5h4.5v4.5h-4.5zM9 2.5h4.5v4.5h-4.5zM2.5 9h4.5v4.5h-4.5zM9 9h4.5v4.5h-4.5z',
  users:
    'M6 7.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM1.5 13.5c.3-2.6 2-4 4.5-4s4.2 1.4 4.5 4M10.5 2.8a2.4 2.4 0 0 1 0 4.5M12 9.8c1.5.5 2.3 1.8 2.5 3.7',
  requests: 'M2.5 4h1M6 4h7.5M2.5 8h1M6 8h7.5M2.5 12h1M6 12h4.5',
  hoppers: 'M2 3h12l-4.5 5.5v4.5l-3-1.5v-3z',
  certification: 'M8 1.8l5 1.9v4c0 3.2-2 5.3-5 6.5-3-1.2-5-3.3-5-6.5v-4zM5.7 8l1.7 1.7 3-3.2',
  control: 'M2 4.5h6M11 4.5h3M2 11.5h3M8 11.5h6M9.5 3v3M6.5 10v3',
  search: 'M7 12a5 5 0 1 0 0-10 5 5 0 0 0 0 10zM10.7 10.7 14 14',
  theme: 'M8 13.5a5.5 5.5 0 1 0 0-11zM8 2.5a5.5 5.5 0 0 0 0 11',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
  link: 'M6.5 9.5l3-3M7 4.8l1.6-1.6a2.6 2.6 0 0 1 4 3.6L10.8 8.6M9 11.2l-1.6 1.6a2.6 2.6 0 0 1-4-3.6L5.2 7.4',
  check: 'M3 8.5l3.3 3.2L13 5',
  close: 'M4 4l8 8M12 4l-8 8',
  play: 'M5 3.2v9.6l7.5-4.8z',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  clock: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.8V8l2.3 1.6',
  back: 'M9.5 3.5 5 8l4.5 4.5',
  forward: 'M6.5 3.5 11 8l-4.5 4.5',
  open: 'M4 6.5 8 10.5l4-4',
  plug: 'M6 2v3M10 2v3M4 5h8v2.5a4 4 0 0 1-8 0zM8 11.5V14',
  send: 'M2.5 8 13.5 2.5 10 13.5 7.5 8.8z',
  download: 'M8 2.5v7.5M4.8 7 8 10.2 11.2 7M3 13.3h10',
  upload: 'M8 10.5V3M4.8 6 8 2.8 11.2 6M3 13.3h10',
  crown: 'M2.5 12h11M3 10 2.2 4.5l3.3 2.3L8 3l2.5 3.8 3.3-2.3L13 10z',
  host: 'M2.5 3h11v7h-11zM6 13.3h4M8 10v3.3',
  lock: 'M4 7.5h8v6H4zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5',
  bolt: 'M9 1.8 3.5 9H8l-1 5.2L12.5 7H8z',
  key: 'M5 10.5a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6zM7.7 7.7h6.3v2.6M11 7.7v2',
  compare: 'M5.5 2.5v11M10.5 2.5v11M2.5 5.5l3-3 3 3M7.5 10.5l3 3 3-3',
  plus: 'M8 3v10M3 8h10',
  alert: 'M8 2.2 14.5 13.5h-13zM8 6.5v3.2M8 11.6v.2',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 16 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 16 16" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
