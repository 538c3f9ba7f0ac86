import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERROR_ROWS } from './error-rows.ts';
import { openWorld, type World } from './world.ts';

let world: World;

beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.rig.close());

describe('refusals', () => {
  it.each(ERROR_ROWS.map((row) => [row.name, row] as const))('%s', async (_name, row) => {
    const answer = await row.run(world);
    expect(`${answer.status} ${answer.text}`).toMatch(new RegExp(`^${row.status}`));
    if (row.header !== undefined) expect(answer.headers.get(row.header[0])).toMatch(row.header[1]);
    if (row.code === null) {
      expect(answer.text).toBe('');
      return;
    }
    const message = row.oauth === undefined ? answer.body.message : answer.body.error_description;
    if (row.message instanceof RegExp) expect(message).toMatch(row.message);
    else if (row.message !== undefined) expect(message).toBe(row.message);
    if (row.oauth !== undefined) {
      expect(answer.body).toEqual({ error: row.oauth, error_description: expect.any(String) });
      return;
    }
    expect(answer.body).toMatchObject({
      type: 'error',
      status: row.status,
      code: row.code ?? expect.any(String),
      help_url: expect.stringContaining('http'),
      request_id: expect.stringMatching(/^[a-z0-9]+$/),
    });
    expect(answer.headers.get('box-request-id')).toBe(answer.body.request_id);
    expect(answer.headers.get('content-type')).toBe('application/json');
    if (row.context !== undefined) expect(answer.body.context_info).toMatchObject(row.context);
  });
});
