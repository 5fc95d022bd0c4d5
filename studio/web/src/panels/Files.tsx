import { useSignal } from "@preact/signals";
import {
  continueSong,
  copyTake,
  jamWithSong,
  openFiles,
  type Portion,
  saveMidi,
  saveWav,
  show,
  shown,
  shownMidi,
  song,
  view,
  work,
  writeMarked,
} from "../desk";
import { marks } from "../roll/selection";
import { player } from "../studio";
import { Button, Section, Select, Slider } from "../ui/controls";
import { ParameterControl } from "./ParameterControl";
import { schema } from "../schema";
import { client } from "../studio";

/** Files in, out, and the bars of a song that the model shall write. */
export function Files() {
  return (
    <>
      <Section title="Open">
        <Drop />
      </Section>
      {view.value === "song" && <SongTools />}
      {shown.value.tracks.length > 0 && (
        <Section title="Save">
          <Save />
        </Section>
      )}
      <Section title="SoundFont">
        <p class="note">
          {player.soundfont.value ? `${player.soundfont.value}.` : "Loaded with the first sound."} Drop an .sf2 or .sf3 file for
          another sound.
        </p>
      </Section>
    </>
  );
}

function Drop() {
  return (
    <label class="drop">
      <input
        type="file"
        multiple
        accept=".mid,.midi,.sf2,.sf3,.dls"
        onChange={(event) => {
          openFiles(event.currentTarget.files ?? []);
          event.currentTarget.value = "";
        }}
      />
      <b>Drop a MIDI file or SoundFont</b>
      <span>or choose one. It stays on this machine.</span>
    </label>
  );
}

function SongTools() {
  const bars = useSignal(4);
  const temperature = schema.value.parameters.find(({ name }) => name === "temperature");
  const isBusy = work.value !== "";
  return (
    <Section title={`Song: ${song.session.value?.name ?? ""}`}>
      <p class="note">
        Mark bars in the row above the notes, then let the model write them. All else stays as it is.
      </p>
      <div class="row">
        <Button
          label={`Infill ${marks.value.length || ""} marked`}
          icon="dice"
          showsLabel
          kind="primary"
          disabled={isBusy || marks.value.length === 0}
          onClick={() => void writeMarked()}
        />
        <Button
          label={`Continue ${bars.value} bars`}
          disabled={isBusy}
          title="Add bars at the end and write them: on the tracks with marks, or on all"
          onClick={() => void continueSong(bars.value)}
        />
      </div>
      <Slider
        label="Bars to continue"
        value={bars.value}
        low={1}
        high={16}
        onInput={(value) => (bars.value = value)}
      />
      {temperature && (
        <ParameterControl
          field={temperature}
          value={client.session.value.parameters["temperature"] ?? temperature.default}
          onChange={(value) => client.send("/midigpt/param/set", "temperature", value)}
        />
      )}
      <div class="row">
        <Button label="Jam with it" onClick={() => void jamWithSong()} />
        <Button
          label="Back to the band"
          kind="quiet"
          onClick={() => {
            show("live");
            song.close();
          }}
        />
      </div>
    </Section>
  );
}

function Save() {
  const portion = useSignal<Portion>("all");
  const isBusy = work.value !== "";
  return (
    <>
      <Select
        label="What"
        value={portion.value}
        options={[
          ["all", "everything"] as const,
          ["marked", `the ${marks.value.length} marked bars`] as const,
        ]}
        onChange={(value) => (portion.value = value)}
      />
      <div class="row">
        <Button label="Save MIDI" disabled={isBusy} onClick={() => void saveMidi(portion.value)} />
        <Button label="Save WAV" disabled={isBusy} onClick={() => void saveWav(portion.value)} />
        <DragOut portion={portion.value} />
      </div>
      {view.value === "live" && (
        <div class="row">
          <Button
            label="Edit this take"
            title="Put a copy of the session on the desk, to edit notes and write bars again"
            onClick={copyTake}
          />
        </div>
      )}
    </>
  );
}

const KEPT_MS = 60_000;

/** A handle to drag into a DAW; the file is made when the pointer comes near. */
function DragOut({ portion }: { portion: Portion }) {
  const url = useSignal("");
  const prepare = async () => {
    const before = url.peek(); // may still be on its way into a DAW
    if (before) setTimeout(() => URL.revokeObjectURL(before), KEPT_MS);
    url.value = URL.createObjectURL(await shownMidi(portion));
  };
  return (
    <a
      class="button plain"
      draggable
      href={url.value || "#"}
      download="take.mid"
      title="Drag into your DAW as a MIDI file"
      onPointerEnter={() => void prepare()}
      onClick={(event) => !url.value && event.preventDefault()}
      onDragStart={(event) =>
        event.dataTransfer?.setData("DownloadURL", `audio/midi:take.mid:${url.value}`)
      }
    >
      Drag out
    </a>
  );
}
