/** What only this page knows of a session, kept over a reload: loops, mix, tempo, whose track is played. */
import { computed, effect } from "@preact/signals";
import type { Leader, Loop } from "../clock/leader";
import type { Performer } from "../input/performer";
import type { Mixer, Strip } from "../sound/mixer";
import type { Client } from "./client";
import type { Meter } from "./state";

const KEPT = "midigpt-studio jam";

interface Kept {
  session: string;
  loops: Loop[];
  strips: [trackId: number, strip: Strip][];
  trackId: number;
  bpm: number;
  meter: Meter;
}

export function keepOverReloads(
  client: Client,
  leader: Leader,
  performer: Performer,
  mixer: Mixer,
): void {
  const kept: Kept | null = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  if (kept) {
    leader.loops.value = kept.loops;
    leader.bpm.value = kept.bpm;
    leader.meter.value = kept.meter;
    performer.trackId.value = kept.trackId;
    for (const [trackId, strip] of kept.strips) mixer.set(trackId, strip);
  }
  const id = computed(() => client.session.value.id);
  effect(() => {
    const jam: Kept = {
      session: id.value,
      loops: leader.loops.value,
      strips: [...mixer.strips.value],
      trackId: performer.trackId.value,
      bpm: leader.bpm.value,
      meter: leader.meter.value,
    };
    if (jam.session) sessionStorage.setItem(KEPT, JSON.stringify(jam));
  });
}
