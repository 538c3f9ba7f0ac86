import { init } from 'echarts';
import type { Markup } from './html.ts';

/** Test accuracy after one round: the aggregate, and each participant's own model. Units: shares from 0 to 1. */
export interface RoundAccuracy {
  readonly round: number;
  readonly aggregate: number;
  /** By participant, in the order in which they are shown. */
  readonly clients: Readonly<Record<string, number>>;
}

/** Stands for the page's own text colour while the chart is drawn; no colour of the palette is the same. */
const TEXT_COLOUR = '#010203';
/** Distinguishable from each other on white, on near-black and, by their order, for most colour-blind readers. */
const PALETTE = ['#d1495b', '#2f8f9d', '#c98a1b', '#7a5fc7', '#4c8c3f', '#b0568f', '#6f7d8c', '#a2653e'];
const AGGREGATE_COLOUR = '#3b82d0';
const SIZE = { width: 760, height: 380 };

/** The lowest accuracy that the axis needs to show, rounded down to a tenth. */
function floorOf(rounds: readonly RoundAccuracy[]): number {
  const lowest = Math.min(
    ...rounds.flatMap(({ aggregate, clients }) => [aggregate, ...Object.values(clients)]),
  );
  return Math.max(0, Math.floor(lowest * 10) / 10);
}

function seriesOf(rounds: readonly RoundAccuracy[]) {
  const names = [...new Set(rounds.flatMap(({ clients }) => Object.keys(clients)))];
  const line = { type: 'line' as const, animation: false, silent: true, symbol: 'circle' };
  const own = names.map((name, index) => ({
    ...line,
    name,
    data: rounds.map(({ clients }) => clients[name] ?? null),
    color: PALETTE[index % PALETTE.length] ?? TEXT_COLOUR,
    symbolSize: 6,
    lineStyle: { width: 1.5, type: 'dashed' as const },
  }));
  const aggregate = {
    ...line,
    name: 'aggregate',
    data: rounds.map(({ aggregate }) => aggregate),
    color: AGGREGATE_COLOUR,
    symbolSize: 9,
    lineStyle: { width: 3.5 },
  };
  return [aggregate, ...own];
}

/**
 * Draw accuracy by round as one SVG element.
 *
 * Guarantees: no script; text takes the page's colour; the drawing library holds nothing afterwards.
 */
export function accuracyChart(rounds: readonly RoundAccuracy[]): Markup {
  const axis = {
    nameTextStyle: { color: TEXT_COLOUR },
    axisLabel: { color: TEXT_COLOUR },
    axisLine: { lineStyle: { color: TEXT_COLOUR } },
    axisTick: { lineStyle: { color: TEXT_COLOUR } },
    splitLine: { lineStyle: { color: TEXT_COLOUR, opacity: 0.15 } },
  };
  const chart = init(null, null, { renderer: 'svg', ssr: true, ...SIZE });
  try {
    chart.setOption({
      // An animated or undisposed chart keeps Node alive.
      animation: false,
      backgroundColor: 'transparent',
      textStyle: { fontFamily: 'system-ui, sans-serif', color: TEXT_COLOUR },
      legend: { top: 0, textStyle: { color: TEXT_COLOUR } },
      grid: { left: 64, right: 24, top: 48, bottom: 48 },
      xAxis: {
        ...axis,
        type: 'category',
        name: 'round',
        nameLocation: 'middle',
        nameGap: 30,
        data: rounds.map(({ round }) => String(round)),
      },
      yAxis: {
        ...axis,
        type: 'value',
        name: 'test accuracy',
        nameLocation: 'middle',
        nameGap: 46,
        min: floorOf(rounds),
        max: 1,
      },
      series: seriesOf(rounds),
    });
    const svg = chart.renderToSVGString();
    return { markup: svg.replaceAll(TEXT_COLOUR, 'currentColor') };
  } finally {
    chart.dispose();
  }
}
