/** Where each track sounds and how loud: channels, volume, pan, mute, solo. */
import { signal } from "@preact/signals";
import type { Track } from "../session/state";
import { CHANNELS, isDrumChannel, METRONOME } from "./commands";
import type { Player } from "./player";

export interface Strip {
  /** 0..127. */
  volume: number;
  pan: number;
  isMuted: boolean;
  isSolo: boolean;
}

const FLAT: Strip = { volume: 100, pan: 64, isMuted: false, isSolo: false };

export class Mixer {
  readonly strips = signal<ReadonlyMap<number, Strip>>(new Map());
  #channels = new Map<number, number>();
  #tracks: Track[] = [];
  #told = new Map<number, string>();

  constructor(private player: Player) {}

  strip(trackId: number): Strip {
    return this.strips.value.get(trackId) ?? FLAT;
  }

  set(trackId: number, change: Partial<Strip>): void {
    const strips = new Map(this.strips.value);
    strips.set(trackId, { ...this.strip(trackId), ...change });
    this.strips.value = strips;
    this.#apply();
  }

  /** Follow the tracks of the session. */
  follow(tracks: Track[]): void {
    this.#tracks = tracks;
    for (const id of [...this.#channels.keys()]) {
      if (!tracks.some((track) => track.id === id)) this.#channels.delete(id);
    }
    this.#apply();
  }

  channelOf(track: Track): number | undefined {
    const known = this.#channels.get(track.id);
    if (known !== undefined && isDrumChannel(known) === track.isDrum) return known;
    const taken = new Set(this.#channels.values());
    for (let channel = 0; channel < CHANNELS; channel++) {
      if (channel === METRONOME || taken.has(channel)) continue;
      if (isDrumChannel(channel) !== track.isDrum) continue;
      this.#channels.set(track.id, channel);
      return channel;
    }
    return undefined;
  }

  isHeard(trackId: number): boolean {
    const strip = this.strip(trackId);
    const hasSolo = this.#tracks.some((track) => this.strip(track.id).isSolo);
    return !strip.isMuted && (!hasSolo || strip.isSolo);
  }

  #apply(): void {
    for (const track of this.#tracks) {
      const channel = this.channelOf(track);
      if (channel === undefined) continue;
      const { volume, pan } = this.strip(track.id);
      const settings = {
        program: track.instrument,
        isDrum: track.isDrum,
        volume: this.isHeard(track.id) ? volume : 0,
        pan,
      };
      const text = JSON.stringify(settings);
      if (this.#told.get(channel) === text) continue;
      this.#told.set(channel, text);
      this.player.setChannel(channel, settings);
    }
  }
}
