/** Takes of the agents: write bars again, take back, go forward. The server keeps the takes. */
import { client } from "../studio";
import { type Mark, marks } from "../roll/selection";
import { type Session, type Track, trackOf } from "./state";

/** Write the marked bars of agents again, or the next bar of every agent. */
export function regenerate(): void {
  const session = client.session.peek();
  const ofAgents = marks.value.filter(({ trackId }) => trackOf(session, trackId)?.isAgent);
  const wanted = ofAgents.length ? ofAgents : nextBars(session);
  for (const { trackId, bar } of wanted) client.send("/midigpt/agent/regenerate", bar, trackId);
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
    if (track.isAgent && (chosen.size === 0 || chosen.has(track.id))) client.send(address, track.id);
  }
}

const newestBar = (track: Track): number =>
  Math.max(-1, ...[...track.bars].filter(([, { takes }]) => takes > 0).map(([bar]) => bar));

function nextBars(session: Session): Mark[] {
  return session.tracks
    .filter((track) => track.isAgent)
    .map((track) => ({ trackId: track.id, bar: newestBar(track) }))
    .filter(({ bar }) => bar >= session.playhead);
}
