/** MIDI keyboards and controllers in, a MIDI port out. Works without; says why when it is refused. */
import { signal } from "@preact/signals";
import { SUSTAIN } from "../sound/commands";
import type { Performer } from "./performer";

export type MidiState = "unasked" | "open" | "refused" | "unsupported";

export class WebMidi {
  readonly state = signal<MidiState>("unasked");
  readonly inputs = signal<string[]>([]);
  readonly outputs = signal<{ id: string; name: string }[]>([]);
  /** The input to listen to, by name; empty for all. */
  readonly input = signal("");
  /** MIDI channel 1..16 to listen to; 0 for all. */
  readonly channel = signal(0);
  /** The output that sounds instead of the page, by id; empty for none. */
  readonly playedOn = signal("");
  onControl: (channel: number, controller: number, value: number) => void = () => {};
  #access: MIDIAccess | undefined;

  constructor(private performer: Performer) {}

  async open(): Promise<void> {
    if (this.#access) return;
    if (!navigator.requestMIDIAccess) {
      this.state.value = "unsupported";
      return;
    }
    try {
      this.#access = await navigator.requestMIDIAccess();
      this.#access.onstatechange = () => this.#connect();
      this.#connect();
      this.state.value = "open";
    } catch {
      this.state.value = "refused";
    }
  }

  output(id: string): MIDIOutput | undefined {
    return this.#access?.outputs.get(id);
  }

  #connect(): void {
    const access = this.#access!;
    const inputs = [...access.inputs.values()];
    for (const input of inputs) {
      input.onmidimessage = (event) => this.#onMessage(input.name ?? "", event);
    }
    this.inputs.value = inputs.map((input) => input.name ?? "MIDI input");
    this.outputs.value = [...access.outputs.values()].map(({ id, name }) => ({
      id,
      name: name ?? "MIDI output",
    }));
  }

  #onMessage(name: string, { data, timeStamp }: MIDIMessageEvent): void {
    if (!data || (this.input.value && this.input.value !== name)) return;
    const [status, first = 0, second = 0] = data;
    const channel = (status! & 15) + 1;
    if (this.channel.value && this.channel.value !== channel) return;
    switch (status! & 0xf0) {
      case 0x90:
        if (second > 0) this.performer.press(first, second, timeStamp);
        else this.performer.release(first, timeStamp);
        break;
      case 0x80:
        this.performer.release(first, timeStamp);
        break;
      case 0xb0:
        if (first === SUSTAIN) this.performer.pedal(second >= 64, timeStamp);
        else this.onControl(channel, first, second);
        break;
    }
  }
}
