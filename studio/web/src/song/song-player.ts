/** Plays the song: whole, or the marked bars round and round. */
import { signal } from "@preact/signals";
import { Timeline } from "../clock/timeline";
import { type Cycle, meterOf, type Session } from "../session/state";
import type { ScheduledNote } from "../sound/commands";
import type { Mixer } from "../sound/mixer";
import type { Player } from "../sound/player";
import type { Song } from "./document";
import { barTempo } from "./take";

const AHEAD = 0.3;
const BREATH = 0.1;

export class SongPlayer {
  readonly isPlaying = signal(false);
  readonly bar = signal(-1);
  /** The bars to repeat, half open; null for none. */
  readonly loop = signal<Cycle | null>(null);
  timeline: Timeline;
  #laid: number[] = [];

  constructor(
    private song: Song,
    private player: Player,
    private mixer: Mixer,
  ) {
    this.timeline = new Timeline(player.sampleRate);
  }

  start(from: number): void {
    const session = this.song.session.value;
    if (!session) return;
    const first = this.loop.value ? this.loop.value[0] : from;
    this.timeline = new Timeline(this.player.sampleRate);
    const frame = Math.round(this.player.frame + BREATH * this.player.sampleRate);
    this.timeline.begin(0, frame, meterOf(session, first), barTempo(this.song.tempos, first));
    this.#laid = [first];
    this.isPlaying.value = true;
    this.#sound(session, 0);
  }

  stop(): void {
    this.isPlaying.value = false;
    this.bar.value = -1;
    this.player.stop();
  }

  onTick(frame: number): void {
    const session = this.song.session.peek();
    if (!this.isPlaying.value || !session) return;
    let last = this.timeline.last!;
    while (frame + AHEAD * this.player.sampleRate >= last.frame + last.frames) {
      const next = this.#next(this.#laid.at(-1)!);
      if (next === undefined) break;
      last = this.timeline.extend(meterOf(session, next), barTempo(this.song.tempos, next));
      this.#laid.push(next);
      this.#sound(session, last.index);
    }
    const place = this.timeline.at(frame);
    if (place) this.bar.value = this.#laid[place.bar.index]!;
    if (frame > last.frame + last.frames) this.stop();
  }

  /** The place in the song that is heard at a frame, in bars. */
  positionAt(frame: number): number | undefined {
    const place = this.timeline.at(frame);
    return place && this.#laid[place.bar.index]! + Math.min(place.fraction, 1);
  }

  #next(bar: number): number | undefined {
    const loop = this.loop.value;
    if (loop && bar + 1 >= loop[1]) return loop[0];
    return bar + 1 < this.song.length ? bar + 1 : undefined;
  }

  #sound(session: Session, index: number): void {
    const timed = this.timeline.bar(index)!;
    const bar = this.#laid[index]!;
    const notes: ScheduledNote[] = [];
    for (const track of session.tracks) {
      const channel = this.mixer.channelOf(track);
      if (channel === undefined) continue;
      for (const note of track.bars.get(bar)?.notes ?? []) {
        notes.push({
          frame: this.timeline.frameOf(timed, note.onset),
          until: this.timeline.frameOf(timed, note.onset + note.duration),
          channel,
          pitch: note.pitch,
          velocity: note.velocity,
          tag: `song:${index}`,
        });
      }
    }
    this.player.schedule(notes);
  }
}
