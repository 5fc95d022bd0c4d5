import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { openTake } from "../desk";
import { type Kept, keptTakes } from "../song/files";
import { client, jam, leader } from "../studio";
import { Button, Section } from "../ui/controls";

const REFRESH_MS = 2000;

/** Sessions of the server, such as the one that a DAW plays: watch or take over. */
export function Sessions() {
  useEffect(() => {
    client.list();
    const timer = setInterval(() => client.list(), REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  const { id } = client.session.value;
  const listed = client.sessions.value.filter((session) => session.state !== "UNINITIALIZED");
  return (
    <>
      <Section title="Live sessions">
        {listed.length === 0 && (
          <p class="note">
            None yet. A session that Ableton, Max or SuperCollider begins on this server appears here.
          </p>
        )}
        {listed.map((session) => {
          const isShown = session.id === id;
          return (
            <div class="card session" key={session.id} data-on={isShown}>
              <div class="session-title">
                <b>{session.name || session.id}</b>
                <span class="badge">{session.state.toLowerCase()}</span>
              </div>
              <p class="note">
                bar {session.playhead + 1} · {session.players} playing · {session.watchers} watching
                {session.idle_seconds > 5 && ` · quiet for ${Math.round(session.idle_seconds)} s`}
              </p>
              <div class="row">
                <Button
                  label={isShown ? "Shown" : "Watch"}
                  disabled={isShown}
                  onClick={() => {
                    leader.stop();
                    client.isPlayer.value = false;
                    void client.watch(session.id);
                  }}
                />
                <Button
                  label="Take over"
                  title="Play in this session from here: this page's clock leads from now on"
                  disabled={isShown && client.isPlayer.value}
                  onClick={() => void client.attach(session.id)}
                />
                {isShown && client.isPlayer.value && session.state === "RUNNING" && (
                  <Button
                    label="End"
                    title="End the session; the music stays to be seen and saved"
                    onClick={() => jam.end()}
                  />
                )}
              </div>
            </div>
          );
        })}
      </Section>
      <Earlier />
    </>
  );
}

/** What the journal has kept. */
function Earlier() {
  const kept = useSignal<Kept[]>([]);
  useEffect(() => void keptTakes().then((takes) => (kept.value = takes)), []);
  if (kept.value.length === 0) return null;
  return (
    <Section title="Earlier sessions">
      {kept.value.map((take) => {
        const name = take.name || take.session;
        const began = new Date(take.began * 1000);
        return (
          <div class="card session" key={take.take}>
            <div class="session-title">
              <b>{name}</b>
              <span class="note">
                {began.toLocaleString([], { dateStyle: "medium", timeStyle: "short" })}
              </span>
            </div>
            <p class="note">
              {take.bars} bars · {take.notes} notes played, {take.answers} answered
            </p>
            <div class="row">
              <Button label="Go on" onClick={() => void client.resume(take.session)} />
              <Button label="Open as song" onClick={() => void openTake(take.take, name)} />
            </div>
          </div>
        );
      })}
    </Section>
  );
}
