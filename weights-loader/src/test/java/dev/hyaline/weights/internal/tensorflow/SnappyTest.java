package dev.hyaline.weights.internal.tensorflow;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.hyaline.engine.error.BadCheckpointException;
import java.lang.foreign.MemorySegment;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SnappyTest {
    private static String unpack(String packed) {
        byte[] bytes = Snappy.unpack("model.ckpt.index", MemorySegment.ofArray(packed.getBytes(ISO_8859_1)));
        return new String(bytes, ISO_8859_1);
    }

    static Stream<Arguments> packed() {
        return Stream.of(
                arguments("\0", ""),
                arguments("\3\u0008abc", "abc"),
                // A copy of one byte's offset, of two bytes' and of four bytes', and one that overlaps itself.
                arguments("\7\u0008abc\1\3", "abcabca"),
                arguments("\6\u0008abc\n\3\0", "abcabc"),
                arguments("\6\u0008abc\u000B\3\0\0\0", "abcabc"),
                arguments("\u000B\0a&\1\0", "aaaaaaaaaaa"),
                arguments("\3\u00F0\2abc", "abc"),
                arguments("\3\u00F4\2\0abc", "abc"));
    }

    @ParameterizedTest
    @MethodSource("packed")
    void unpacks(String packed, String text) {
        assertThat(unpack(packed)).isEqualTo(text);
    }

    /** What python-cramjam packs of it. */
    @Test
    void unpacksWhatSnappyPacked() {
        assertThat(unpack(PACKED)).isEqualTo("model/h0/attn/c_attn/b model/h0/attn/c_attn/w ".repeat(40));
    }

    static Stream<Arguments> broken() {
        return Stream.of(
                arguments("", "more bytes"),
                arguments("\u00FF\u00FF\u00FF\u00FF\u000Fa", "at most 32 times 6 bytes"),
                arguments("\u00FF\u00FF\u00FF\u00FF\u00FF\u00FF\u00FF\u00FF\u00FF\u00FF\u00FF", "a varint"),
                arguments("\4\u0008abc", "expected 4 bytes, found 3 bytes"),
                arguments("\2\u0008abc", "at most 2 bytes, found more"),
                arguments("\7\u0008abc\1\4", "a copy from 1 to 3 bytes back, found 4"),
                arguments("\7\u0008abc\1\0", "found 0 bytes back"),
                arguments("\7\u0008ab", "more bytes"));
    }

    @ParameterizedTest
    @MethodSource("broken")
    void namesWhatIsWrong(String packed, String message) {
        assertThatExceptionOfType(BadCheckpointException.class)
                .isThrownBy(() -> unpack(packed))
                .withMessageContaining("model.ckpt.index")
                .withMessageContaining(message);
    }

    private static final String PACKED = "\u00B0\u000E<model/h0/attn/c_\u0005\u0007\u0004b"
        + " R\u0017\u0000\u0000wV\u0017\u0000\u00FE.\u0000\u00FE.\u0000\u00FE.\u0000\u00FE.\u0000\u00FE.\u0000\u00FE.\u0000\u00FE.\u0000\u00FE.\u0000\u00FE.\u0000\u00FE.\u0000\u00FE.\u0000\u00FE.\u0000\u00FE.\u0000\u00FE.\u0000\u00FE.\u0000\u00FE.\u0000\u00FE.\u0000\u00FE.\u0000\u00FE.\u0000\u00FE.\u0000\u00FE.\u0000\u00FE.\u0000\u00FE.\u0000\u00FE.\u0000\u00FE.\u0000\u00FE.\u0000\u00FE.\u0000\u00B2.\u0000";
}
