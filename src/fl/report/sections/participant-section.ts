import { printable } from '../../../printable.ts';
import type { Inspection, ParticipantReport } from '../../inspection/inspection.ts';
import { html } from '../html.ts';
import { NO_VALUE, pageTable } from '../page-table.ts';
import { durationText, sizeText } from '../quantities.ts';
import { type TableTimes, tableTimes } from '../table-times.ts';
import { withoutUnixTimes } from '../unix-times.ts';
import { orDash, ROWS_MAX, type Section } from './section.ts';

const ADMISSIONS: Readonly<Record<ParticipantReport['admission'], string>> = {
  admitted: 'admitted',
  refused: 'refused',
  unanswered: 'not answered',
  unreadable: 'unreadable answer',
  unknown: 'answered',
  'never-asked': 'never asked',
};

function participantCells(participant: ParticipantReport, times: TableTimes) {
  const { account, heartbeat, lost, refusal } = participant;
  const gap = heartbeat?.carried?.longestGapMs ?? null;
  return [
    printable(participant.name),
    refusal === null ? ADMISSIONS[participant.admission] : printable(withoutUnixTimes(refusal)),
    times.text(participant.answeredAtMs),
    account === null ? NO_VALUE : `${printable(account.name)} (${printable(account.id)})`,
    orDash(heartbeat, ({ lastAtMs }) => times.text(lastAtMs)),
    orDash(heartbeat, ({ silentMs }) => durationText(silentMs)),
    orDash(gap, durationText),
    lost === null ? 'kept' : `lost in round ${lost.round ?? '?'}, ${times.text(lost.atMs)}`,
    participant.delivered,
    sizeText(participant.bytes),
  ];
}

/** Who took part, and how each was heard of. */
export function participantSection({ participants }: Inspection): Section {
  const times = tableTimes(
    participants.flatMap(({ answeredAtMs, heartbeat, lost }) => [
      answeredAtMs,
      heartbeat?.lastAtMs ?? null,
      lost?.atMs ?? null,
    ]),
  );
  const body =
    participants.length === 0
      ? html`<p>Nobody left a trace.</p>`
      : pageTable({
          caption: `Participants; ${times.note}`,
          columns: [
            { head: 'name', kind: 'name' },
            { head: 'registration', kind: 'foreign' },
            { head: 'answered', kind: 'time' },
            { head: 'account', kind: 'foreign', optional: true },
            { head: 'last heartbeat', kind: 'time' },
            { head: 'silent for', kind: 'number' },
            { head: 'longest pause', kind: 'number', optional: true },
            { head: 'connection' },
            { head: 'updates', kind: 'number' },
            { head: 'bytes', kind: 'number' },
          ],
          rows: participants.map((participant) => participantCells(participant, times)),
          rowsMax: ROWS_MAX,
        });
  return { id: 'participants', title: 'Participants', body };
}
