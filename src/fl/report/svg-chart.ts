import type { EChartsOption } from 'echarts';
import { BarChart, CustomChart, LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent, MarkLineComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { printableLines } from '../../printable.ts';
import { html, type Markup } from './html.ts';
import { stableSvg } from './stable-svg.ts';

// What no chart draws is named nowhere, so that the built program carries the rest of the library not at all.
use([BarChart, CustomChart, GridComponent, LegendComponent, LineChart, MarkLineComponent, SVGRenderer]);

/** Stands for the page's own text colour while a chart is drawn; no colour of a palette is the same. */
export const TEXT_COLOUR = '#010203';
/** Distinguishable from each other on white, on near-black and, by their order, for most colour-blind readers. */
export const PALETTE = [
  '#d1495b',
  '#2f8f9d',
  '#c98a1b',
  '#7a5fc7',
  '#4c8c3f',
  '#b0568f',
  '#6f7d8c',
  '#a2653e',
] as const;
/** The colour of what stands for all participants together. */
export const TOGETHER_COLOUR = '#3b82d0';

/** Axis, ticks and labels in the page's text colour. */
export const AXIS_STYLE = {
  nameTextStyle: { color: TEXT_COLOUR },
  axisLabel: { color: TEXT_COLOUR },
  axisLine: { lineStyle: { color: TEXT_COLOUR } },
  axisTick: { lineStyle: { color: TEXT_COLOUR } },
  splitLine: { lineStyle: { color: TEXT_COLOUR, opacity: 0.15 } },
} as const;

/** The width of every chart; a page scales it down. Units: CSS pixels. */
export const CHART_WIDTH = 960;

interface ChartRequest {
  /** What a reader who does not see it is told: what it shows, and where the same numbers stand. */
  readonly label: string;
  readonly height: number;
  readonly option: EChartsOption;
}

/**
 * Draw a chart as one SVG element.
 *
 * Guarantees: no script, no inline style, no control character; equal charts are equal markup; text takes the page's
 * colour; one image with a label for screen readers; the drawing library holds nothing afterwards.
 */
export function svgChart({ label, height, option }: ChartRequest): Markup {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: CHART_WIDTH, height });
  try {
    chart.setOption({
      // An animated or undisposed chart keeps Node alive.
      animation: false,
      useUTC: true,
      backgroundColor: 'transparent',
      textStyle: { fontFamily: 'system-ui, sans-serif', color: TEXT_COLOUR },
      ...option,
    });
    const drawn = printableLines(stableSvg(chart.renderToSVGString())).replaceAll(
      TEXT_COLOUR,
      'currentColor',
    );
    const head = html`<svg role="img" aria-label="${label}" `;
    return { markup: drawn.replace('<svg ', () => head.markup) };
  } finally {
    chart.dispose();
  }
}
