// The messages of a Standard MIDI File (RP-001), all tracks merged by time.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace midigpt::events {

struct Message {
    double seconds = 0.0;     // by the file's tempo map
    std::uint8_t status = 0;  // 0x80..0xEF; 0 for everything but channel messages
    std::uint8_t first = 0;   // data bytes
    std::uint8_t second = 0;

    int kind() const { return status & 0xF0; }
    int channel() const { return status & 0x0F; }
};

// Messages at one tick keep the order of their tracks. Throws std::invalid_argument when the bytes are
// no such file, are cut, or count time in SMPTE frames.
std::vector<Message> read_messages(std::span<const std::uint8_t> file);

}  // namespace midigpt::events
