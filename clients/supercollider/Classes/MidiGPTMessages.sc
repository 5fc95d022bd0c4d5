// Every message of the protocol, by name.
// Made from the server's tables by `python -m midigpt_server.protocol.clients clients`.

MidiGPTMessages {
	// To be had from a subclass: send { |path ... args| } and prWire { |value| }.

	sendPing { |text = ""|
		this.send("ping", text.asString)
	}
	sendToken { |token = ""|
		this.send("token", token.asString)
	}
	sendSessionsQuery { this.send("sessions/query") }
	sendStats { this.send("stats") }
	sendSessionWatch { |sessionId|
		this.send("session/watch", sessionId.asString)
	}
	sendSessionUnwatch { |sessionId|
		this.send("session/unwatch", sessionId.asString)
	}
	sendSessionAttach { |sessionId|
		this.send("session/attach", sessionId.asString)
	}
	sendSessionResume { |sessionId|
		this.send("session/resume", sessionId.asString)
	}
	sendSessionInit { |name = "", replyPort = 0, sessionId = "", token = ""|
		this.send("session/init", name.asString, replyPort.asInteger, sessionId.asString, token.asString)
	}
	sendSessionStart { this.send("session/start") }
	sendSessionStop { this.send("session/stop") }
	sendSessionQuery { this.send("session/query") }
	sendResend { |first, last|
		this.send("resend", first.asInteger, last.asInteger)
	}
	sendTrackCreate { |trackId, instrument, trackType, isAgent|
		this.send("track/create", trackId.asInteger, instrument.asInteger, trackType.asInteger, isAgent.asBoolean.binaryValue)
	}
	sendTrackRemove { |trackId|
		this.send("track/remove", trackId.asInteger)
	}
	sendTrackSetIgnore { |trackId, ignored|
		this.send("track/set_ignore", trackId.asInteger, ignored.asBoolean.binaryValue)
	}
	sendTrackParamSet { |trackId, name, value|
		this.send("track/param/set", trackId.asInteger, name.asString, this.prWire(value))
	}
	sendTrackQuery { this.send("track/query") }
	sendAgentCreate { |trackId, instrument, trackType, fallback = "repeat"|
		this.send("agent/create", trackId.asInteger, instrument.asInteger, trackType.asInteger, fallback.asString)
	}
	sendAgentRemove { |trackId|
		this.send("agent/remove", trackId.asInteger)
	}
	sendAgentAttrSet { |trackId, name, level|
		this.send("agent/attr/set", trackId.asInteger, name.asString, level.asInteger)
	}
	sendAgentUndo { |trackId = -1|
		this.send("agent/undo", trackId.asInteger)
	}
	sendAgentRedo { |trackId = -1|
		this.send("agent/redo", trackId.asInteger)
	}
	sendAgentRegenerate { |barIndex, trackId = -1|
		this.send("agent/regenerate", barIndex.asInteger, trackId.asInteger)
	}
	sendAgentTake { |barIndex, take, trackId = -1|
		this.send("agent/take", barIndex.asInteger, take.asInteger, trackId.asInteger)
	}
	sendNote { |trackId, pitch, velocity, onset, duration, barIndex|
		this.send("note", trackId.asInteger, pitch.asInteger, velocity.asInteger, onset.asFloat, duration.asFloat, barIndex.asInteger)
	}
	sendNoteRemove { |trackId, pitch, onset, barIndex|
		this.send("note/remove", trackId.asInteger, pitch.asInteger, onset.asFloat, barIndex.asInteger)
	}
	sendBarEnd { |barIndex, tsNumerator, tsDenominator|
		this.send("bar/end", barIndex.asInteger, tsNumerator.asInteger, tsDenominator.asInteger)
	}
	sendTempo { |bpm|
		this.send("tempo", bpm.asFloat)
	}
	sendMeter { |barIndex, tsNumerator, tsDenominator|
		this.send("meter", barIndex.asInteger, tsNumerator.asInteger, tsDenominator.asInteger)
	}
	sendTransport { |action, bar = 0, end = 0|
		this.send("transport", action.asString, bar.asInteger, end.asInteger)
	}
	sendPanic { this.send("panic") }
	sendParamSet { |name, value|
		this.send("param/set", name.asString, this.prWire(value))
	}
	sendParamSetOnce { |name, value|
		this.send("param/set_once", name.asString, this.prWire(value))
	}
	sendParamReset { |name|
		this.send("param/reset", name.asString)
	}
	sendParamResetAll { this.send("param/reset_all") }
	sendAttrSet { |name, level|
		this.send("attr/set", name.asString, level.asInteger)
	}
	sendPromptText { |text, trackId = -1|
		this.send("prompt/text", text.asString, trackId.asInteger)
	}
	sendAttrResetAll { this.send("attr/reset_all") }
	sendParamQuery { this.send("param/query") }
	sendModelQuery { this.send("model/query") }

	// What the server says: path -> names of the arguments.
	*replies {
		^Dictionary[
			"capabilities" -> #[json],
			"model" -> #[json],
			"session/id" -> #[sessionId],
			"session/ready" -> #[],
			"session/started" -> #[],
			"session/stopped" -> #[],
			"status" -> #[state],
			"prompt/state" -> #[json],
			"generated/open" -> #[trackId, barIndex, noteCount],
			"generated/note" -> #[trackId, barIndex, pitch, velocity, onset, duration],
			"generated/close" -> #[trackId, barIndex],
			"generated/features" -> #[trackId, barIndex, noteDensity, meanPitch, meanVelocity, maxPolyphony, meanDuration, minPolyphony, minNoteDuration, maxNoteDuration],
			"sampled/attrs" -> #[json],
			"error" -> #[code, text],
			"warning" -> #[topic, text],
			"bar/gap" -> #[firstBar, lastBar],
			"bar/buffering" -> #[barIndex, barsMissing, firstTarget],
			"generation/skipped" -> #[trackId, firstBar, lastBar, reason],
			"prompt/dropped" -> #[json],
			"pong" -> #[text, version],
			"session/state" -> #[json],
			"sessions" -> #[json],
			"stats" -> #[json],
			"session/snapshot" -> #[json],
			"session/resumed" -> #[sessionId, playhead, state],
			"session/saved" -> #[playhead],
			"session/mirror" -> #[sessionId, revision, direction, address, arguments],
			"track/list" -> #[json],
			"param/list" -> #[json],
			"generated/count" -> #[trackId, barIndex, noteCount],
			"generated/revision" -> #[trackId, barIndex, revision],
			"generated/take" -> #[trackId, barIndex, take, takes],
			"generation/done" -> #[json],
			"generated/flush" -> #[trackId, barIndex],
			"bar/fallback" -> #[trackId, barIndex, policy, reason],
			"bar/late" -> #[trackId, barIndex, seconds, notesDropped],
			"play/on" -> #[trackId, barIndex, pitch, velocity],
			"play/off" -> #[trackId, barIndex, pitch],
			"seq" -> #[number],
		]
	}
}
