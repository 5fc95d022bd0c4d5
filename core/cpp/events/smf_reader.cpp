#include "events/smf_reader.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace midigpt::events {
namespace {

constexpr int kMeta = 0xFF;
constexpr int kEndOfTrack = 0x2F;
constexpr int kTempo = 0x51;
constexpr int kDefaultTempo = 500'000;  // microseconds a quarter note
constexpr int kDefaultDivision = 480;

struct Timed {
    std::int64_t tick = 0;
    Message message;
    int tempo = 0;  // 0: no tempo event
};

class Cursor {
public:
    explicit Cursor(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

    bool at_end() const { return position_ == bytes_.size(); }

    std::uint8_t peek() const {
        if (at_end()) throw std::invalid_argument("MIDI file is cut inside a chunk");
        return bytes_[position_];
    }
    std::uint8_t byte() {
        const std::uint8_t value = peek();
        ++position_;
        return value;
    }
    std::uint8_t data_byte() {
        const std::uint8_t value = byte();
        if (value > 127) throw std::invalid_argument("MIDI event has a data byte above 127");
        return value;
    }
    std::uint32_t number(int bytes) {
        std::uint32_t value = 0;
        for (int i = 0; i < bytes; ++i) value = value << 8 | byte();
        return value;
    }
    std::uint32_t variable_length() {
        std::uint32_t value = 0;
        for (int i = 0; i < 4; ++i) {
            const std::uint8_t next = byte();
            value = value << 7 | (next & 0x7F);
            if (next < 0x80) return value;
        }
        throw std::invalid_argument("MIDI file has a number of more than 4 bytes");
    }
    std::span<const std::uint8_t> take(std::size_t count) {
        if (count > bytes_.size() - position_) throw std::invalid_argument("MIDI file is cut inside a chunk");
        position_ += count;
        return bytes_.subspan(position_ - count, count);
    }

private:
    std::span<const std::uint8_t> bytes_;
    std::size_t position_ = 0;
};

// Bytes that follow a system message which is neither exclusive nor meta.
int system_length(int status) {
    switch (status) {
        case 0xF1: case 0xF3: return 1;
        case 0xF2: return 2;
        default: return 0;
    }
}

// False at the end of the track.
bool read_event(Cursor& track, int& running, Timed& event) {
    const int status = track.peek();
    if (status < 0xF0) {
        if (status >= 0x80) running = track.byte();
        if (running == 0) throw std::invalid_argument("MIDI event has no status byte");
        event.message.status = static_cast<std::uint8_t>(running);
        event.message.first = track.data_byte();
        const bool is_short = event.message.kind() == 0xC0 || event.message.kind() == 0xD0;
        if (!is_short) event.message.second = track.data_byte();
        return true;
    }
    track.byte();
    if (status == kMeta) {
        const int kind = track.byte();
        const auto data = track.take(track.variable_length());
        if (kind == kTempo && data.size() >= 3) event.tempo = data[0] << 16 | data[1] << 8 | data[2];
        return kind != kEndOfTrack;
    }
    running = 0;
    track.take(status == 0xF0 || status == 0xF7 ? track.variable_length() : system_length(status));
    return true;
}

void read_track(std::span<const std::uint8_t> bytes, std::vector<Timed>& out) {
    Cursor track(bytes);
    std::int64_t tick = 0;
    int running = 0;
    while (!track.at_end()) {
        Timed event;
        tick += track.variable_length();
        event.tick = tick;
        if (!read_event(track, running, event)) return;
        out.push_back(event);
    }
}

bool starts_with(std::span<const std::uint8_t> bytes, const char (&name)[5]) {
    return std::equal(bytes.begin(), bytes.begin() + 4, name);
}

}  // namespace

std::vector<Message> read_messages(std::span<const std::uint8_t> file) {
    if (file.size() < 14 || !starts_with(file, "MThd")) throw std::invalid_argument("not a MIDI file");
    Cursor cursor(file);
    cursor.take(4);
    Cursor header(cursor.take(cursor.number(4)));
    header.number(4);  // format and number of tracks: every track chunk is read
    int division = static_cast<int>(header.number(2));
    if (division >= 0x8000) throw std::invalid_argument("MIDI file counts time in SMPTE frames");
    if (division == 0) division = kDefaultDivision;

    std::vector<Timed> events;
    while (!cursor.at_end()) {
        const auto name = cursor.take(4);
        const auto chunk = cursor.take(cursor.number(4));
        if (starts_with(name, "MTrk")) read_track(chunk, events);
    }
    std::stable_sort(events.begin(), events.end(), [](const Timed& a, const Timed& b) { return a.tick < b.tick; });

    // Seconds add up event by event, silent ones too: sums of other parts would round differently.
    std::vector<Message> messages;
    messages.reserve(events.size());
    double seconds = 0.0;
    double second_per_tick = kDefaultTempo * 1e-6 / division;
    std::int64_t tick = 0;
    for (const Timed& event : events) {
        seconds += static_cast<double>(event.tick - tick) * second_per_tick;
        tick = event.tick;
        if (event.tempo != 0) second_per_tick = event.tempo * 1e-6 / division;
        if (event.message.status == 0) continue;
        messages.push_back(event.message);
        messages.back().seconds = seconds;
    }
    return messages;
}

}  // namespace midigpt::events
