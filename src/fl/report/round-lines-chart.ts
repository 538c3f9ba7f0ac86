import type { Markup } from './html.ts';
import { labelText, textWidth } from './label-room.ts';
import { AXIS_STYLE, CHART_WIDTH, PALETTE, svgChart, TEXT_COLOUR, TOGETHER_COLOUR } from './svg-chart.ts';

/** One line: a value for each round, null where there is none. */
export interface RoundLine {
  readonly name: string;
  readonly values: readonly (number | null)[];
}

export interface RoundLines {
  /** What a reader who does not see it is told. */
  readonly label: string;
  /** What the values are. */
  readonly valueName: string;
  readonly rounds: readonly number[];
  /** What stands for all together; drawn over the others. */
  readonly together: RoundLine | null;
  readonly lines: readonly RoundLine[];
  readonly min?: number;
  readonly max?: number;
  readonly valueText?: (value: number) => string;
}

/** Of the lines' own part. Units: CSS pixels. */
const PLOT_HEIGHT = 270;
const MARGINS = { left: 84, right: 24, bottom: 48 };
const NAME_MAX = 24;
/** A line of the legend, and what stands before and behind each name in it. Units: CSS pixels. */
const LEGEND = { row: 24, mark: 30, gap: 24 };
/** Between the numbers of two rounds. Units: CSS pixels. */
const LABEL_GAP = 14;
/** How many rounds go by from one number on the axis to the next. */
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 100_000, 1_000_000];

/** How many lines a legend takes. */
function legendRows(names: readonly string[]): number {
  let [rows, used] = [1, 0];
  for (const name of names) {
    const width = LEGEND.mark + textWidth(name) + LEGEND.gap;
    if (used > 0 && used + width > CHART_WIDTH) [rows, used] = [rows + 1, 0];
    used += width;
  }
  return rows;
}

/** Which rounds have their number on the axis. */
function isNumbered(rounds: readonly number[]): (index: number) => boolean {
  const slot = (CHART_WIDTH - MARGINS.left - MARGINS.right) / Math.max(1, rounds.length);
  const widest = Math.max(0, ...rounds.map((round) => textWidth(String(round)))) + LABEL_GAP;
  const every = STEPS.find((step) => step * slot >= widest) ?? rounds.length;
  return (index) => every === 1 || (rounds[index] ?? 0) % every === 0;
}

function ownSeries({ name, values }: RoundLine, index: number) {
  return {
    type: 'line' as const,
    silent: true,
    symbol: 'circle',
    name,
    data: [...values],
    color: PALETTE[index % PALETTE.length] ?? TEXT_COLOUR,
    symbolSize: 6,
    lineStyle: { width: 1.5, type: 'dashed' as const },
  };
}

function togetherSeries({ name, values }: RoundLine) {
  return {
    type: 'line' as const,
    silent: true,
    symbol: 'circle',
    name,
    data: [...values],
    color: TOGETHER_COLOUR,
    symbolSize: 9,
    lineStyle: { width: 3.5 },
  };
}

/** Lines over the rounds of a run: solid what stands for all, dashed each participant's own. */
export function roundLinesChart({ label, valueName, rounds, together, lines, ...axis }: RoundLines): Markup {
  const { min, max, valueText } = axis;
  const axisLabel = valueText === undefined ? {} : { formatter: valueText };
  const own = lines.map((line) => ({ ...line, name: labelText(line.name, NAME_MAX) }));
  const legend = [...(together === null ? [] : [together.name]), ...own.map(({ name }) => name)];
  const top = LEGEND.row * legendRows(legend) + 24;
  const interval = isNumbered(rounds);
  return svgChart({
    label,
    height: top + PLOT_HEIGHT + MARGINS.bottom,
    option: {
      legend: { top: 0, itemGap: LEGEND.gap, textStyle: { color: TEXT_COLOUR } },
      grid: { ...MARGINS, top },
      xAxis: {
        ...AXIS_STYLE,
        type: 'category',
        name: 'round',
        nameLocation: 'middle',
        nameGap: 30,
        data: rounds.map(String),
        axisTick: { ...AXIS_STYLE.axisTick, interval },
        axisLabel: { ...AXIS_STYLE.axisLabel, interval },
      },
      yAxis: {
        ...AXIS_STYLE,
        axisLabel: { ...AXIS_STYLE.axisLabel, ...axisLabel },
        type: 'value',
        name: valueName,
        nameLocation: 'middle',
        nameGap: 62,
        scale: min === undefined,
        ...(min === undefined ? {} : { min }),
        ...(max === undefined ? {} : { max }),
      },
      series: [...(together === null ? [] : [togetherSeries(together)]), ...own.map(ownSeries)],
    },
  });
}
