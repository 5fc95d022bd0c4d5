import { instrumentName } from "../schema";
import { partNames } from "./names";
import type { Track } from "./state";

/** What a track is called: its own name, the page's, or its instrument's. */
export const trackName = (track: Track): string =>
  track.name || partNames.value.get(track.id) || instrumentName(track.instrument, track.isDrum);
