import type { MountReport } from '../inspection/inspection.ts';
import type { Markup } from './html.ts';
import { textWidth } from './label-room.ts';
import { AXIS_STYLE, CHART_WIDTH, svgChart, TOGETHER_COLOUR } from './svg-chart.ts';
import { dayText } from './time-ticks.ts';

const MARGINS = { left: 84, right: 40, top: 24, bottom: 40 };
/** Between two hours' names. Units: CSS pixels. */
const GAP = 20;

const hourText = (atMs: number) => `${dayText(atMs)} ${new Date(atMs).toISOString().slice(11, 16)}`;

/** API calls by the hour as bars. */
export function callsChart({ byHour }: MountReport): Markup {
  const names = byHour.map(({ hourAtMs }) => hourText(hourAtMs));
  const slot = (CHART_WIDTH - MARGINS.left - MARGINS.right) / Math.max(1, names.length);
  const widest = Math.max(0, ...names.map(textWidth));
  const every = Math.max(1, Math.ceil((widest + GAP) / slot));
  return svgChart({
    label: 'API calls of this mount by the hour; the table below has them by endpoint.',
    height: 260,
    option: {
      grid: MARGINS,
      xAxis: {
        ...AXIS_STYLE,
        type: 'category',
        data: names,
        axisTick: { ...AXIS_STYLE.axisTick, interval: every - 1 },
        axisLabel: { ...AXIS_STYLE.axisLabel, interval: every - 1 },
      },
      yAxis: { ...AXIS_STYLE, type: 'value', name: 'API calls', nameLocation: 'middle', nameGap: 62 },
      series: [
        {
          type: 'bar',
          silent: true,
          color: TOGETHER_COLOUR,
          barMaxWidth: 60,
          data: byHour.map(({ calls }) => calls),
        },
      ],
    },
  });
}
