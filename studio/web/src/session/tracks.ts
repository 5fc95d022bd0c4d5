/** Tracks made, changed and removed: which message says it. */
import type { Client } from "./client";
import type { Track } from "./state";

const MELODIC = 10;
const DRUM = 11;
/** What fills an agent's bar that cannot be ready in time. */
const FALLBACK = "vary";

export function createTrack(
  client: Client,
  id: number,
  instrument: number,
  isDrum: boolean,
  isAgent: boolean,
): void {
  const type = isDrum ? DRUM : MELODIC;
  if (isAgent) client.send("/midigpt/agent/create", id, instrument, type, FALLBACK);
  else client.send("/midigpt/track/create", id, instrument, type, 0);
}

export function removeTrack(client: Client, track: Track): void {
  client.send(track.isAgent ? "/midigpt/agent/remove" : "/midigpt/track/remove", track.id);
}

/** Another instrument; the protocol changes that of agents only, other tracks begin anew. */
export function changeInstrument(client: Client, track: Track, program: number): void {
  if (track.isAgent) {
    client.send("/midigpt/track/param/set", track.id, "instrument", program);
    return;
  }
  removeTrack(client, track);
  createTrack(client, track.id, program, track.isDrum, false);
}
