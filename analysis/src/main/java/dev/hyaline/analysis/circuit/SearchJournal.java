package dev.hyaline.analysis.circuit;

import dev.hyaline.analysis.causal.SweepOptions;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.Disk;
import dev.hyaline.files.FileInput;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.PartialFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * The state of a search that goes step by step, in a small file of lines {@code name value}, so that one that is
 * stopped in any way goes on from there. The file always holds a whole state. It is left when the search is done, for
 * the caller to delete once the results are safe.
 */
final class SearchJournal {
    private static final String FORMAT = "hyaline search 3";
    /** Begins the last line, which has the checksum of all others. */
    private static final String END = "end ";
    /** A state is written again after this many times what writing it took. */
    private static final long PAUSE = 20;

    private static final int MAX_BYTES = 1 << 30;

    private final @Nullable Path file;
    private final String identity;
    private long nextWrite = System.nanoTime();

    /**
     * A journal.
     *
     * @param words that tell the search from others of the same experiment
     */
    SearchJournal(CircuitExperiment experiment, SweepOptions options, String words) {
        file = options.journal().orElse(null);
        identity = FORMAT + " "
                + HexFormat.of()
                        .formatHex(experiment
                                .experiment()
                                .fingerprint(words + ", " + experiment.edits().key()));
    }

    /** The state of a search, by name. */
    record State(Path file, Map<String, String> values) {
        String text(String name) {
            String value = values.get(name);
            if (value == null) {
                throw damaged(file);
            }
            return value;
        }

        int count(String name) {
            return Integer.parseInt(text(name));
        }

        double[] numbers(String name) {
            return doubles(text(name));
        }
    }

    /**
     * The state that a search which was stopped left.
     *
     * @throws BadInputException if the file is of another search, or damaged
     */
    Optional<State> read() {
        if (file == null) {
            return Optional.empty();
        }
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        String text;
        try (FileInput input = FileInput.open(file, InputErrors.INSTANCE)) {
            text = new String(input.readAll(MAX_BYTES), StandardCharsets.ISO_8859_1);
        }
        String[] lines = text.split("\n", -1);
        if (!lines[0].equals(identity)) {
            throw new BadInputException(file + " holds the progress of another search, or of this one on other prompts,"
                    + " weights or settings; go on with those, or delete it");
        }
        int end = text.lastIndexOf(END);
        if (end < 0 || !text.substring(end).equals(end(text.substring(0, end)))) {
            throw damaged(file);
        }
        Map<String, String> values = new TreeMap<>();
        for (String line : text.substring(0, end).lines().skip(1).toList()) {
            int space = line.indexOf(' ');
            values.put(line.substring(0, space), line.substring(space + 1));
        }
        return Optional.of(new State(file, values));
    }

    private static String end(String before) {
        CRC32C checksum = new CRC32C();
        checksum.update(before.getBytes(StandardCharsets.ISO_8859_1));
        return END + Long.toHexString(checksum.getValue()) + "\n";
    }

    private static BadInputException damaged(Path file) {
        return new BadInputException(
                file + " holds the progress of a search, but is damaged; delete it to begin again");
    }

    /** Writes a state, unless the last one was written a short while ago. */
    void save(Supplier<Map<String, String>> state) {
        if (file == null || System.nanoTime() < nextWrite) {
            return;
        }
        long start = System.nanoTime();
        StringBuilder text = new StringBuilder(identity).append('\n');
        state.get()
                .forEach((name, value) ->
                        text.append(name).append(' ').append(value).append('\n'));
        try {
            text.append(end(text.toString()));
            Disk.createParent(file);
            PartialFile.write(file, text.toString().getBytes(StandardCharsets.US_ASCII));
        } catch (IOException e) {
            throw FileException.writing(file, e);
        }
        nextWrite = System.nanoTime() + PAUSE * (System.nanoTime() - start);
    }

    /** Numbers as text that gives their bits back. */
    static String text(double... values) {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * Double.BYTES);
        bytes.asDoubleBuffer().put(values);
        return Base64.getEncoder().encodeToString(bytes.array());
    }

    /** Numbers from {@link #text(double...)}. */
    private static double[] doubles(String text) {
        ByteBuffer bytes = ByteBuffer.wrap(Base64.getDecoder().decode(text));
        double[] values = new double[bytes.remaining() / Double.BYTES];
        bytes.asDoubleBuffer().get(values);
        return values;
    }
}
