/** Sound as the page sees it: schedule notes at frames, know the frame that is heard now. */
import { signal } from "@preact/signals";
import type { BankReply, BankRequest } from "./bank.worker";
import workerUrl from "./bank.worker.ts?worker&url";
import { type Command, METRONOME, PAN, type ScheduledNote, type Tick, VOLUME } from "./commands";
import { MidiOut, type Port } from "./midi-out";
import { channelCommands } from "./channel";
import workletUrl from "./synth.worklet.ts?worker&url";

export interface Channel {
  program: number;
  isDrum: boolean;
  volume: number;
  pan: number;
}

export type SoundState = "off" | "loading" | "ready" | "failed";

export class Player {
  readonly state = signal<SoundState>("off");
  readonly problem = signal("");
  readonly soundfont = signal("");
  /** Milliseconds by which the latest note came too late. */
  readonly lateness = signal(0);
  /** Called about every 10 ms with the frame that the audio thread computes, hidden tab or not. */
  onTick: (frame: number) => void = () => {};

  #context: AudioContext | undefined;
  #node: AudioWorkletNode | undefined;
  #analyser: AnalyserNode | undefined;
  #decoder: Worker | undefined;
  #banks = new Map<string, ArrayBuffer>();
  #asked = new Set<string>();
  #channels = new Map<number, Channel>();
  #pending: Command[] = [];
  #out: MidiOut | undefined;
  #opening: Promise<void> | undefined;
  #preparing: Promise<void> | undefined;

  /** Start the audio; call it from a click or a key. Repeated calls are one. */
  open(): Promise<void> {
    this.#opening ??= this.#open();
    void this.#context?.resume();
    return this.#opening;
  }

  /** Get the SoundFont and decode instruments before anybody presses Play: that needs no click. */
  prepare(instruments: readonly { instrument: number; isDrum: boolean }[] = []): Promise<void> {
    this.#preparing ??= this.#prepare();
    return this.#preparing.then(() => {
      for (const { instrument, isDrum } of instruments) this.#need(instrument, isDrum);
    });
  }

  get sampleRate(): number {
    return this.#context?.sampleRate ?? 48_000;
  }

  /** The frame that is being computed. */
  get frame(): number {
    const context = this.#context;
    return context ? context.currentTime * context.sampleRate : 0;
  }

  /** Seconds between computing a frame and hearing it. */
  get latency(): number {
    const context = this.#context;
    return context ? (context.outputLatency || 0) + (context.baseLatency || 0) : 0;
  }

  /** The frame that was heard at a moment of `performance.now()`. */
  frameHeardAt(moment: number): number {
    const context = this.#context;
    if (!context) return 0;
    const age = (performance.now() - moment) / 1000;
    return (context.currentTime - this.latency - age) * context.sampleRate;
  }

  /** Loudness of the last moments, 0..1. */
  level(): number {
    if (!this.#analyser) return 0;
    const samples = new Float32Array(this.#analyser.fftSize);
    this.#analyser.getFloatTimeDomainData(samples);
    return samples.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0);
  }

  /** Give a channel its instrument and place in the mix. */
  setChannel(channel: number, settings: Channel): void {
    this.#channels.set(channel, settings);
    if (this.#out) this.#sendChannel(this.#out, channel, settings);
    this.#need(settings.program, settings.isDrum);
    this.#tell(...channelCommands(channel, settings.program, settings.volume, settings.pan));
  }

  /** Sound on a MIDI port from now on; undefined: on the synthesizer of the page. */
  playOn(port: Port | undefined): void {
    this.stop();
    this.#out = port && new MidiOut(port, this.sampleRate);
    if (!this.#out) return;
    for (const [channel, settings] of this.#channels) {
      this.#sendChannel(this.#out, channel, settings);
    }
  }

  schedule(notes: ScheduledNote[]): void {
    if (this.#out) this.#out.schedule(notes);
    else if (notes.length) this.#tell({ kind: "notes", notes });
  }

  press(channel: number, pitch: number, velocity: number): void {
    if (this.#out) this.#out.press(channel, pitch, velocity);
    else this.#tell({ kind: "press", channel, pitch, velocity });
  }

  release(channel: number, pitch: number): void {
    if (this.#out) this.#out.release(channel, pitch);
    else this.#tell({ kind: "release", channel, pitch });
  }

  /** Take back what is scheduled under a tag and has not begun. */
  drop(tag: string): void {
    this.#out?.drop(tag);
    this.#tell({ kind: "drop", tag });
  }

  /** End every note and forget what is scheduled. */
  stop(): void {
    this.#out?.stop();
    this.#tell({ kind: "stop" });
  }

  /** Use another SoundFont for everything; its bytes are the worker's from now on. */
  loadSoundFont(data: ArrayBuffer): void {
    for (const id of this.#banks.keys()) this.#tell({ kind: "forget", id });
    this.#banks.clear();
    this.#asked.clear();
    this.#ask({ kind: "load", data }, [data]);
    this.#need(0, true);
    for (const { program, isDrum } of this.#channels.values()) this.#need(program, isDrum);
  }

  /** Resolves when the samples of all instruments in use are there. */
  async settled(): Promise<void> {
    while (this.state.value === "loading" || this.#banks.size < this.#asked.size) {
      await new Promise((done) => setTimeout(done, 50));
    }
  }

  /**
   * Compute `frames` of sound without playing them: two channels of samples.
   * `notes` count frames from 0 at the player's sample rate.
   */
  async renderOffline(notes: ScheduledNote[], frames: number): Promise<AudioBuffer> {
    const context = new OfflineAudioContext(2, frames, this.sampleRate);
    await context.audioWorklet.addModule(workletUrl);
    const commands: Command[] = [...this.#banks].map(([id, data]) => ({ kind: "bank", id, data }));
    for (const [channel, s] of this.#channels) {
      commands.push(...channelCommands(channel, s.program, s.volume, s.pan));
    }
    commands.push({ kind: "notes", notes });
    const node = new AudioWorkletNode(context, "midigpt-synth", {
      numberOfInputs: 0,
      outputChannelCount: [2],
      processorOptions: { commands },
    });
    node.connect(context.destination);
    return context.startRendering();
  }

  async #open(): Promise<void> {
    this.state.value = "loading";
    try {
      const context = new AudioContext({ latencyHint: "interactive" });
      this.#context = context;
      await context.audioWorklet.addModule(workletUrl);
      const node = new AudioWorkletNode(context, "midigpt-synth", {
        numberOfInputs: 0,
        outputChannelCount: [2],
      });
      this.#analyser = context.createAnalyser();
      node.connect(this.#analyser).connect(context.destination);
      node.port.onmessage = ({ data: { frame, lateness } }: MessageEvent<Tick>) => {
        this.lateness.value = (1000 * lateness) / context.sampleRate;
        // A busy page hears its ticks late, and more of them than it can take: what counts is now.
        const now = Math.max(frame, this.frame);
        this.onTick(now);
        this.#out?.onTick(now, performance.now() + this.latency * 1000);
      };
      node.onprocessorerror = () => this.#fail("the synthesizer has stopped; reload the page");
      this.#node = node;
      this.#tell(...this.#pending.splice(0));
      await this.prepare();
      this.#checkReady();
    } catch (error) {
      this.#fail(`no sound: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  async #prepare(): Promise<void> {
    this.#startDecoder();
    const answer = await fetch("/soundfont");
    if (!answer.ok) throw new Error(`the SoundFont cannot be loaded (${answer.status})`);
    this.loadSoundFont(await answer.arrayBuffer());
  }

  #checkReady(): void {
    if (this.#node && this.#banks.size === this.#asked.size) this.state.value = "ready";
  }

  #startDecoder(): void {
    const decoder = new Worker(workerUrl, { type: "module" });
    decoder.onmessage = ({ data }: MessageEvent<BankReply>) => this.#onDecoder(data);
    decoder.onerror = () => this.#fail("the SoundFont decoder has stopped; reload the page");
    this.#decoder = decoder;
  }

  #onDecoder(reply: BankReply): void {
    if (reply.kind === "loaded") {
      this.soundfont.value = reply.name;
      this.problem.value = "";
    } else if (reply.kind === "refused") {
      this.problem.value = reply.text;
    } else {
      const id = bankId(reply.program, reply.isDrum);
      this.#banks.set(id, reply.data);
      this.#tell({ kind: "bank", id, data: reply.data });
      this.#checkReady();
    }
  }

  #sendChannel(out: MidiOut, channel: number, { program, volume, pan }: Channel): void {
    out.program(channel, program);
    out.control(channel, VOLUME, volume);
    out.control(channel, PAN, pan);
  }

  #need(program: number, isDrum: boolean): void {
    const id = bankId(program, isDrum);
    if (this.#asked.has(id) || !this.#decoder) return;
    this.#asked.add(id);
    this.#ask({ kind: "decode", program, isDrum });
  }

  #ask(request: BankRequest, transfer: Transferable[] = []): void {
    this.#decoder?.postMessage(request, transfer);
  }

  #tell(...commands: Command[]): void {
    if (this.#node) this.#node.port.postMessage(commands);
    else this.#pending.push(...commands);
  }

  #fail(text: string): void {
    this.problem.value = text;
    this.state.value = "failed";
  }
}

const bankId = (program: number, isDrum: boolean): string =>
  isDrum ? `kit ${program}` : `program ${program}`;

/** A click of the metronome. */
export function click(frame: number, isDownbeat: boolean, length: number): ScheduledNote {
  return {
    frame,
    until: frame + length,
    channel: METRONOME,
    pitch: isDownbeat ? 76 : 77,
    velocity: isDownbeat ? 112 : 80,
    tag: "metronome",
  };
}
