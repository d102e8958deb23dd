package dev.hyaline.instrument.json;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.FileInput;
import dev.hyaline.files.InputErrors;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.edit.Interventions;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;

/**
 * Interventions as JSON:
 *
 * <p>For example: {@snippet file="dev/hyaline/instrument/interventions.json"}
 *
 * <p>{@code do} says what: {@code zero}; {@code mean} with {@code reference}, {@code by_position}; {@code resample}
 * with {@code reference}, {@code seed}; {@code patch} with {@code source} and perhaps {@code sequence}; {@code set}
 * with {@code value}; {@code add} with {@code vector}, {@code coefficient}; {@code scale} with {@code factor};
 * {@code project_out} with {@code directions}; {@code swap_heads}; {@code noise} with {@code deviation}, {@code seed}.
 *
 * <p>{@code site} and, where not everything is meant, {@code layers}, {@code heads}, {@code components} or
 * {@code subspace} (an array of directions), {@code positions} and {@code sequences} say where. A vector is an array, a
 * number, or a row of a tensor in a file: {@code {"file": "v.safetensors", "tensor": "v", "row": 0}}. A source or
 * reference is a dump, {@code {"dump": "folder"}}; a name that the reader of the JSON is told; or the values
 * themselves: {@code {"sequences": [{"length": 7, "positions": [0, 6], "values": {"blocks.3.attn.hook_z": [...]}}]}},
 * in the order of {@link Capture#shape}. Numbers that are not finite are strings.
 */
public final class InterventionJson {
    private static final int MAX_LENGTH = 1 << 30;

    private InterventionJson() {}

    /** As {@link #parse(String, Map)}, where no run has a name. */
    public static Interventions parse(String json) {
        return parse(json, Map.of());
    }

    /**
     * Parses what {@link #write} writes. File names are relative to the current folder.
     *
     * @param sources runs that the JSON may take values from, by name
     * @throws BadInputException if it is not such JSON
     */
    public static Interventions parse(String json, Map<String, ActivationSource> sources) {
        return new InterventionReader(Path.of(""), sources).read(json.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * As {@link #parse(String, Map)}, from a file, to whose folder file names are relative.
     *
     * @throws FileException if the file cannot be read
     * @throws BadInputException if it does not hold such JSON
     */
    public static Interventions read(Path file, Map<String, ActivationSource> sources) {
        byte[] json;
        try (FileInput input = FileInput.open(file, InputErrors.INSTANCE)) {
            json = input.readAll(MAX_LENGTH);
        }
        try {
            return new InterventionReader(
                            Objects.requireNonNull(file.toAbsolutePath().getParent()), sources)
                    .read(json);
        } catch (BadInputException e) {
            throw new BadInputException(file + ": " + e.getMessage());
        }
    }

    /**
     * Interventions as JSON. Values from a dump are written as its folder's name, those from elsewhere in full.
     *
     * @throws BadInputException if one is a Java function
     */
    public static String write(Interventions interventions) {
        return InterventionWriter.write(interventions);
    }
}
