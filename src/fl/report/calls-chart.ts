import type { MountReport } from '../inspection/inspection.ts';
import type { Markup } from './html.ts';
import { timeText } from './quantities.ts';
import { AXIS_STYLE, svgChart, TOGETHER_COLOUR } from './svg-chart.ts';

/** API calls by the hour as bars. */
export function callsChart({ byHour }: MountReport): Markup {
  return svgChart({
    label: 'API calls of this mount by the hour; the table below has them by endpoint.',
    height: 260,
    option: {
      grid: { left: 84, right: 24, top: 24, bottom: 40 },
      xAxis: {
        ...AXIS_STYLE,
        type: 'category',
        data: byHour.map(({ hourAtMs }) => timeText(hourAtMs).slice(5, 16)),
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
