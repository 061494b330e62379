/** The chart of a simulation: how long players wait, and how many wait when. */

import type { SimulationResult } from '../matchmaking/simulation.ts';

type ChartSeries = { readonly label: string; readonly result: SimulationResult };

const width = 720;
const panelHeight = 260;
const margin = { left: 64, right: 16, top: 40, bottom: 44 } as const;
const colours = ['#1f77b4', '#d62728'] as const;

/** The chart as an SVG document, or within an HTML page. */
export function formatChart(all: readonly ChartSeries[], isPage: boolean): string {
  const svg = formatSvg(all);
  if (!isPage) return `<?xml version="1.0" encoding="UTF-8"?>\n${svg}\n`;
  const title = escapeXml(all.map(({ label }) => label).join(' and '));
  return `<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>${title}</title>\n${svg}\n</html>\n`;
}

function formatSvg(all: readonly ChartSeries[]): string {
  const waits = all.map(({ result }) => [...result.waits.values()].flat().sort((a, b) => a - b));
  const waitMax = Math.max(1, ...waits.map((sorted) => sorted.at(-1) ?? 0));
  const poolMax = Math.max(1, ...all.flatMap(({ result }) => result.pool));
  const curves = waits.map((sorted) =>
    Array.from({ length: 101 }, (_, percent) => {
      const at = Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1);
      return { x: (sorted[at] ?? 0) / waitMax, y: percent / 100 };
    }),
  );
  const pools = all.map(({ result }) =>
    result.pool.map((players, i) => ({ x: (i + 1) / result.pool.length, y: players / poolMax })),
  );
  const legend = all.map(
    ({ label }, i) =>
      `<text x="${margin.left + 8}" y="${margin.top + 18 + 16 * i}" fill="${colourOf(i)}">${escapeXml(label)}</text>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${2 * panelHeight}" width="${width}" height="${2 * panelHeight}" font-family="sans-serif" font-size="12">`,
    '<rect width="100%" height="100%" fill="white"/>',
    ...panel(
      0,
      'matched players by their wait',
      `0 to ${waitMax.toFixed(0)} s`,
      '0 to 100 %',
      curves,
    ),
    ...panel(panelHeight, 'players who wait', 'time', `0 to ${poolMax}`, pools),
    ...legend,
    '</svg>',
  ].join('\n');
}

type Point = { readonly x: number; readonly y: number };

/** One diagram; the points are from 0 to 1 in both directions. */
function panel(
  top: number,
  title: string,
  xLabel: string,
  yLabel: string,
  curves: readonly (readonly Point[])[],
): readonly string[] {
  const innerWidth = width - margin.left - margin.right;
  const innerHeight = panelHeight - margin.top - margin.bottom;
  const [left, upper] = [margin.left, top + margin.top];
  const at = ({ x, y }: Point): string =>
    `${(left + x * innerWidth).toFixed(1)},${(upper + (1 - y) * innerHeight).toFixed(1)}`;
  return [
    `<text x="${left}" y="${upper - 14}" font-weight="bold">${title}</text>`,
    `<rect x="${left}" y="${upper}" width="${innerWidth}" height="${innerHeight}" fill="none" stroke="#999"/>`,
    `<text x="${left + innerWidth / 2}" y="${upper + innerHeight + 24}" text-anchor="middle">${xLabel}</text>`,
    `<text x="${left - 8}" y="${upper + 12}" text-anchor="end">${yLabel}</text>`,
    ...curves.map(
      (points, i) =>
        `<polyline fill="none" stroke="${colourOf(i)}" stroke-width="1.5" points="${points.map(at).join(' ')}"/>`,
    ),
  ];
}

function colourOf(index: number): string {
  return colours[index % colours.length] ?? colours[0];
}

function escapeXml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);
}
