import { useSignal } from "@preact/signals";
import { shown, view } from "../desk";
import { GROOVES } from "../session/grooves";
import { client, jam, keys, leader, midi, performer, player } from "../studio";
import { Button, Section, Select, Slider, Switch } from "../ui/controls";
import { trackName } from "../session/track-name";
import { AddTrack } from "./AddTrack";
import { TrackCard } from "./TrackCard";
import { TextPrompt } from "./TextPrompt";
import { openTrack } from "./tabs";

/** One node for ever: it depends on no message, so it need not be drawn again with each. */
const addTrack = <AddTrack />;

/** Who plays, and how. */
export function Band() {
  const { tracks } = shown.value;
  const isLive = view.value === "live";
  return (
    <>
      {isLive && tracks.length > 0 && (
        <Section title="Groove">
          <GroovePicker />
        </Section>
      )}
      {isLive && <TextPrompt />}
      {tracks.length > 0 && (
        <Section title="Tracks">
          {tracks.map((track) => (
            <details
              class="card"
              key={track.id}
              open={openTrack.value === track.id}
              onToggle={(event) => {
                if (event.currentTarget.open) openTrack.value = track.id;
                else if (openTrack.peek() === track.id) openTrack.value = -1;
              }}
            >
              <summary>
                <b>{trackName(track)}</b>
                {track.isAgent && <span class="badge agent">agent</span>}
              </summary>
              {openTrack.value === track.id && <TrackCard track={track} />}
            </details>
          ))}
          {isLive && addTrack}
        </Section>
      )}
      <Section title="You">
        <YouPanel />
      </Section>
    </>
  );
}

export function GroovePicker() {
  return (
    <div class="grooves">
      {GROOVES.map((groove) => (
        <button
          key={groove.name}
          type="button"
          class="groove"
          aria-pressed={jam.groove.value === groove}
          title={groove.about}
          onClick={() => void jam.choose(groove)}
        >
          <b>{groove.name}</b>
          <span>
            {groove.chords.join(" ")} · {groove.bpm}
          </span>
        </button>
      ))}
    </div>
  );
}

function YouPanel() {
  const bars = useSignal(4);
  const played = client.session.value.tracks.filter((track) => !track.isAgent);
  return (
    <>
      {played.length > 0 && (
        <Select
          label="Track that you play"
          value={performer.trackId.value}
          options={[
            [-1, "none"] as const,
            ...played.map((track) => [track.id, trackName(track)] as const),
          ]}
          onChange={(id) => (performer.trackId.value = id)}
        />
      )}
      {played.length > 0 && (
        <div class="row">
          <Button
            label={`Loop my last ${bars.value} bars`}
            icon="repeat"
            showsLabel
            title="What you have just played goes on as a track of its own"
            onClick={() => jam.loopLast(bars.value)}
          />
          <Select
            label="Bars of the loop"
            hidesLabel
            value={bars.value}
            options={[1, 2, 4, 8].map((count) => [count, String(count)] as const)}
            onChange={(count) => (bars.value = count)}
          />
        </div>
      )}
      <Switch
        label="Step: each bar waits for Next (N)"
        isOn={leader.isStepping.value}
        onChange={(isOn) => (leader.isStepping.value = isOn)}
      />
      <Switch
        label="Computer keys play (Q)"
        isOn={keys.isOn.value}
        onChange={(isOn) => (keys.isOn.value = isOn)}
      />
      <Slider
        label="Their velocity"
        value={keys.velocity.value}
        low={10}
        high={120}
        onInput={(velocity) => (keys.velocity.value = velocity)}
      />
      <MidiFields />
    </>
  );
}

function MidiFields() {
  switch (midi.state.value) {
    case "unasked":
      return (
        <button type="button" class="button plain" onClick={() => void midi.open()}>
          <span>Use MIDI keyboards</span>
        </button>
      );
    case "unsupported":
      return <p class="note">This browser has no Web MIDI; computer keys and touch work.</p>;
    case "refused":
      return (
        <p class="note">
          MIDI was refused, or no MIDI system is there. Allow it in the address bar and reload.
        </p>
      );
    case "open":
      return (
        <>
          <Select
            label="MIDI keyboard"
            value={midi.input.value}
            options={[
              ["", midi.inputs.value.length ? "all" : "none is connected"] as const,
              ...midi.inputs.value.map((name) => [name, name] as const),
            ]}
            onChange={(name) => (midi.input.value = name)}
          />
          <Select
            label="MIDI channel"
            value={midi.channel.value}
            options={Array.from({ length: 17 }, (_, i) => [i, i ? String(i) : "all"] as const)}
            onChange={(channel) => (midi.channel.value = channel)}
          />
          <Select
            label="Sound comes from"
            value={midi.playedOn.value}
            options={[
              ["", "this page"] as const,
              ...midi.outputs.value.map(({ id, name }) => [id, `MIDI: ${name}`] as const),
            ]}
            onChange={(id) => {
              midi.playedOn.value = id;
              player.playOn(midi.output(id));
            }}
          />
        </>
      );
  }
}
