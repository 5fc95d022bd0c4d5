/** Takes of the agents: write bars again, take back, go forward. The server keeps the takes. */
import { client } from "../studio";
import { isKept } from "./kept";
import { type Mark, marks } from "../roll/selection";
import { type Session, type Track, trackOf } from "./state";

/** Write the marked bars of agents again, or the next bar of every agent. */
export function regenerate(): void {
  const session = client.session.peek();
  const ofAgents = marks.value.filter(({ trackId }) => trackOf(session, trackId)?.isAgent);
  const wanted = ofAgents.length ? ofAgents : nextBars(session);
  const free = wanted.filter((mark) => !isKept(mark));
  if (wanted.length > 0 && free.length === 0) client.tell("warning", "These bars are kept as they are.");
  for (const { trackId, bar } of free) client.send("/midigpt/agent/regenerate", bar, trackId);
}

/** Let an agent's bar be as one of its takes. */
export function playTake({ trackId, bar }: Mark, take: number): void {
  client.send("/midigpt/agent/take", bar, take, trackId);
}

/** Take back the newest take of each agent, or of those with marks. */
export function undo(): void {
  forAgents("/midigpt/agent/undo");
}

/** Bring back what was taken back last. */
export function redo(): void {
  forAgents("/midigpt/agent/redo");
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
