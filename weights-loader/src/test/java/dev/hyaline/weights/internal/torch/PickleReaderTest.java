package dev.hyaline.weights.internal.torch;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.weights.internal.ByteCursor;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PickleReaderTest {
    private static Object read(byte[] pickle) {
        return PickleReader.read("x.pt", new ByteCursor("x.pt", MemorySegment.ofArray(pickle)));
    }

    /** What {@code torch.load(weights_only=True)} takes beside tensors. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "ccollections\nCounter\n}X\u0001\0\0\0aK\u0002s\u0085R",
                "c__builtin__\nset\n](K\u0001K\u0002e\u0085R",
                "cbuiltins\nset\n](K\u0001K\u0002e\u0085R",
                "c__builtin__\ncomplex\nG\0\0\0\0\0\0\0\0G\0\0\0\0\0\0\0\0\u0086R",
                "c__builtin__\nbytearray\nc_codecs\nencode\nX\u0001\0\0\0aX\u0006\0\0\0latin1\u0086R\u0085R",
                "c__builtin__\nbytearray\n)R"
            })
    void valuesBesideTensorsAreTaken(String value) {
        Object read = read(("\u0080\u0002}X\u0001\0\0\0v" + value + "s.").getBytes(ISO_8859_1));
        assertThat(((Map<?, ?>) read).get("v")).isInstanceOf(Pickled.Other.class);
    }

    /** Integers and floats that all have one hash code, and no order between them. */
    @Test
    void keysOfOneHashCodeAreComparedByTheirOrder() {
        int keys = 5_000;
        ByteArrayOutputStream pickle = new ByteArrayOutputStream();
        pickle.writeBytes(new byte[] {(byte) 0x80, 2, '}', '('});
        for (int i = 1; i <= keys; i++) {
            long bits = (long) i << Integer.SIZE | (i ^ 0x5555L);
            assertThat(Long.hashCode(bits)).isEqualTo(0x5555);
            pickle.writeBytes(ByteBuffer.allocate(11)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .put((byte) 0x8A)
                    .put((byte) 8)
                    .putLong(bits)
                    .put((byte) 'N')
                    .array());
            pickle.writeBytes(ByteBuffer.allocate(10)
                    .put((byte) 'G')
                    .putLong(bits)
                    .put((byte) 'N')
                    .array());
        }
        pickle.writeBytes(new byte[] {'u', '.'});
        // A map finds text by its order, where all else of one hash code would be looked through.
        assertThat(((Map<?, ?>) read(pickle.toByteArray())).keySet())
                .hasSize(2 * keys)
                .allMatch(key -> key instanceof String);
    }
}
