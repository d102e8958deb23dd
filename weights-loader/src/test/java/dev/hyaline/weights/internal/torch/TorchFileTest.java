package dev.hyaline.weights.internal.torch;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.files.Dtype;
import dev.hyaline.weights.TinyCheckpoint;
import dev.hyaline.weights.internal.DiskFolder;
import dev.hyaline.weights.internal.StateDict;
import dev.hyaline.weights.internal.TensorView;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class TorchFileTest {
    private static final String FILE = "model.pt";

    /** A storage of the six floats 0 to 5; then comes what is made of it. */
    private static final String STORAGE = "(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0000X\3\0\0\0cpuK\6tQ";

    private static final String REBUILD = "ctorch._utils\n_rebuild_tensor_v2\n(" + STORAGE;

    @TempDir
    Path directory;

    /** A dictionary of one tensor w, given its offset, shape and strides. */
    private static String dict(String offset, String shape, String strides) {
        return "\u0080\2}X\1\0\0\0w" + REBUILD + offset + shape + strides + "\u0089NtRs.";
    }

    private static byte[] floats() {
        ByteBuffer bytes = ByteBuffer.allocate(24).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < 6; i++) {
            bytes.putFloat(i);
        }
        return bytes.array();
    }

    private static Map<String, byte[]> entries(String pickle) {
        Map<String, byte[]> entries = new LinkedHashMap<>();
        entries.put("archive/data.pkl", pickle.getBytes(ISO_8859_1));
        entries.put("archive/byteorder", "little".getBytes(ISO_8859_1));
        entries.put("archive/data/0", floats());
        entries.put("archive/version", "3\n".getBytes(ISO_8859_1));
        return entries;
    }

    private static byte[] zip(Map<String, byte[]> entries, int method) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
            for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
                ZipEntry header = new ZipEntry(entry.getKey());
                CRC32 crc = new CRC32();
                crc.update(entry.getValue());
                header.setMethod(method);
                header.setSize(entry.getValue().length);
                header.setCrc(crc.getValue());
                zip.putNextEntry(header);
                zip.write(entry.getValue());
            }
        }
        return bytes.toByteArray();
    }

    private static byte[] zip(Map<String, byte[]> entries) throws IOException {
        return zip(entries, ZipEntry.STORED);
    }

    private StateDict open(Arena arena, byte[] file) {
        TinyCheckpoint.write(directory, FILE, file);
        return TorchFile.open(new DiskFolder(directory), FILE, arena).stateDict();
    }

    private void refused(byte[] file, String... message) {
        assertThatExceptionOfType(BadCheckpointException.class)
                .isThrownBy(() -> {
                    try (Arena arena = Arena.ofConfined()) {
                        open(arena, file);
                    }
                })
                .satisfies(e -> assertThat(e.getMessage())
                        .startsWith(directory.resolve(FILE).toString())
                        .contains(message)
                        .hasSizeLessThan(600));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "K0 | K2K3 | K3K1 | 0 1 2 3 4 5",
                "K0 | K3K2 | K1K3 | 0 3 1 4 2 5",
                "K1 | K2K2 | K3K1 | 1 2 4 5",
                "K0 | K2K2 | K3K2 | 0 2 3 5",
                "K5 | K1K1 | K1K1 | 5"
            })
    void readsViewsOfAStorage(String offset, String shape, String strides, String values) throws IOException {
        // K and a digit is a small integer; the digit stands for the byte.
        try (Arena arena = Arena.ofConfined()) {
            StateDict dict =
                    open(arena, zip(entries(dict(bytes(offset), bytes(shape) + "\u0086", bytes(strides) + "\u0086"))));
            TensorView tensor = dict.tensors().getFirst();
            assertThat(tensor.name()).isEqualTo("w");
            assertThat(tensor.dtype()).isEqualTo(Dtype.F32);
            int rows = tensor.shape().get(0).intValue();
            int columns = tensor.shape().get(1).intValue();
            float[] found = new float[rows * columns];
            tensor.read(0, rows, found, 0, columns);
            StringBuilder text = new StringBuilder();
            for (float value : found) {
                text.append((int) value).append(' ');
            }
            assertThat(text.toString()).startsWith(values);
        }
    }

    private static String bytes(String digits) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < digits.length(); i++) {
            char c = digits.charAt(i);
            text.append(Character.isDigit(c) ? (char) (c - '0') : c);
        }
        return text.toString();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "K1 | K2K3 | K3K1 | a tensor within its storage of 6 elements",
                "K0 | K2K3 | K4K1 | strides [4, 1]",
                "K0 | K7K1 | K0K0 | a tensor within its storage",
                "K6 | K1K1 | K1K1 | offset 6"
            })
    void refusesTensorsThatLeaveTheirStorage(String offset, String shape, String strides, String message)
            throws IOException {
        refused(zip(entries(dict(bytes(offset), bytes(shape) + "\u0086", bytes(strides) + "\u0086"))), message);
    }

    @Test
    void refusesEveryNameThatTensorsDoNotNeed() throws IOException {
        for (String name : List.of(
                "os\nsystem", "builtins\neval", "torch\nload", "torch.nn.modules.linear\nLinear", "numpy\nndarray")) {
            String dotted = name.replace('\n', '.');
            refused(
                    zip(entries("\u0080\2c" + name + "\nX\2\0\0\0id\u0085R.")),
                    "expected a pickle of tensors and plain values, found " + dotted + ", which is not looked up");
            String[] parts = name.split("\n", 2);
            refused(
                    zip(entries("\u0080\4\u008C" + (char) parts[0].length() + parts[0] + "\u008C"
                            + (char) parts[1].length() + parts[1] + "\u0093.")),
                    dotted);
        }
    }

    static Stream<Arguments> brokenPickles() {
        return Stream.of(
                arguments("i", "opcode \"i\" (105) at 2"),
                arguments("o", "opcode \"o\""),
                arguments("\u0081", "(129)"),
                arguments("\u0082\u0001", "(130)"),
                arguments("P0\n", "opcode \"P\""),
                arguments("I1\n.", "opcode \"I\""),
                arguments(".", "a value to work on"),
                arguments("t.", "a mark before"),
                arguments("h\u0001.", "a value remembered as 1"),
                arguments("}K\u0001.", "a state dictionary, found a number"),
                arguments("].", "a state dictionary, found a list"),
                arguments("}X\u0001\u0000\u0000\u0000wK\u0001s.", "\"w\" that is a number"),
                arguments("}K\u0001K\u0001s.", "keys are names"),
                arguments("}))s.", "key that is text or a number, found a tuple"),
                arguments("}(K\u0001u.", "keys and values in pairs"),
                arguments("N)b.", "a dictionary to add to"),
                arguments("NK\u0001a.", "a list to add to"),
                arguments("X\u00FF\u00FF\u00FF\u007Fabc", "text of at most"),
                arguments("\u008B\u0000\u0000\u0001\u0000", "integers of at most 255 bytes"),
                arguments("\u008E\u00FF\u00FF\u00FF\u00FF\u00FF\u00FF\u00FF\u00FF", "sizes below 2^63"),
                arguments("(X\u0007\u0000\u0000\u0000storagetQ.", "a persistent id of a storage"),
                arguments("K\u0001Q.", "to be a tuple, found a number"),
                arguments("ccollections\nOrderedDict\nK\u0001R.", "arguments to be a tuple"),
                arguments(
                        "]\u0085q\u0001ccollections\nOrderedDict\nq\u0002h\u0001Rh\u0002h\u0001R.",
                        "another of the same list"),
                arguments("K\u0001)R.", "a call of a function that makes tensors"),
                arguments("X\u0001\u0000\u0000\u0000\u00FF.", "UTF-8"),
                arguments("N", "more bytes"));
    }

    @ParameterizedTest
    @MethodSource("brokenPickles")
    void namesWhatIsWrongWithAPickle(String pickle, String message) throws IOException {
        refused(zip(entries("\u0080\2" + pickle)), message);
    }

    @Test
    void refusesProtocolsWithoutAMark() throws IOException {
        refused(zip(entries("\u0080\1}.")), "protocol 2 to 5, found protocol 1");
        refused(zip(entries("\u0080\6}.")), "protocol 6");
    }

    @Test
    void refusesStoragesThatAreNotThere() throws IOException {
        Map<String, byte[]> without = entries(dict("K\0", "K\6\u0085", "K\1\u0085"));
        without.remove("archive/data/0");
        refused(zip(without), "a storage \"0\", found none");
        Map<String, byte[]> shorter = entries(dict("K\0", "K\6\u0085", "K\1\u0085"));
        shorter.put("archive/data/0", new byte[20]);
        refused(zip(shorter), "24 bytes in storage \"0\", found 20 bytes");
    }

    @Test
    void refusesOtherArchives() throws IOException {
        String pickle = dict("K\0", "K\6\u0085", "K\1\u0085");
        refused(zip(entries(pickle), ZipEntry.DEFLATED), "zip entry \"archive/data.pkl\"", "a compressed one");
        Map<String, byte[]> big = entries(pickle);
        big.put("archive/byteorder", "big".getBytes(ISO_8859_1));
        refused(zip(big), "little-endian order, found byteorder \"big\"");
        Map<String, byte[]> script = entries(pickle);
        script.put("archive/constants.pkl", new byte[1]);
        refused(zip(script), "a TorchScript archive");
        Map<String, byte[]> two = entries(pickle);
        two.put("other/data.pkl", new byte[1]);
        refused(zip(two), "one data.pkl", "2 of them");
        refused(zip(Map.of("a.txt", new byte[3])), "one data.pkl", "0 of them");
        byte[] whole = zip(entries(pickle));
        refused(Arrays.copyOf(whole, whole.length - 30), "a zip archive's directory at its end", "cut short");
    }

    @Test
    void refusesEntriesThatDisagreeWithTheDirectory() throws IOException {
        byte[] whole = zip(entries(dict("K\0", "K\6\u0085", "K\1\u0085")));
        int directory = find(whole, 0x02014b50);
        byte[] encrypted = whole.clone();
        encrypted[directory + 8] = (byte) (encrypted[directory + 8] | 1);
        refused(encrypted, "an entry that is not encrypted");
        byte[] renamed = whole.clone();
        renamed[30] = 'A';
        refused(renamed, "whose header agrees with the directory");
        byte[] longer = whole.clone();
        longer[18]++;
        refused(longer, "whose header agrees with the directory");
        // The second entry's directory says that it begins where the first one does.
        byte[] overlapping = whole.clone();
        int second = directory + 46 + "archive/data.pkl".length();
        ByteBuffer.wrap(overlapping).order(ByteOrder.LITTLE_ENDIAN).putInt(second + 42, 0);
        refused(overlapping, "whose header agrees with the directory");
    }

    private static int find(byte[] bytes, int signature) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int at = 0;
        while (buffer.getInt(at) != signature) {
            at++;
        }
        return at;
    }

    @Test
    void refusesPicklesThatTorchDidNotWrite() {
        refused("\u0080\2}.".getBytes(ISO_8859_1), "a file that torch.save wrote, found another Python pickle");
    }
}
