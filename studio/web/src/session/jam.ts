/** Starting to play: set a session up with a groove, or go on with the one that is there. */
import { signal } from "@preact/signals";
import type { Leader } from "../clock/leader";
import type { Performer } from "../input/performer";
import type { Mixer } from "../sound/mixer";
import type { Player } from "../sound/player";
import type { Client } from "./client";
import { bass, chordBars, type Groove, GROOVES, type Part, part } from "./grooves";
import { noteOf, type Take } from "../song/take";
import { keepNothing } from "./kept";
import { createTrack } from "./tracks";
import { nameParts, partNames } from "./names";
import { type Note, trackOf } from "./state";

/** How the page wants to be played with; a musician may change it all. */
const SETTINGS: readonly [name: string, value: number][] = [
  ["buffer_bars", 2],
  ["streaming", 1],
  ["long_notes", 1],
  ["top_p", 0.98],
  ["output_latency", 0.1],
];

export class Jam {
  readonly groove = signal<Groove>(GROOVES[0]!);
  /** Between the press of Play and the first bar. */
  readonly isStarting = signal(false);

  constructor(
    private client: Client,
    private leader: Leader,
    private player: Player,
    private performer: Performer,
    private mixer: Mixer,
  ) {}

  /** Play or pause. */
  async toggle(): Promise<void> {
    if (this.isStarting.value) return undefined;
    if (this.leader.isPlaying.value) {
      this.pause();
      return undefined;
    }
    await this.player.open();
    const { phase, playhead, id } = this.client.session.value;
    if (phase !== "RUNNING") return this.begin(this.groove.value);
    return this.#starting(async () => {
      if (!this.client.isPlayer.value) await this.client.attach(id);
      this.leader.start(playhead, this.leader.hasCountIn.value);
    });
  }

  /** Take another groove: at once if the band plays, else with the next Play. */
  async choose(groove: Groove): Promise<void> {
    this.groove.value = groove;
    this.leader.bpm.value = groove.bpm;
    this.leader.meter.value = groove.meter;
    if (this.client.session.value.tracks.length) await this.begin(groove);
  }

  pause(): void {
    this.performer.releaseAll(performance.now());
    const wasPlaying = this.leader.isPlaying.peek();
    this.leader.stop();
    if (wasPlaying && this.client.isPlayer.peek()) this.client.send("/midigpt/transport", "pause");
  }

  /**
   * A new session with a groove. Its first bar is told as played, so that the band already answers
   * the count-in.
   */
  begin(groove: Groove): Promise<void> {
    return this.#starting(() => this.#begin(groove));
  }

  async #starting(action: () => Promise<void>): Promise<void> {
    this.isStarting.value = true;
    try {
      await this.player.open();
      await action();
    } catch (error) {
      this.client.tell("error", error instanceof Error ? error.message : String(error));
    } finally {
      this.isStarting.value = false;
    }
  }

  async #begin(groove: Groove): Promise<void> {
    const { client, leader } = this;
    leader.stop();
    keepNothing();
    this.groove.value = groove;
    leader.bpm.value = groove.bpm;
    leader.meter.value = groove.meter;
    await client.begin("studio");
    nameParts(new Map(groove.parts.map((part, id) => [id, part.name])));
    for (const [name, value] of SETTINGS) client.send("/midigpt/param/set", name, value);
    client.send("/midigpt/tempo", groove.bpm);
    client.send("/midigpt/meter", 0, groove.meter.numerator, groove.meter.denominator);
    groove.parts.forEach((part, id) => {
      createTrack(client, id, part.instrument, part.isDrum, part.role === "agent");
      this.#setUp(id, part);
      this.mixer.set(id, { volume: part.volume, pan: part.pan, isMuted: false, isSolo: false });
    });
    this.performer.trackId.value = groove.parts.findIndex((part) => part.role === "you");
    const songs = [...(groove.loops ?? [])];
    leader.tempos = [];
    leader.loops.value = groove.parts.flatMap((part, trackId) =>
      part.role === "loop" ? [{ trackId, bars: songs.shift() ?? chordBars(groove), from: 0 }] : [],
    );
    await client.run();
    leader.sendLoops(0);
    leader.start(1, leader.hasCountIn.value);
    leader.endBar(0, groove.meter);
  }

  /** A new session in which a song repeats as it is, with room to play and an agent for the bass. */
  async beginWith(take: Take, name: string): Promise<void> {
    const [numerator, denominator] = take.meters[0] ?? [4, 4];
    const parts: Part[] = take.tracks.map((track) => ({
      ...part("loop", track.name, track.instrument, 100),
      isDrum: track.is_drum,
    }));
    await this.begin({
      name,
      about: "",
      bpm: Math.round(take.tempos[0]?.[1] ?? 120),
      meter: { numerator, denominator },
      chords: [],
      strokes: [],
      parts: [part("you", "You", 0, 110), ...parts, bass(33, 104)],
      loops: take.tracks.map((track) => track.bars.map((bar) => bar.map(noteOf))),
    });
  }

  #setUp(id: number, { range, isSingle }: Part): void {
    const { client } = this;
    if (range) {
      client.send("/midigpt/track/param/set", id, "min_pitch", range[0]);
      client.send("/midigpt/track/param/set", id, "max_pitch", range[1]);
    }
    if (isSingle && "max_polyphony" in client.session.value.modelAttributes) {
      client.send("/midigpt/agent/attr/set", id, "max_polyphony", 0);
    }
  }

  /** What was played in the last bars becomes a track that repeats. */
  loopLast(count: number): void {
    const { playhead, tracks } = this.client.session.value;
    const yours = trackOf(this.client.session.value, this.performer.trackId.value);
    const from = Math.max(0, playhead - count);
    const bars = Array.from({ length: count }, (_, i) => yours?.bars.get(from + i)?.notes ?? []);
    if (!yours || bars.flat().length === 0) {
      this.client.tell("warning", `You have played nothing in the last ${count} bars.`);
      return;
    }
    const id = Math.max(...tracks.map((track) => track.id)) + 1;
    createTrack(this.client, id, yours.instrument, yours.isDrum, false);
    nameParts(new Map([...partNames.value, [id, `Loop of ${count}`]]));
    this.mixer.set(id, this.mixer.strip(yours.id));
    this.leader.loops.value = [...this.leader.loops.value, { trackId: id, bars, from }];
  }

  /** Let a track of the session repeat other bars, or nothing. */
  setLoop(trackId: number, bars: Note[][]): void {
    const others = this.leader.loops.value.filter((loop) => loop.trackId !== trackId);
    const from = this.client.session.value.playhead + 1;
    this.leader.loops.value = bars.length ? [...others, { trackId, bars, from }] : others;
  }

  /** End the session; the music stays to be seen and saved. */
  end(): void {
    this.pause();
    this.client.send("/midigpt/session/stop");
  }
}
