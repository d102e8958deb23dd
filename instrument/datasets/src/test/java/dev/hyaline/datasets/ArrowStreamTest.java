package dev.hyaline.datasets;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.apache.arrow.flatbuf.Field;
import org.apache.arrow.flatbuf.FixedSizeList;
import org.apache.arrow.flatbuf.FloatingPoint;
import org.apache.arrow.flatbuf.KeyValue;
import org.apache.arrow.flatbuf.Message;
import org.apache.arrow.flatbuf.MessageHeader;
import org.apache.arrow.flatbuf.RecordBatch;
import org.apache.arrow.flatbuf.Schema;
import org.apache.arrow.flatbuf.Type;
import org.junit.jupiter.api.Test;

/** The same windows as in a file that {@code datasets} 5.0.1 wrote: 2 of 4 tokens and width 3, counted up from 0. */
final class ArrowStreamTest {
    private static byte[] reference() throws IOException {
        try (InputStream in = Objects.requireNonNull(ArrowStreamTest.class.getResourceAsStream("reference.arrow"))) {
            return in.readAllBytes();
        }
    }

    private static byte[] written(boolean half) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        float[] values = new float[24];
        int[] tokens = new int[8];
        for (int i = 0; i < values.length; i++) {
            values[i] = i;
        }
        for (int i = 0; i < tokens.length; i++) {
            tokens[i] = i;
        }
        try (ArrowStream stream = new ArrowStream(bytes, new WindowSchema("blocks.0.hook_resid_post", 4, 3, half))) {
            stream.write(2, values, tokens);
        }
        return bytes.toByteArray();
    }

    /** What a stream says, in lines. */
    private static List<String> described(byte[] stream) {
        List<String> lines = new ArrayList<>();
        ByteBuffer bytes = ByteBuffer.wrap(stream).order(ByteOrder.LITTLE_ENDIAN);
        while (true) {
            assertThat(bytes.getInt()).isEqualTo(-1);
            int length = bytes.getInt();
            if (length == 0) {
                assertThat(bytes.remaining()).isZero();
                return lines;
            }
            assertThat(length % 8).isZero();
            Message message = Message.getRootAsMessage(
                    bytes.slice(bytes.position(), length).order(ByteOrder.LITTLE_ENDIAN));
            bytes.position(bytes.position() + length);
            ByteBuffer body =
                    bytes.slice(bytes.position(), (int) message.bodyLength()).order(ByteOrder.LITTLE_ENDIAN);
            bytes.position(bytes.position() + body.limit());
            lines.add("version " + message.version());
            if (message.headerType() == MessageHeader.Schema) {
                Schema schema = (Schema) Objects.requireNonNull(message.header(new Schema()));
                lines.add("endianness " + schema.endianness());
                for (int f = 0; f < schema.fieldsLength(); f++) {
                    field(schema.fields(f), "", lines);
                }
                for (int i = 0; i < schema.customMetadataLength(); i++) {
                    pair(schema.customMetadata(i), lines);
                }
            } else {
                batch((RecordBatch) Objects.requireNonNull(message.header(new RecordBatch())), body, lines);
            }
        }
    }

    private static void field(Field field, String indent, List<String> lines) {
        String type = Type.name(field.typeType());
        if (field.typeType() == Type.FloatingPoint) {
            type += ((FloatingPoint) Objects.requireNonNull(field.type(new FloatingPoint()))).precision();
        } else if (field.typeType() == Type.FixedSizeList) {
            type += ((FixedSizeList) Objects.requireNonNull(field.type(new FixedSizeList()))).listSize();
        }
        lines.add(indent + field.name() + " " + type + " " + field.nullable());
        for (int i = 0; i < field.customMetadataLength(); i++) {
            pair(field.customMetadata(i), lines);
        }
        for (int c = 0; c < field.childrenLength(); c++) {
            field(field.children(c), indent + "  ", lines);
        }
    }

    private static void pair(KeyValue pair, List<String> lines) {
        // The library puts blanks after commas and colons, and calls a sequence a list since its version 4.
        lines.add(pair.key() + " = "
                + pair.value().replace(", ", ",").replace(": ", ":").replace("\"List\"", "\"Sequence\""));
    }

    private static void batch(RecordBatch batch, ByteBuffer body, List<String> lines) {
        lines.add("length " + batch.length());
        for (int n = 0; n < batch.nodesLength(); n++) {
            lines.add("node " + batch.nodes(n).length() + " " + batch.nodes(n).nullCount());
        }
        for (int b = 0; b < batch.buffersLength(); b++) {
            StringBuilder content = new StringBuilder();
            assertThat(batch.buffers(b).offset() % 8).isZero();
            for (int i = 0; i < batch.buffers(b).length() / 4; i++) {
                content.append(' ')
                        .append(Integer.toHexString(
                                body.getInt((int) batch.buffers(b).offset() + 4 * i)));
            }
            lines.add("buffer" + content);
        }
    }

    @Test
    void aStreamSaysWhatTheLibrarysOwnSays() throws IOException {
        assertThat(described(written(false))).isEqualTo(described(reference()));
        List<String> half = described(written(true));
        assertThat(half).contains("    item FloatingPoint0 true", "ARROW:extension:metadata = [[4,3],\"float16\"]");
        assertThat(half).anyMatch(line -> line.startsWith("buffer 3c000000 42004000 "));
    }
}
