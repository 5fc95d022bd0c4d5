/**
 * The band leader: lays the bars on the audio clock, lets loops and agents sound in them, and tells the
 * server when each has ended. Its beat is the audio thread's, so a hidden tab or a busy page keeps time.
 */
import { signal } from "@preact/signals";
import type { Client } from "../session/client";
import {
  barAfter,
  type Cycle,
  type Meter,
  type Note,
  type Track,
  trackOf,
} from "../session/state";
import { click, type Player } from "../sound/player";
import type { ScheduledNote } from "../sound/commands";
import type { Osc } from "../wire/osc";
import { beatsOf, type TimedBar, Timeline } from "./timeline";

/** Seconds before a bar line at which the next bar is laid. */
const AHEAD = 0.3;
/** Seconds until the first bar when the leader starts. */
const BREATH = 0.12;
/** Bars in which a new leader takes no notice of the one before. */
const CONTEST = 3;
/** A note that comes this much too late is still played, at once. */
const GRACE = 0.06;

/** A part that repeats: notes by bar, sent to the session as if they were played. */
export interface Loop {
  trackId: number;
  bars: Note[][];
  /** The bar of the session at which its first bar lies. */
  from: number;
}

export class Leader {
  readonly isPlaying = signal(false);
  /** The bar that sounds and the beat in it, from 0; -1 when silent. */
  readonly bar = signal(-1);
  readonly beat = signal(0);
  readonly bpm = signal(112);
  readonly meter = signal<Meter>({ numerator: 4, denominator: 4 });
  readonly hasMetronome = signal(true);
  readonly hasCountIn = signal(true);
  /** Each bar waits for `step`. */
  readonly isStepping = signal(false);
  readonly loops = signal<Loop[]>([]);
  /** Tempo changes so far, by bar. */
  tempos: [bar: number, bpm: number][] = [];
  /** Which channel a track sounds on; undefined when it is silent. */
  channelOf: (track: Track) => number | undefined = () => undefined;
  /** Called at each bar line with the bar that has ended, before the server is told. */
  onBarEnd: (bar: TimedBar) => void = () => {};
  timeline: Timeline;
  #player: Player;
  #client: Client;
  #countIn = -1;
  /** Bar ends that we have sent and not yet heard back from the session. */
  #echoes: number[] = [];
  #undisputedUntil = 0;
  #mayStep = false;
  #cycle: Cycle | null | undefined;

  constructor(player: Player, client: Client) {
    this.#player = player;
    this.#client = client;
    this.timeline = new Timeline(player.sampleRate);
  }

  /** Begin at a bar; `isCountIn` makes it a bar of clicks only. */
  start(index: number, isCountIn = false): void {
    this.timeline = new Timeline(this.#player.sampleRate);
    this.#countIn = isCountIn ? index : -1;
    this.#echoes = [];
    this.#undisputedUntil = index + CONTEST;
    this.isPlaying.value = true;
    const frame = this.#player.frame + BREATH * this.#player.sampleRate;
    this.#lay(this.timeline.begin(index, Math.round(frame), this.meter.value, this.bpm.value));
  }

  stop(): void {
    this.isPlaying.value = false;
    this.bar.value = -1;
    this.#player.stop();
  }

  /** From the next bar that is laid. */
  setTempo(bpm: number): void {
    this.bpm.value = bpm;
    this.#tell("/midigpt/tempo", bpm);
  }

  /** From the next bar that is laid. */
  setMeter(meter: Meter): void {
    this.meter.value = meter;
    const next = (this.timeline.last?.index ?? this.#client.session.peek().playhead) + 1;
    this.#tell("/midigpt/meter", next, meter.numerator, meter.denominator);
  }

  /**
   * Repeat bars, or go straight on: at the next bar line, when the server's next bar is ours too.
   * Throws an error when these bars cannot be repeated.
   */
  setCycle(cycle: Cycle | null): void {
    const { playhead, parameters } = this.#client.session.peek();
    const least = Number(parameters["lookahead_bars"] ?? 1) + 1;
    if (cycle && cycle[1] - cycle[0] < least) {
      throw new Error(`Mark at least ${least} bars: the band writes ahead of the music.`);
    }
    if (cycle && cycle[1] <= playhead + Number(this.isPlaying.value)) {
      throw new Error("These bars are over. Mark bars that come, or let your last bars go on as a loop.");
    }
    this.#cycle = cycle;
    if (!this.isPlaying.value) this.#sendCycle();
  }

  #sendCycle(): void {
    const [from, to] = this.#cycle ?? [0, 0];
    this.#cycle = undefined;
    this.#client.send("/midigpt/transport", "loop", from, to);
  }

  /** The audio thread's beat. */
  onTick(frame: number): void {
    if (!this.isPlaying.value) return;
    let last = this.timeline.last!;
    const ahead = AHEAD * this.#player.sampleRate;
    while (frame + ahead >= last.frame + last.frames) {
      if (this.isStepping.value && !this.#mayStep) break;
      this.#mayStep = false;
      const earliest = frame + BREATH * this.#player.sampleRate;
      const next = barAfter(last.index, this.#client.session.peek().loop);
      last = this.timeline.extend(this.meter.value, this.bpm.value, earliest, next);
      this.#lay(last);
    }
    const now = this.timeline.at(frame);
    if (!now) return;
    const { bar, fraction } = now;
    this.beat.value = Math.min(Math.floor(fraction * beatsOf(bar.meter)), beatsOf(bar.meter) - 1);
    if (bar.index === this.bar.value) return;
    const before = this.timeline.before(bar);
    this.bar.value = bar.index;
    if (before) this.#end(before);
    if (this.#cycle !== undefined) this.#sendCycle();
  }

  /** The place in the music of a moment of `performance.now()`, as it was heard. */
  placeHeardAt(moment: number): { bar: TimedBar; fraction: number } | undefined {
    if (!this.isPlaying.value) return undefined;
    return this.timeline.at(this.#player.frameHeardAt(moment));
  }

  /** In step mode: let the next bar begin. */
  step(): void {
    this.#mayStep = true;
  }

  /** What the session says: bars of agents to be heard, or that somebody else leads now. */
  onMessage([address, ...values]: Osc): void {
    if (!this.isPlaying.value) return;
    if (address === "/midigpt/generated/note") {
      const [id, index, pitch, velocity, onset, duration] = values.map(Number) as number[];
      const bar = this.timeline.bar(index!);
      const track = trackOf(this.#client.session.peek(), id!);
      if (!bar || !track) return; // laid later, with its whole bar
      const note = { pitch: pitch!, velocity: velocity!, onset: onset!, duration: duration! };
      this.#sound(track, bar, [note]);
    } else if (address === "/midigpt/generated/open") {
      this.#player.drop(tagOf(Number(values[0]), Number(values[1])));
    } else if (address === "/midigpt/generated/flush") {
      this.#flush(Number(values[0]), Number(values[1]));
    } else if (address === "/midigpt/bar/end" && this.#isForeign(Number(values[0]))) {
      this.stop();
      this.#client.tell("warning", "Another client leads this session now; this page watches.");
    } else if (address === "/midigpt/session/stopped") this.stop();
  }

  /** Send a bar of every loop to the session. */
  sendLoops(index: number): void {
    for (const loop of this.loops.value) this.#sendLoop(loop, index);
  }

  endBar(index: number, meter: Meter): void {
    this.#echoes.push(index);
    this.#client.send("/midigpt/bar/end", index, meter.numerator, meter.denominator);
  }

  #tell(address: string, ...values: number[]): void {
    if (this.isPlaying.value && this.#client.isPlayer.value) this.#client.send(address, ...values);
  }

  /** Whether somebody else has ended a bar. Of two leaders the one who came later stays. */
  #isForeign(index: number): boolean {
    const echo = this.#echoes.indexOf(index);
    if (echo >= 0) this.#echoes.splice(0, echo + 1);
    return echo < 0 && this.bar.value >= this.#undisputedUntil;
  }

  #flush(trackId: number, from: number): void {
    for (const track of this.#client.session.peek().tracks) {
      if (!track.isAgent || (trackId !== -1 && trackId !== track.id)) continue;
      for (const { index } of this.timeline.from(this.#player.frame)) {
        if (index >= from) this.#player.drop(tagOf(track.id, index));
      }
    }
  }

  #end(bar: TimedBar): void {
    this.onBarEnd(bar);
    this.endBar(bar.index, bar.meter);
  }

  #lay(bar: TimedBar): void {
    const isCountIn = bar.index === this.#countIn;
    if (this.tempos.at(-1)?.[1] !== bar.bpm) {
      this.tempos = [...this.tempos.filter(([index]) => index < bar.index), [bar.index, bar.bpm]];
    }
    if (this.hasMetronome.value || isCountIn) this.#player.schedule(clicks(bar));
    const session = this.#client.session.peek();
    for (const loop of this.loops.value) {
      const track = trackOf(session, loop.trackId);
      if (!track) continue;
      this.#sendLoop(loop, bar.index);
      this.#sound(track, bar, loopBar(loop, bar.index));
    }
    for (const track of session.tracks) {
      const kept = track.bars.get(bar.index);
      if (!kept || this.loopOf(track.id)) continue;
      if (!track.isAgent) this.#sendNotes(track.id, kept.notes, bar.index); // drawn, or once round
      if (!track.isAgent || !kept.isOver) this.#sound(track, bar, kept.notes);
    }
  }

  loopOf(trackId: number): Loop | undefined {
    return this.loops.value.find((loop) => loop.trackId === trackId);
  }

  /** Other notes in a bar of a track: those that are still to come sound. */
  resound(track: Track, index: number, notes: Note[]): void {
    const bar = this.timeline.bar(index);
    if (!bar || !this.isPlaying.value) return;
    this.#player.drop(tagOf(track.id, index));
    const now = this.timeline.at(this.#player.frame);
    const from = now?.bar === bar ? now.fraction : 0;
    this.#sound(track, bar, notes.filter(({ onset }) => onset > from));
  }

  #sendLoop(loop: Loop, index: number): void {
    this.#sendNotes(loop.trackId, loopBar(loop, index), index);
  }

  #sendNotes(trackId: number, notes: Note[], index: number): void {
    for (const { pitch, velocity, onset, duration } of notes) {
      this.#client.send("/midigpt/note", trackId, pitch, velocity, onset, duration, index);
    }
  }

  #sound(track: Track, bar: TimedBar, notes: Note[]): void {
    const channel = this.channelOf(track);
    if (channel === undefined) return;
    const earliest = this.#player.frame - GRACE * this.#player.sampleRate;
    const scheduled: ScheduledNote[] = notes.map((note) => ({
      frame: this.timeline.frameOf(bar, note.onset),
      until: this.timeline.frameOf(bar, note.onset + note.duration),
      channel,
      pitch: note.pitch,
      velocity: note.velocity,
      tag: tagOf(track.id, bar.index),
    }));
    this.#player.schedule(scheduled.filter((note) => note.frame >= earliest));
  }
}

const tagOf = (track: number, bar: number): string => `${track}:${bar}`;

/** Which bar of its own a loop plays at a bar of the session. */
export function placeInLoop({ bars: { length }, from }: Loop, index: number): number {
  return (((index - from) % length) + length) % length;
}

export const loopBar = (loop: Loop, index: number): Note[] =>
  loop.bars[placeInLoop(loop, index)] ?? [];

function clicks(bar: TimedBar): ScheduledNote[] {
  const beats = beatsOf(bar.meter);
  return Array.from({ length: beats }, (_, beat) =>
    click(Math.round(bar.frame + (beat / beats) * bar.frames), beat === 0, bar.frames / beats / 4),
  );
}

