import type { Markup } from './html.ts';
import { AXIS_STYLE, PALETTE, svgChart, TEXT_COLOUR, TOGETHER_COLOUR } from './svg-chart.ts';

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

const HEIGHT = 380;

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
  return svgChart({
    label,
    height: HEIGHT,
    option: {
      legend: { top: 0, itemGap: 24, textStyle: { color: TEXT_COLOUR } },
      grid: { left: 84, right: 24, top: 64, bottom: 48 },
      xAxis: {
        ...AXIS_STYLE,
        type: 'category',
        name: 'round',
        nameLocation: 'middle',
        nameGap: 30,
        data: rounds.map(String),
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
      series: [...(together === null ? [] : [togetherSeries(together)]), ...lines.map(ownSeries)],
    },
  });
}
