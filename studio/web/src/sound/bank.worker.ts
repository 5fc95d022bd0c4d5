/**
 * Decodes one instrument of a SoundFont at a time into a small uncompressed bank, so that the audio
 * thread never has to.
 */
import { BasicSoundBank, SoundBankLoader } from "spessasynth_core";

export type BankRequest =
  | { kind: "load"; data: ArrayBuffer }
  | { kind: "decode"; program: number; isDrum: boolean };
export type BankReply =
  | { kind: "loaded"; name: string; presets: number }
  | { kind: "refused"; text: string }
  | { kind: "decoded"; program: number; isDrum: boolean; data: ArrayBuffer };

let bank: BasicSoundBank | undefined;

async function load(data: ArrayBuffer): Promise<BankReply> {
  await BasicSoundBank.isSF3DecoderReady;
  try {
    bank = SoundBankLoader.fromArrayBuffer(data);
  } catch (error) {
    return { kind: "refused", text: `this is no SoundFont: ${String(error).slice(0, 120)}` };
  }
  return { kind: "loaded", name: String(bank.soundBankInfo.name), presets: bank.presets.length };
}

async function decode(program: number, isDrum: boolean): Promise<BankReply> {
  if (!bank) return { kind: "refused", text: "no SoundFont is loaded" };
  const one = new BasicSoundBank();
  one.soundBankInfo = { ...bank.soundBankInfo };
  one.clonePreset(
    bank.getPreset({ program, bankMSB: 0, bankLSB: 0, isGMGSDrum: isDrum }, "gs"),
  );
  one.flush();
  await one.setSampleFormat({ format: "pcm" });
  return { kind: "decoded", program, isDrum, data: one.writeSF2() };
}

let turn: Promise<unknown> = Promise.resolve();
self.onmessage = ({ data }: MessageEvent<BankRequest>) => {
  turn = turn.then(async () => {
    const reply =
      data.kind === "load" ? await load(data.data) : await decode(data.program, data.isDrum);
    const transfer = reply.kind === "decoded" ? [reply.data] : [];
    self.postMessage(reply, { transfer });
  });
};
