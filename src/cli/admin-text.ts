import { unreachable } from '../invariant.ts';
import { printable } from '../printable.ts';
import type { BoxAnswer } from '../sync/admin/enterprise.ts';
import type { Finding, Person, Remedy } from '../sync/admin/finding.ts';
import type { SetupAction } from '../sync/admin/setup-works.ts';
import { type Tint, tinted } from '../terminal-text.ts';

/** How a report is written. */
export interface TextStyle {
  readonly colour: boolean;
  /** Units: characters. */
  readonly width: number;
}

const INDENT = 10;

/** Break text at spaces, with what would steer a terminal spelled out; what is longer than a line, such as an address, stays whole. */
export function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/).map(printable)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** Writes lines under a common indentation, in the style that the terminal allows. */
class Page {
  readonly #style: TextStyle;
  readonly #lines: string[] = [];

  constructor(style: TextStyle) {
    this.#style = style;
  }

  tint(tint: Tint, text: string): string {
    return this.#style.colour ? tinted(tint, text) : text;
  }

  head(word: string, tint: Tint, title: string): void {
    const [first = '', ...rest] = wrapped(title, this.#style.width - INDENT);
    this.#lines.push(`${this.tint(tint, word.padEnd(INDENT - 1))} ${this.tint('bold', first)}`);
    for (const line of rest) this.#lines.push(' '.repeat(INDENT) + this.tint('bold', line));
  }

  body(text: string, tint?: Tint, indent = 0): void {
    const margin = ' '.repeat(INDENT + indent);
    for (const line of wrapped(text, this.#style.width - margin.length))
      this.#lines.push(margin + (tint === undefined ? line : this.tint(tint, line)));
  }

  text(): string {
    return this.#lines.join('\n');
  }
}

const PEOPLE: Readonly<Record<Person, string>> = {
  developer: "the app's developer",
  administrator: 'an administrator',
  'co-administrator': 'a co-administrator who may change apps',
  'folder-owner': "the folder's owner",
  you: 'you',
};

function answerText({ status, code, message, requestId }: BoxAnswer): string {
  const said = [code, message && `"${message}"`].filter((part) => part).join(': ');
  const request = requestId === null ? '' : ` (request ${requestId})`;
  return `Box answered ${status}${said === '' ? '' : ` ${said}`}${request}`;
}

function remedyLines(page: Page, { who, what, link }: Remedy): void {
  page.body(`To do by ${who.map((person) => PEOPLE[person]).join(' or ')}:`, 'cyan');
  page.body(what, undefined, 2);
  if (link !== null) page.body(link, 'gray', 2);
}

/** One step of the report. */
export function findingText(finding: Finding, style: TextStyle): string {
  const page = new Page(style);
  const { status, title, text, warnings } = finding;
  switch (status) {
    case 'ok':
      page.head(warnings.length === 0 ? 'ok' : 'ok, but', warnings.length === 0 ? 'green' : 'yellow', title);
      page.body(text, 'gray');
      for (const warning of warnings) page.body(`Note: ${warning}`, 'yellow');
      break;
    case 'failed':
      page.head('FAILED', finding.blocks ? 'red' : 'yellow', title);
      page.body(finding.blocks ? text : `${text} A run can start all the same.`);
      if (finding.answer !== null) page.body(answerText(finding.answer), 'gray');
      for (const remedy of finding.mend) remedyLines(page, remedy);
      break;
    case 'skipped':
      page.head('skipped', 'gray', title);
      page.body(`until this is mended: ${text}`, 'gray');
      break;
    case 'cannot-tell':
      page.head('unknown', 'gray', title);
      page.body(`cannot be told from here. ${text}`);
      break;
    default:
      unreachable(status);
  }
  return page.text();
}

/** How the whole set-up stands. */
export function summaryText(findings: readonly Finding[], style: TextStyle): string {
  const page = new Page(style);
  const failed = findings.filter(({ status }) => status === 'failed');
  const blocking = failed.filter(({ blocks }) => blocks).length;
  const tint: Tint = blocking > 0 ? 'red' : failed.length > 0 ? 'yellow' : 'green';
  const steps = failed.length === 1 ? '1 step' : `${failed.length} steps`;
  const words =
    failed.length === 0
      ? 'Everything that can be told from here is in order.'
      : blocking === 0
        ? `${steps} to mend, but a run can start.`
        : `${steps} to mend; no run can start before. Then run this again: what was skipped shows next.`;
  return wrapped(words, style.width)
    .map((line) => page.tint(tint, line))
    .join('\n');
}

const STATES: Readonly<Record<SetupAction['state'], readonly [string, Tint]>> = {
  exists: ['there', 'green'],
  made: ['MADE', 'green'],
  'would-make': ['to make', 'cyan'],
  'by-hand': ['BY HAND', 'yellow'],
};

/** One thing that setup made, found, or leaves to a person. */
export function actionText(action: SetupAction, style: TextStyle): string {
  const page = new Page(style);
  const [word, tint] = STATES[action.state];
  page.head(word, tint, action.text);
  if (action.answer !== null) page.body(answerText(action.answer), 'gray');
  if (action.how !== null) page.body(action.how);
  if (action.link !== null) page.body(action.link, 'gray');
  return page.text();
}
