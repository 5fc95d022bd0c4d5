/** Takes of the agents: write bars again, take back, go forward. The server keeps the takes. */
import { client } from "../studio";
import { marks } from "../roll/selection";
import { trackOf } from "./state";

/** Write the marked bars of agents again, or the newest bar of every agent. */
export function regenerate(): void {
  const session = client.session.peek();
  const ofAgents = marks.value.filter(({ trackId }) => trackOf(session, trackId)?.isAgent);
  if (ofAgents.length) {
    for (const { trackId, bar } of ofAgents) client.send("/midigpt/agent/regenerate", trackId, bar);
    return;
  }
  for (const track of session.tracks) {
    if (track.isAgent) client.send("/midigpt/agent/regenerate", track.id, session.playhead + 1);
  }
}

export function undo(): void {
  client.send("/midigpt/agent/undo");
}

export function redo(): void {
  client.send("/midigpt/agent/redo");
}
