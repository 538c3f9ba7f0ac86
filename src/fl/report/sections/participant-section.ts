import { printable } from '../../../printable.ts';
import type { Inspection, ParticipantReport } from '../../inspection/inspection.ts';
import { html } from '../html.ts';
import { pageTable } from '../page-table.ts';
import { durationText, sizeText, timeText } from '../quantities.ts';
import { orDash, ROWS_MAX, type Section } from './section.ts';

const ADMISSIONS: Readonly<Record<ParticipantReport['admission'], string>> = {
  admitted: 'admitted',
  refused: 'refused',
  unanswered: 'not answered',
  unreadable: 'unreadable answer',
  unknown: 'answered',
  'never-asked': 'never asked',
};

function participantCells(participant: ParticipantReport) {
  const { account, heartbeat, lost, refusal } = participant;
  const gap = heartbeat?.carried?.longestGapMs ?? null;
  return [
    printable(participant.name),
    refusal === null ? ADMISSIONS[participant.admission] : printable(refusal),
    timeText(participant.answeredAtMs),
    account === null ? '–' : `${printable(account.name)} (${printable(account.id)})`,
    orDash(heartbeat, ({ lastAtMs }) => timeText(lastAtMs)),
    orDash(heartbeat, ({ silentMs }) => durationText(silentMs)),
    orDash(gap, durationText),
    lost === null ? 'kept' : `lost in round ${lost.round ?? '?'}, ${timeText(lost.atMs)}`,
    participant.delivered,
    sizeText(participant.bytes),
  ];
}

/** Who took part, and how each was heard of. */
export function participantSection({ participants }: Inspection): Section {
  const body =
    participants.length === 0
      ? html`<p>Nobody left a trace.</p>`
      : pageTable({
          caption: 'Participants; times in UTC',
          columns: [
            { head: 'name', kind: 'name' },
            { head: 'registration' },
            { head: 'answered', kind: 'time' },
            { head: 'account' },
            { head: 'last heartbeat', kind: 'time' },
            { head: 'silent since', kind: 'number' },
            { head: 'longest pause', kind: 'number' },
            { head: 'connection' },
            { head: 'updates', kind: 'number' },
            { head: 'bytes', kind: 'number' },
          ],
          rows: participants.map(participantCells),
          rowsMax: ROWS_MAX,
        });
  return { id: 'participants', title: 'Participants', body };
}
