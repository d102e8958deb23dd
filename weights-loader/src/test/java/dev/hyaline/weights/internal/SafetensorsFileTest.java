package dev.hyaline.weights.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.files.Dtype;
import dev.hyaline.files.SafetensorsFile;
import dev.hyaline.files.StoredTensor;
import dev.hyaline.weights.SafetensorsBuilder;
import dev.hyaline.weights.StorageDtype;
import dev.hyaline.weights.TinyCheckpoint;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class SafetensorsFileTest {
    private static final String FILE = "model.safetensors";
    private static final byte[] EMPTY = {'{', '}'};

    @TempDir
    Path directory;

    @Test
    void readsWhatTheReferenceImplementationWrote() {
        try (Arena arena = Arena.ofConfined()) {
            Folder folder = new DiskFolder(Path.of("src/test/resources/golden/tiny-a"));
            SafetensorsFile file = SafetensorsFile.open(folder.open(FILE), arena);
            assertThat(file.header().metadata()).containsEntry("format", "pt");
            assertThat(file.header().tensors()).hasSize(28);
            StoredTensor embedding = file.header().tensors().get("transformer.wte.weight");
            assertThat(embedding.dtype()).isEqualTo(Dtype.F32);
            assertThat(embedding.shape()).containsExactly(97L, 64L);
            assertThat(file.bytes(embedding).byteSize()).isEqualTo(4 * 97 * 64);
        }
    }

    @Test
    void readsScalarsEmptyTensorsUnknownKeysAndSpacesAfterTheHeader() {
        String header = "{\"s\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4],\"note\":[{}]},"
                + "\"e\":{\"dtype\":\"I64\",\"shape\":[0,9],\"data_offsets\":[4,4]},"
                + "\"b\":{\"data_offsets\":[4,5],\"shape\":[1],\"dtype\":\"F8_E4M3\"},"
                + "\"n\":{\"data_offsets\":[5,6],\"shape\":[2],\"dtype\":\"F4\"}}   ";
        try (Arena arena = Arena.ofConfined()) {
            SafetensorsFile file = open(
                    arena,
                    SafetensorsBuilder.file(header, (byte) 0, (byte) 0, (byte) 0x80, (byte) 0x3F, (byte) 7, (byte) 8));
            StoredTensor scalar = file.header().tensors().get("s");
            assertThat(file.bytes(scalar).get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0))
                    .isEqualTo(1f);
            assertThat(file.header().tensors().get("e").bytes()).isZero();
            assertThat(file.header().metadata()).isEmpty();
        }
    }

    @Test
    void readsMetadataThatIsNullAsNone() {
        String header = "{\"__metadata__\":null,\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}";
        try (Arena arena = Arena.ofConfined()) {
            SafetensorsFile file = open(arena, SafetensorsBuilder.file(header, (byte) 7));
            assertThat(file.header().metadata()).isEmpty();
            assertThat(file.header().tensors()).containsOnlyKeys("b");
        }
    }

    @Test
    void readsAFileWithoutTensors() {
        try (Arena arena = Arena.ofConfined()) {
            assertThat(open(arena, SafetensorsBuilder.file("{}")).header().tensors())
                    .isEmpty();
        }
    }

    static Stream<Arguments> brokenFiles() {
        return Stream.of(
                argumentSet("empty", new byte[0], List.of("at least 8 bytes", "found 0 bytes")),
                argumentSet("shorter than a length", new byte[7], List.of("at least 8 bytes", "found 7 bytes")),
                argumentSet(
                        "header longer than the file",
                        SafetensorsBuilder.file(3, EMPTY),
                        List.of("at most 2 bytes", "header length of 3")),
                argumentSet(
                        "header length of 2^63",
                        SafetensorsBuilder.file(Long.MIN_VALUE, EMPTY),
                        List.of("at most 2 bytes", "header length of 9223372036854775808")),
                argumentSet(
                        "header length of 2^64 - 1",
                        SafetensorsBuilder.file(-1, EMPTY),
                        List.of("header length of 18446744073709551615")),
                argumentSet("no header", SafetensorsBuilder.file(""), List.of("starts with {", "found \"\"")),
                argumentSet("not JSON", SafetensorsBuilder.file("PK\3\4 zip"), List.of("starts with {", "PK\\u0003")),
                argumentSet("spaces first", SafetensorsBuilder.file(" {}"), List.of("starts with {", "\" {}\"")),
                argumentSet("an array", SafetensorsBuilder.file("[]"), List.of("starts with {", "\"[]\"")),
                argumentSet(
                        "cut JSON", SafetensorsBuilder.file("{\"a\":"), List.of("valid JSON", "the end of the text")),
                argumentSet("more JSON", SafetensorsBuilder.file("{} {}"), List.of("nothing after", "an object")),
                argumentSet(
                        "not UTF-8",
                        SafetensorsBuilder.file(3, new byte[] {'{', (byte) 0xFF, '}'}),
                        List.of("expected UTF-8 text")),
                argumentSet(
                        "UTF-16",
                        SafetensorsBuilder.file(4, new byte[] {'{', 0, '}', 0}),
                        List.of("expected valid JSON")),
                argumentSet(
                        "deep nesting",
                        SafetensorsBuilder.file("{\"a\":{\"x\":" + "[".repeat(5000) + "]".repeat(5000) + "}}"),
                        List.of("valid JSON", "nesting depth")),
                argumentSet(
                        "one name twice",
                        SafetensorsBuilder.file(
                                "{" + tensor("a", "F32", "[1]", "[0,4]") + "," + tensor("a", "F32", "[1]", "[0,4]")
                                        + "}",
                                new byte[4]),
                        List.of("valid JSON", "the key \"a\" for the second time")),
                argumentSet(
                        "one key twice",
                        SafetensorsBuilder.file("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}"),
                        List.of("the key \"dtype\" for the second time")),
                argumentSet(
                        "metadata not an object",
                        SafetensorsBuilder.file("{\"__metadata__\":[]}"),
                        List.of("__metadata__ to be an object", "found an array")),
                argumentSet(
                        "metadata not strings",
                        SafetensorsBuilder.file("{\"__metadata__\":{\"step\":1}}"),
                        List.of("__metadata__ \"step\" to be a string", "found 1")),
                argumentSet(
                        "metadata nested",
                        SafetensorsBuilder.file("{\"__metadata__\":{\"step\":{}}}"),
                        List.of("__metadata__ \"step\" to be a string", "found an object")),
                argumentSet(
                        "tensor not an object",
                        SafetensorsBuilder.file("{\"w\":3}"),
                        List.of("tensor w", "an object with dtype, shape and data_offsets", "found 3")),
                argumentSet(
                        "no dtype",
                        SafetensorsBuilder.file("{\"w\":{\"shape\":[],\"data_offsets\":[0,0]}}"),
                        List.of("tensor w", "found no dtype")),
                argumentSet(
                        "no shape",
                        SafetensorsBuilder.file("{\"w\":{\"dtype\":\"F32\",\"data_offsets\":[0,0]}}"),
                        List.of("tensor w", "found no shape")),
                argumentSet(
                        "no offsets",
                        SafetensorsBuilder.file("{\"w\":{\"dtype\":\"F32\",\"shape\":[]}}"),
                        List.of("tensor w", "found no data_offsets")),
                broken("unknown dtype", "F23", "[1]", "[0,4]", 4, "a known dtype", "found \"F23\""),
                broken("dtype in small letters", "f32", "[1]", "[0,4]", 4, "a known dtype", "found \"f32\""),
                argumentSet(
                        "dtype a number",
                        SafetensorsBuilder.file("{\"w\":{\"dtype\":32}}"),
                        List.of("tensor w", "dtype to be a string", "found 32")),
                broken("shape a number", "F32", "1", "[0,4]", 4, "shape to be an array", "found 1"),
                broken("shape null", "F32", "null", "[0,4]", 4, "shape to be an array", "found null"),
                broken("size negative", "F32", "[-1]", "[0,4]", 4, "shape of integers from 0", "found -1"),
                broken("size a fraction", "F32", "[1.0]", "[0,4]", 4, "shape of integers from 0", "found 1.0"),
                broken("size a string", "F32", "[\"1\"]", "[0,4]", 4, "shape of integers from 0", "found \"1\""),
                broken("size nested", "F32", "[[1]]", "[0,4]", 4, "shape of integers from 0", "found an array"),
                broken(
                        "size past 2^63",
                        "F32",
                        "[9223372036854775808]",
                        "[0,4]",
                        4,
                        "shape of integers from 0",
                        "found 9223372036854775808"),
                broken(
                        "product past 2^63",
                        "F32",
                        "[4294967296,4294967296]",
                        "[0,4]",
                        4,
                        "fits 63 bits",
                        "found [4294967296, 4294967296]"),
                broken(
                        "product past 2^63, then 0",
                        "F32",
                        "[4294967296,4294967296,0]",
                        "[0,0]",
                        0,
                        "fits 63 bits",
                        "4294967296, 0]"),
                broken("bits past 2^63", "F64", "[576460752303423488]", "[0,4]", 4, "fits 63 bits", "found [57646"),
                broken("many dimensions", "F32", ones(65), "[0,4]", 4, "at most 64 integers", "found more"),
                broken("half a byte", "F4", "[1]", "[0,1]", 1, "4 bits for F4 [1]", "found 1 bytes between"),
                broken("one offset", "F32", "[1]", "[0]", 4, "data_offsets [begin, end]", "found [0]"),
                broken("three offsets", "F32", "[1]", "[0,4,8]", 4, "data_offsets [begin, end]", "found [0, 4, 8]"),
                broken("begin after end", "F32", "[1]", "[4,0]", 4, "begin <= end", "found [4, 0]"),
                broken("end past the file", "F32", "[2]", "[0,8]", 4, "end <= 4", "found [0, 8]"),
                broken("offset negative", "F32", "[1]", "[-4,0]", 4, "data_offsets of integers from 0", "found -4"),
                broken(
                        "too few bytes",
                        "F32",
                        "[2]",
                        "[0,4]",
                        4,
                        "expected 8 bytes for F32 [2]",
                        "found 4 bytes between"),
                broken(
                        "too many bytes",
                        "F16",
                        "[1]",
                        "[0,4]",
                        4,
                        "expected 2 bytes for F16 [1]",
                        "found 4 bytes between"),
                broken("begins late", "F32", "[1]", "[4,8]", 8, "begin at 0, where the header ends", "a gap up to 4"),
                argumentSet(
                        "data after the last tensor",
                        SafetensorsBuilder.file("{" + tensor("w", "F32", "[1]", "[0,4]") + "}", new byte[5]),
                        List.of("4 bytes of data, where w ends", "found 5 bytes")),
                argumentSet(
                        "data without tensors",
                        SafetensorsBuilder.file("{}", new byte[1]),
                        List.of("0 bytes of data, where the header ends", "found 1 bytes")),
                argumentSet(
                        "a gap",
                        SafetensorsBuilder.file(
                                "{" + tensor("z", "U8", "[1]", "[0,1]") + "," + tensor("a", "U8", "[1]", "[2,3]") + "}",
                                new byte[3]),
                        List.of("tensor a", "begin at 1, where z ends", "a gap up to 2")),
                argumentSet(
                        "an overlap",
                        SafetensorsBuilder.file(
                                "{" + tensor("a", "U8", "[2]", "[0,2]") + "," + tensor("b", "U8", "[2]", "[1,3]") + "}",
                                new byte[3]),
                        List.of("tensor b", "begin at 2, where a ends", "an overlap at 1")),
                argumentSet(
                        "two tensors in one place",
                        SafetensorsBuilder.file(
                                "{" + tensor("a", "U8", "[2]", "[0,2]") + "," + tensor("b", "U8", "[2]", "[0,2]") + "}",
                                new byte[2]),
                        List.of("tensor b", "begin at 2", "an overlap at 0")),
                argumentSet(
                        "a name that would break the message",
                        SafetensorsBuilder.file("{\"" + "\\n\\u202e" + "x".repeat(9999) + "\":3}"),
                        List.of("tensor \\u000a\\u202exxx", "xxx...: expected an object")));
    }

    @ParameterizedTest
    @MethodSource("brokenFiles")
    void namesWhatIsWrong(byte[] file, List<String> message) {
        assertThatExceptionOfType(BadCheckpointException.class)
                .isThrownBy(() -> {
                    try (Arena arena = Arena.ofConfined()) {
                        open(arena, file);
                    }
                })
                .satisfies(e -> assertThat(e.getMessage())
                        .startsWith(directory.resolve(FILE) + ": ")
                        .contains(message)
                        .hasSizeLessThan(600));
    }

    @Test
    void takesNoHeaderLengthForAPickle() {
        // A header of 0x0280 bytes: the file begins as pickles do.
        String header = "{}" + " ".repeat(0x280 - 2);
        assertThat(open(Arena.ofAuto(), SafetensorsBuilder.file(header))
                        .header()
                        .tensors())
                .isEmpty();
        assertThatExceptionOfType(BadCheckpointException.class)
                .isThrownBy(() -> open(Arena.ofAuto(), SafetensorsBuilder.file(0x280, EMPTY)))
                .withMessageContaining("a header length of 640");
    }

    @Test
    void refusesAHeaderPastTheLimitWithoutReadingIt() throws Exception {
        TinyCheckpoint.write(directory, FILE, SafetensorsBuilder.file(100_000_001, new byte[0]));
        try (var file = new java.io.RandomAccessFile(directory.resolve(FILE).toFile(), "rw")) {
            file.setLength(200_000_000); // Sparse: takes no disk.
        }
        assertThatExceptionOfType(BadCheckpointException.class)
                .isThrownBy(() -> SafetensorsFile.open(new DiskFolder(directory).open(FILE), Arena.ofAuto()))
                .withMessageContaining("at most 100000000 bytes")
                .withMessageContaining("header length of 100000001");
    }

    @Test
    void refusesWhatIsNoFile() throws Exception {
        Files.createDirectory(directory.resolve(FILE));
        assertThatExceptionOfType(BadCheckpointException.class)
                .isThrownBy(() -> SafetensorsFile.open(new DiskFolder(directory).open(FILE), Arena.ofAuto()))
                .withMessage(directory.resolve(FILE) + ": expected a file, found something else");
        assertThatExceptionOfType(BadCheckpointException.class)
                .isThrownBy(() -> SafetensorsFile.open(new DiskFolder(directory).open("none"), Arena.ofAuto()))
                .withMessageEndingWith("none: expected a file, found no such file");
    }

    @ParameterizedTest
    @EnumSource(
            value = StorageDtype.class,
            names = {"F32", "F16", "BF16"})
    void widensEveryValueExactly(StorageDtype dtype) {
        // Every 16-bit pattern; for F32 as many patterns spread over all.
        ByteBuffer stored = ByteBuffer.allocate((int) dtype.bytes(1 << 16) + 1).order(ByteOrder.LITTLE_ENDIAN);
        stored.put((byte) 0); // so that no element is aligned
        int[] expected = new int[1 << 16];
        for (int i = 0; i < expected.length; i++) {
            switch (dtype) {
                case F32 -> expected[i] = stored.putInt(i * 65_537).getInt(stored.position() - 4);
                case F16 -> {
                    stored.putShort((short) i);
                    expected[i] = Float.floatToRawIntBits(half(i));
                }
                default -> {
                    stored.putShort((short) i);
                    expected[i] = i << 16;
                }
            }
        }
        String header = "{\"pad\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                + "\"w\":{\"dtype\":\"%s\",\"shape\":[65536],\"data_offsets\":[1,%d]}}"
                        .formatted(dtype, stored.capacity());
        try (Arena arena = Arena.ofConfined()) {
            SafetensorsFile file = open(arena, SafetensorsBuilder.file(header, stored.array()));
            var bytes = file.bytes(file.header().tensors().get("w"));
            float[] out = new float[expected.length + 3];
            Widening.copy(Dtype.valueOf(dtype.name()), bytes, 0, expected.length, out, 2);
            int[] found = IntStream.range(0, expected.length)
                    .map(i -> Float.floatToRawIntBits(out[i + 2]))
                    .toArray();
            assertThat(found).isEqualTo(expected);
            assertThat(out[0]).isZero();
            assertThat(out[out.length - 1]).isZero();

            float[] part = new float[3];
            Widening.copy(Dtype.valueOf(dtype.name()), bytes, 15_362, 3, part, 0);
            assertThat(part).containsExactly(out[15_364], out[15_365], out[15_366]);
        }
    }

    /** IEEE 754 half precision, by its definition. */
    private static float half(int bits) {
        int sign = bits >>> 15 == 0 ? 1 : -1;
        int exponent = bits >> 10 & 31;
        int fraction = bits & 1023;
        if (exponent == 31) {
            return fraction == 0 ? sign * Float.POSITIVE_INFINITY : Float.float16ToFloat((short) bits);
        }
        return exponent == 0
                ? Math.copySign(fraction * 0x1p-24f, sign)
                : sign * (1024 + fraction) * (float) Math.scalb(1.0, exponent - 25);
    }

    private SafetensorsFile open(Arena arena, byte[] bytes) {
        TinyCheckpoint.write(directory, FILE, bytes);
        return SafetensorsFile.open(new DiskFolder(directory).open(FILE), arena);
    }

    private static Arguments broken(
            String name, String dtype, String shape, String offsets, int dataBytes, String expected, String found) {
        byte[] file = SafetensorsBuilder.file("{" + tensor("w", dtype, shape, offsets) + "}", new byte[dataBytes]);
        return argumentSet(name, file, List.of("tensor w: expected", expected, found));
    }

    private static String tensor(String name, String dtype, String shape, String offsets) {
        return "\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":%s}".formatted(name, dtype, shape, offsets);
    }

    private static String ones(int count) {
        return "[" + "1,".repeat(count - 1) + "1]";
    }
}
