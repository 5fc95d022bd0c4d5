/**
 * Notes to a MIDI port instead of the synthesizer. They are kept here and handed over a moment ahead,
 * dated, so that they are in time and can still be taken back.
 */
import type { ScheduledNote } from "./commands";
import { FrameQueue } from "./queue";

/** Seconds ahead at which the port is given a note. */
const AHEAD = 0.08;
const ALL_NOTES_OFF = 123;
const SUSTAIN = 64;

interface End {
  frame: number;
  note: ScheduledNote;
}

export interface Port {
  send(bytes: number[], moment?: number): void;
}

export class MidiOut {
  #starts = new FrameQueue<ScheduledNote>();
  #ends = new FrameQueue<End>();
  #sounding = new Map<number, ScheduledNote>();

  constructor(
    private port: Port,
    private sampleRate: number,
  ) {}

  schedule(notes: readonly ScheduledNote[]): void {
    for (const note of notes) this.#starts.add(note);
  }

  drop(tag: string): void {
    this.#starts.drop((note) => note.tag === tag);
  }

  /** Hand over what is due; `now` is the moment of `frame`, in milliseconds. */
  onTick(frame: number, now: number): void {
    const until = frame + AHEAD * this.sampleRate;
    const momentOf = (at: number) => now + (1000 * Math.max(0, at - frame)) / this.sampleRate;
    for (let on = this.#starts.takeBefore(until); on; on = this.#starts.takeBefore(until)) {
      const key = on.channel * 128 + on.pitch;
      if (this.#sounding.has(key)) this.release(on.channel, on.pitch, momentOf(on.frame));
      this.#sounding.set(key, on);
      this.press(on.channel, on.pitch, on.velocity, momentOf(on.frame));
      this.#ends.add({ frame: on.until, note: on });
    }
    for (let off = this.#ends.takeBefore(until); off; off = this.#ends.takeBefore(until)) {
      const key = off.note.channel * 128 + off.note.pitch;
      if (this.#sounding.get(key) !== off.note) continue;
      this.#sounding.delete(key);
      this.release(off.note.channel, off.note.pitch, momentOf(off.frame));
    }
  }

  press(channel: number, pitch: number, velocity: number, moment?: number): void {
    this.port.send([0x90 | channel % 16, pitch, velocity], moment);
  }

  release(channel: number, pitch: number, moment?: number): void {
    this.port.send([0x80 | channel % 16, pitch, 0], moment);
  }

  program(channel: number, program: number): void {
    this.port.send([0xc0 | channel % 16, program]);
  }

  control(channel: number, controller: number, value: number): void {
    this.port.send([0xb0 | channel % 16, controller, value]);
  }

  /** A real end for every note that sounds, and no more of what is scheduled. */
  stop(): void {
    this.#starts.clear();
    this.#ends.clear();
    for (const { channel, pitch } of this.#sounding.values()) this.release(channel, pitch);
    this.#sounding.clear();
    for (let channel = 0; channel < 16; channel++) {
      this.control(channel, SUSTAIN, 0);
      this.control(channel, ALL_NOTES_OFF, 0);
    }
  }
}
