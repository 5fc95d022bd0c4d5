#include "events/midi_events.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>

#include "events/smf_reader.hpp"

namespace midigpt::events {
namespace {

constexpr int kDrumChannel = 9;
constexpr int kChannels = 16;
constexpr int kTicksPerQuarter = 50;  // 10 ms at the default tempo of 120
constexpr int kReleaseVelocity = 64;
constexpr int kNoteOn = 0x90;
constexpr int kNoteOff = 0x80;
constexpr int kProgramChange = 0xC0;

// To the nearest tick, halves to the even one (the default rounding mode).
int to_ticks(double seconds) {
    return static_cast<int>(std::min(std::nearbyint(kTicksPerSecond * seconds), 2e9));
}

struct Open {
    std::size_t index;
    double onset;
};

struct Message4 {
    int tick;
    int rank;  // of messages at one tick
    std::uint8_t status, first, second;
};

class Bytes {
public:
    std::vector<std::uint8_t> data;

    void number(std::uint32_t value, int bytes) {
        for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) data.push_back(static_cast<std::uint8_t>(value >> shift));
    }
    void text(const char (&name)[5]) { data.insert(data.end(), name, name + 4); }
    void variable_length(std::uint32_t value) {
        std::array<std::uint8_t, 5> bytes{};
        int count = 0;
        for (; count == 0 || value != 0; value >>= 7) bytes[count++] = value & 0x7F;
        while (count-- > 0) data.push_back(bytes[count] | (count > 0 ? 0x80 : 0));
    }
};

// Instruments in order of first onset, with the number of their notes.
std::vector<std::pair<int, int>> count_instruments(std::span<const Event> sorted) {
    std::vector<std::pair<int, int>> counts;
    for (const Event& event : sorted) {
        const auto found = std::find_if(counts.begin(), counts.end(), [&](const auto& c) { return c.first == event.instrument(); });
        if (found == counts.end()) {
            counts.emplace_back(event.instrument(), 1);
        } else {
            ++found->second;
        }
    }
    return counts;
}

// Takes out the rarest melodic instruments until each has a channel; of equally rare ones the last.
int drop_rarest(std::vector<std::pair<int, int>>& counts) {
    int dropped = 0;
    const auto is_melodic = [](const auto& count) { return count.first != kDrums; };
    while (std::count_if(counts.begin(), counts.end(), is_melodic) > kMostMelodic) {
        auto rarest = counts.end();
        for (auto count = counts.begin(); count != counts.end(); ++count) {
            if (is_melodic(*count) && (rarest == counts.end() || count->second <= rarest->second)) rarest = count;
        }
        dropped += rarest->second;
        counts.erase(rarest);
    }
    return dropped;
}

void write_track(Bytes& out, std::span<const Event> notes, int instrument, int channel, const WriteOptions& options) {
    enum Rank { kOff, kOn, kLateOff };
    std::vector<Message4> messages;
    for (const Event& event : notes) {
        if (event.instrument() != instrument) continue;
        const auto pitch = static_cast<std::uint8_t>(event.pitch());
        const bool off_is_late = options.ons_first || event.duration == 0;
        messages.push_back({event.time, kOn, static_cast<std::uint8_t>(kNoteOn | channel), pitch,
                            static_cast<std::uint8_t>(options.velocity)});
        messages.push_back({event.time + event.duration, off_is_late ? kLateOff : kOff,
                            static_cast<std::uint8_t>(kNoteOff | channel), pitch, kReleaseVelocity});
    }
    std::stable_sort(messages.begin(), messages.end(), [](const Message4& a, const Message4& b) {
        return std::tie(a.tick, a.rank) < std::tie(b.tick, b.rank);
    });

    Bytes track;
    track.variable_length(0);
    track.number(static_cast<std::uint32_t>(kProgramChange | channel), 1);
    track.number(static_cast<std::uint32_t>(instrument == kDrums ? 0 : instrument), 1);
    int tick = 0;
    for (const Message4& message : messages) {
        track.variable_length(static_cast<std::uint32_t>(message.tick - tick));
        track.data.insert(track.data.end(), {message.status, message.first, message.second});
        tick = message.tick;
    }
    track.number(0x00FF2F00, 4);
    out.text("MTrk");
    out.number(static_cast<std::uint32_t>(track.data.size()), 4);
    out.data.insert(out.data.end(), track.data.begin(), track.data.end());
}

void check(std::span<const Event> events, const WriteOptions& options) {
    constexpr int kMostTicks = 100'000'000;
    if (options.velocity < 1 || options.velocity > 127) {
        throw std::invalid_argument("velocity is " + std::to_string(options.velocity) + ", must be in 1..127");
    }
    for (const Event& event : events) {
        if (event.time < 0 || event.time > kMostTicks || event.duration < 0 || event.duration > kMostTicks ||
            event.note < 0 || event.note > kRestNote) {
            throw std::invalid_argument("event (" + std::to_string(event.time) + ", " + std::to_string(event.duration) +
                                        ", " + std::to_string(event.note) + ") is out of range");
        }
    }
}

}  // namespace

Events read_midi(std::span<const std::uint8_t> file) {
    Events notes;
    std::array<int, kChannels> programs{};
    std::map<std::tuple<int, int, int>, std::deque<Open>> open;  // by instrument, pitch, channel
    for (const Message& message : read_messages(file)) {
        if (message.kind() == kProgramChange) programs[message.channel()] = message.first;
        if (message.kind() != kNoteOn && message.kind() != kNoteOff) continue;
        const int instrument = message.channel() == kDrumChannel ? kDrums : programs[message.channel()];
        auto& waiting = open[{instrument, message.first, message.channel()}];
        if (message.kind() == kNoteOn && message.second > 0) {
            waiting.push_back({notes.size(), message.seconds});
            notes.push_back({to_ticks(message.seconds), kUnknownDuration, instrument * kPitches + message.first});
        } else if (!waiting.empty()) {
            const int duration = to_ticks(message.seconds - waiting.front().onset);
            notes[waiting.front().index].duration = std::min(duration, kDurations - 1);
            waiting.pop_front();
        }
    }
    return notes;
}

std::vector<int> assign_channels(std::span<const int> instruments) {
    if (std::count_if(instruments.begin(), instruments.end(), [](int i) { return i != kDrums; }) > kMostMelodic) {
        throw std::invalid_argument("more than 15 melodic instruments");
    }
    std::vector<int> channels;
    std::array<bool, kChannels> taken{};
    taken[kDrumChannel] = true;
    int next = 0;  // the drums use up a number, as in the reference; what that leaves free comes last
    for (const int instrument : instruments) {
        int channel = kDrumChannel;
        if (instrument != kDrums) {
            channel = next < kChannels ? next : static_cast<int>(std::find(taken.begin(), taken.end(), false) - taken.begin());
        }
        channels.push_back(channel);
        taken[channel] = true;
        if (++next == kDrumChannel) ++next;
    }
    return channels;
}

Written write_midi(std::span<const Event> events, const WriteOptions& options) {
    check(events, options);
    Events notes;
    std::copy_if(events.begin(), events.end(), std::back_inserter(notes), [](const Event& e) { return !e.is_rest(); });
    Events sorted = notes;
    std::stable_sort(sorted.begin(), sorted.end(), [](const Event& a, const Event& b) { return a.time < b.time; });

    Written written;
    auto counts = count_instruments(sorted);
    written.dropped = drop_rarest(counts);
    std::vector<int> instruments;
    for (const auto& count : counts) instruments.push_back(count.first);
    const std::vector<int> channels = assign_channels(instruments);

    Bytes out;
    out.text("MThd");
    out.number(6, 4);
    out.number(1, 2);
    out.number(static_cast<std::uint32_t>(instruments.size()), 2);
    out.number(kTicksPerQuarter, 2);
    for (std::size_t i = 0; i < instruments.size(); ++i) {
        write_track(out, notes, instruments[i], channels[i], options);
    }
    written.file = std::move(out.data);
    return written;
}

}  // namespace midigpt::events
