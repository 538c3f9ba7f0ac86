import { describe, expect, it } from 'vitest';
import { findingText, summaryText, wrapped } from '../../../src/cli/admin-text.ts';
import type { Finding } from '../../../src/sync/admin/finding.ts';

const plain = { colour: false, width: 60 };
const finding: Finding = {
  step: 'authorised',
  title: 'An administrator has authorised the app',
  status: 'failed',
  blocks: true,
  text: 'The app waits.',
  because: null,
  answer: {
    call: 'POST /oauth2/token',
    status: 400,
    code: 'unauthorized_client',
    message: 'Not yet',
    requestId: 'abc',
  },
  mend: [
    { who: ['administrator', 'co-administrator'], what: 'Click here.', link: 'https://support.box.com/x' },
  ],
  warnings: [],
};

describe('the report for a person', () => {
  it('breaks lines at spaces and leaves addresses whole', () => {
    expect(wrapped('one two three', 7)).toEqual(['one two', 'three']);
    expect(wrapped('see https://developer.box.com/long now', 10)).toEqual([
      'see',
      'https://developer.box.com/long',
      'now',
    ]);
  });

  it('lets no name from Box steer the terminal', () => {
    const text = findingText({ ...finding, text: 'group "\u001b[2Jred\u202etxt\u0007"' }, plain);
    expect(text).toContain('group "\\u{1b}[2Jred\\u{202e}txt\\u{7}"');
  });

  it('tells what failed, what Box said, what to do and who can', () => {
    expect(findingText(finding, plain)).toBe(
      [
        'FAILED    An administrator has authorised the app',
        '          The app waits.',
        '          Box answered 400 unauthorized_client: "Not yet"',
        '          (request abc)',
        '          To do by an administrator or a co-administrator',
        '          who may change apps:',
        '            Click here.',
        '            https://support.box.com/x',
      ].join('\n'),
    );
  });

  it('says of a failure that does not block that a run can start', () => {
    expect(findingText({ ...finding, blocks: false }, plain)).toContain('A run can start all the same.');
    expect(summaryText([{ ...finding, blocks: false }], plain)).toBe('1 step to mend, but a run can start.');
  });

  it('does not claim more than could be told', () => {
    const told = summaryText([{ ...finding, status: 'ok', blocks: false }], plain);
    expect(told).toBe('Everything that can be told from here is in order.');
  });
});
