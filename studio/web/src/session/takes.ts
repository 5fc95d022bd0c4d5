/** Takes of the agents: write bars again, take back, go forward. The server keeps the takes. */
import { client } from "../studio";
import { isKept } from "./kept";
import { type Mark, marks } from "../roll/selection";
import { Steps } from "./steps";
import { type Session, type Track, trackOf } from "./state";

/** Without steps of this page: the newest take of each agent, or of those with marks. */
const steps = new Steps({
  undo: () => forAgents("/midigpt/agent/undo"),
  redo: () => forAgents("/midigpt/agent/redo"),
});

/** What this page has done to the session. */
export const liveSteps = (): Steps => steps.of(client.session.peek().id);

/** Write the marked bars of agents again, or the next bar of every agent. */
export function regenerate(): void {
  const session = client.session.peek();
  const ofAgents = marks.value.filter(({ trackId }) => trackOf(session, trackId)?.isAgent);
  const wanted = ofAgents.length ? ofAgents : nextBars(session);
  const free = wanted.filter((mark) => !isKept(mark));
  if (wanted.length > 0 && free.length === 0) client.tell("warning", "These bars are kept as they are.");
  for (const { trackId, bar } of free) client.send("/midigpt/agent/regenerate", bar, trackId);
  const changes = free.flatMap((mark) => {
    const known = trackOf(session, mark.trackId)?.bars.get(mark.bar);
    return known?.takes ? [{ mark, before: known.take, after: known.takes }] : [];
  });
  didTakes(changes);
}

/** Let an agent's bar be as one of its takes. */
export function playTake(mark: Mark, take: number): void {
  const before = trackOf(client.session.peek(), mark.trackId)?.bars.get(mark.bar)?.take ?? take;
  sendTake(mark, take);
  didTakes([{ mark, before, after: take }]);
}

function didTakes(changes: { mark: Mark; before: number; after: number }[]): void {
  if (changes.length === 0) return;
  liveSteps().did({
    undo: () => changes.forEach(({ mark, before }) => sendTake(mark, before)),
    redo: () => changes.forEach(({ mark, after }) => sendTake(mark, after)),
  });
}

function sendTake(mark: Mark, take: number): void {
  if (!isKept(mark)) client.send("/midigpt/agent/take", mark.bar, take, mark.trackId);
}

function forAgents(address: string): void {
  const chosen = new Set(marks.value.map(({ trackId }) => trackId));
  for (const track of client.session.peek().tracks) {
    if (!track.isAgent || (chosen.size > 0 && !chosen.has(track.id))) continue;
    if (!isKept({ trackId: track.id, bar: newestBar(track) })) client.send(address, track.id);
  }
}

const newestBar = (track: Track): number =>
  Math.max(
    -1,
    ...[...track.bars].filter(([, { takes, isOver }]) => takes > 0 && !isOver).map(([bar]) => bar),
  );

function nextBars(session: Session): Mark[] {
  return session.tracks
    .filter((track) => track.isAgent)
    .map((track) => ({ trackId: track.id, bar: newestBar(track) }))
    .filter(({ bar }) => bar >= session.playhead);
}
