import type { CustomSeriesRenderItemAPI, CustomSeriesRenderItemReturn } from 'echarts';
import type { Activity, RoundReport, Span } from '../inspection/inspection.ts';
import type { Markup } from './html.ts';
import { labelsWithRoom, labelText } from './label-room.ts';
import { AXIS_STYLE, CHART_WIDTH, svgChart, TEXT_COLOUR } from './svg-chart.ts';
import { timeTicks } from './time-ticks.ts';
import type { TimelineRow } from './timeline-rows.ts';

interface TimelineRequest {
  readonly rows: readonly TimelineRow[];
  readonly rounds: readonly RoundReport[];
  /** Units: milliseconds since 1970. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** How an activity is drawn: by colour, and by its share of a row's height for readers who do not tell colours. */
export interface ActivityLook {
  readonly activity: Activity;
  readonly word: string;
  readonly colour: string;
  readonly height: number;
}

/** Every activity in the order of the legend. */
export const ACTIVITY_LOOKS: readonly ActivityLook[] = [
  { activity: 'training', word: 'training', colour: '#3b82d0', height: 0.8 },
  { activity: 'uploading', word: 'uploading', colour: '#d97a1e', height: 0.6 },
  { activity: 'receiving', word: 'receiving the model', colour: '#2f9d74', height: 0.4 },
  { activity: 'waiting', word: 'waiting', colour: '#8a94a3', height: 0.14 },
  { activity: 'absent', word: 'not running', colour: '#6b4f8f', height: 0.25 },
  { activity: 'unknown', word: 'not known', colour: '#b0a35a', height: 0.25 },
  { activity: 'lost', word: 'lost', colour: '#c8374b', height: 0.25 },
];

const ROW_HEIGHT = 26;
const MARGINS = { left: 150, right: 24, top: 64, bottom: 40 };
const NAME_MAX = 20;
/** Between the numbers of two rounds. Units: CSS pixels. */
const LABEL_GAP = 6;
/** Shorter spans than this cannot be seen. Units: CSS pixels. */
const WIDTH_MIN = 0.75;

/** One span as the drawing library keeps it: row, begin, end, and whether its bounds are estimated. */
type Datum = [row: number, fromMs: number, toMs: number, estimated: number];

function drawn(api: CustomSeriesRenderItemAPI, look: ActivityLook): CustomSeriesRenderItemReturn {
  const row = Number(api.value(0));
  const [left = 0, middle = 0] = api.coord([Number(api.value(1)), row]);
  const [right = 0] = api.coord([Number(api.value(2)), row]);
  const height = ROW_HEIGHT * look.height;
  const isEstimated = Number(api.value(3)) === 1;
  return {
    type: 'rect',
    shape: { x: left, y: middle - height / 2, width: Math.max(WIDTH_MIN, right - left), height },
    style: {
      fill: look.colour,
      opacity: isEstimated ? 0.55 : 1,
      ...(isEstimated ? { stroke: look.colour, lineDash: [3, 2], lineWidth: 1 } : {}),
    },
  };
}

function dataOf(rows: readonly TimelineRow[], activity: Activity): Datum[] {
  const ofRow = (spans: readonly Span[], row: number) =>
    spans
      .filter((span) => span.activity === activity)
      .map(({ fromMs, toMs, estimated }): Datum => [row, fromMs, toMs, estimated ? 1 : 0]);
  return rows.flatMap(({ spans }, row) => ofRow(spans, row));
}

/** The lines of rounds, with numbers where they have room. */
function roundLines({ rounds, fromMs, toMs }: TimelineRequest, width: number) {
  const lines = rounds.flatMap(({ round, startedAtMs, isFinal }) => {
    if (startedAtMs === null) return [];
    const middle = ((startedAtMs - fromMs) / (toMs - fromMs)) * width;
    return [{ text: isFinal ? 'end' : String(round), middle, startedAtMs }];
  });
  const shown = labelsWithRoom(
    lines.toSorted((left, right) => left.middle - right.middle),
    LABEL_GAP,
  );
  return {
    silent: true,
    symbol: 'none',
    lineStyle: { color: TEXT_COLOUR, opacity: 0.45, width: 1, type: 'solid' as const },
    data: lines.map((line) => ({
      xAxis: line.startedAtMs,
      label: {
        show: shown.has(line),
        formatter: line.text,
        color: TEXT_COLOUR,
        opacity: 1,
        position: 'start' as const,
      },
    })),
  };
}

/** A row for each participant, and for a server that was away: what it was doing, from left to right; lines where rounds begin. */
export function timelineChart(request: TimelineRequest): Markup {
  const { rows, fromMs, toMs } = request;
  const width = CHART_WIDTH - MARGINS.left - MARGINS.right;
  const ticks = timeTicks({ fromMs, toMs, width });
  const labels = new Map(ticks.map(({ atMs, label }) => [atMs, label]));
  const customValues = ticks.map(({ atMs }) => atMs);
  return svgChart({
    label:
      'Timeline: for each participant when it was waiting, receiving, training, uploading, not running or lost. The table below has the durations.',
    height: MARGINS.top + MARGINS.bottom + ROW_HEIGHT * rows.length,
    option: {
      legend: { top: 0, itemGap: 32, itemWidth: 18, itemHeight: 10, textStyle: { color: TEXT_COLOUR } },
      grid: { ...MARGINS, width },
      xAxis: {
        ...AXIS_STYLE,
        type: 'value',
        min: fromMs,
        max: toMs,
        axisTick: { ...AXIS_STYLE.axisTick, show: true, customValues },
        axisLine: { ...AXIS_STYLE.axisLine, show: true },
        axisLabel: {
          ...AXIS_STYLE.axisLabel,
          customValues,
          hideOverlap: false,
          formatter: (atMs: number) => labels.get(atMs) ?? '',
        },
        splitLine: { show: false },
      },
      yAxis: {
        ...AXIS_STYLE,
        type: 'category',
        inverse: true,
        data: rows.map(({ name }) => labelText(name, NAME_MAX)),
        axisLabel: { ...AXIS_STYLE.axisLabel, interval: 0 },
        splitLine: { show: true, lineStyle: { color: TEXT_COLOUR, opacity: 0.12 } },
      },
      series: ACTIVITY_LOOKS.map((look, index) => ({
        type: 'custom' as const,
        name: look.word,
        silent: true,
        color: look.colour,
        clip: true,
        encode: { x: [1, 2], y: 0 },
        data: dataOf(rows, look.activity),
        renderItem: (_params: unknown, api: CustomSeriesRenderItemAPI) => drawn(api, look),
        ...(index === 0 ? { markLine: roundLines(request, width) } : {}),
      })),
    },
  });
}
