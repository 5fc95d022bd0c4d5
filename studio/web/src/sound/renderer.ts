/**
 * The synthesizer with a queue of notes, sample-exact: audio is computed up to each event, never past
 * it. Knows nothing of Web Audio, so that the worklet, the offline render and the tests share it.
 */
import { SoundBankLoader, SpessaSynthProcessor } from "spessasynth_core";
import { CHANNELS, type Command, type ScheduledNote } from "./commands";
import { FrameQueue } from "./queue";

interface NoteEnd {
  frame: number;
  key: number;
  note: ScheduledNote;
}

type Control = Extract<Command, { kind: "control" }>;

export class Renderer {
  readonly synth: SpessaSynthProcessor;
  /** Called with the note and the frame at which it starts; for tests and meters. */
  onStart: (note: ScheduledNote, frame: number) => void = () => {};
  /** Frames by which the latest note came too late. */
  lateness = 0;
  #starts = new FrameQueue<ScheduledNote>();
  #ends = new FrameQueue<NoteEnd>();
  #sounding = new Map<number, ScheduledNote>();
  #controls = new Map<number, Control>();
  #programs = new Array<number>(CHANNELS).fill(0);

  constructor(sampleRate: number) {
    this.synth = new SpessaSynthProcessor(sampleRate, { eventsEnabled: false });
    this.synth.onMissingPreset = () => undefined; // silent until its samples are decoded
    while (this.synth.midiChannels.length < CHANNELS) this.synth.createMIDIChannel();
  }

  receive(command: Command): void {
    switch (command.kind) {
      case "bank":
        this.synth.soundBankManager.addSoundBank(
          SoundBankLoader.fromArrayBuffer(command.data),
          command.id,
        );
        this.#setUpChannels();
        break;
      case "forget":
        this.synth.soundBankManager.deleteSoundBank(command.id);
        this.#setUpChannels();
        break;
      case "channel":
        this.#programs[command.channel] = command.program;
        this.synth.programChange(command.channel, command.program);
        break;
      case "control":
        this.#controls.set(command.channel * 128 + command.controller, command);
        this.#control(command);
        break;
      case "notes":
        for (const note of command.notes) {
          this.#starts.add({ ...note, frame: Math.round(note.frame) });
        }
        break;
      case "press":
        this.synth.noteOn(command.channel, command.pitch, command.velocity);
        break;
      case "release":
        this.synth.noteOff(command.channel, command.pitch);
        break;
      case "drop":
        this.#starts.drop((note) => note.tag === command.tag);
        break;
      case "stop":
        this.lateness = 0;
        this.#starts.clear();
        this.#ends.clear();
        this.#sounding.clear();
        this.synth.stopAllChannels(false);
        break;
    }
  }

  /** Fill the buffers, whose first sample is `frame`. */
  render(left: Float32Array, right: Float32Array, frame: number): void {
    const end = frame + left.length;
    let done = 0;
    for (;;) {
      const off = this.#ends.takeBefore(end);
      const on = this.#starts.takeBefore(off ? Math.min(end, off.frame) : end);
      if (on) {
        if (off) this.#ends.add(off);
        done = this.#compute(left, right, done, on.frame - frame);
        this.#start(on, frame + done);
      } else if (off) {
        done = this.#compute(left, right, done, off.frame - frame);
        this.#end(off);
      } else break;
    }
    this.#compute(left, right, done, left.length);
  }

  /** The synthesizer resets its channels when its banks change. */
  #setUpChannels(): void {
    this.#programs.forEach((program, channel) => this.synth.programChange(channel, program));
    for (const control of this.#controls.values()) this.#control(control);
  }

  #control({ channel, controller, value }: Control): void {
    this.synth.controllerChange(channel, controller as 7, value);
  }

  #compute(left: Float32Array, right: Float32Array, from: number, to: number): number {
    if (to <= from) return from;
    this.synth.process(left, right, from, to - from);
    return to;
  }

  #start(note: ScheduledNote, frame: number): void {
    const key = note.channel * 128 + note.pitch;
    if (this.#sounding.has(key)) this.synth.noteOff(note.channel, note.pitch);
    this.#sounding.set(key, note);
    this.#ends.add({ frame: Math.max(Math.round(note.until), frame + 1), key, note });
    this.synth.noteOn(note.channel, note.pitch, note.velocity);
    this.lateness = Math.max(this.lateness, frame - note.frame);
    this.onStart(note, frame);
  }

  /** End a note, unless its key has been struck again since. */
  #end({ key, note }: NoteEnd): void {
    if (this.#sounding.get(key) !== note) return;
    this.#sounding.delete(key);
    this.synth.noteOff(note.channel, note.pitch);
  }
}
