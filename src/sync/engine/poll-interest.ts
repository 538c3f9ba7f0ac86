import type { RemoteId } from '../../ids.ts';
import type { Op } from '../plan/op.ts';
import type { FeedPace } from './feed-pace.ts';
import { laneOf } from './lanes.ts';

/** True for what tells that a session is alive beyond heartbeats: something arrives, or a checkpoint leaves. */
function isOfInterest(op: Op): boolean {
  const arrives = op.kind === 'download' || op.kind === 'make-local-folder' || op.kind === 'remove-local';
  return arrives || laneOf(op) === 'bulk';
}

/** Where a checkpoint goes, to which the next model is the answer; undefined for every other op. */
function folderAsked(op: Op): RemoteId | undefined {
  if (laneOf(op) !== 'bulk') return undefined;
  if (op.kind === 'upload') return op.parentId;
  return op.kind === 'upload-version' ? (op.remote.parentId ?? undefined) : undefined;
}

/** True for what may be the answer to a checkpoint. */
function isAnswer(op: Op): boolean {
  return op.kind === 'download' && laneOf(op) === 'bulk';
}

/** Tell the pace of the feed what began: what runs already is no news, and a long upload no reason to read all the while. */
export function noteStarted(pace: FeedPace, started: readonly Op[]): void {
  if (started.some(isOfInterest)) pace.interest();
  if (started.some(isAnswer)) pace.answered();
  for (const op of started) {
    const folder = folderAsked(op);
    if (folder !== undefined) pace.expectAnswer(folder);
  }
}
