package dev.hyaline.instrument.dump;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.files.ConfigKeys;
import dev.hyaline.files.FileInput;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import dev.hyaline.files.SafetensorsValues;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.internal.RecordedTensors;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A dump of prompts read back: one safetensors file with a manifest beside it. */
public final class DumpReader {
    private static final String ALL = IndexSelection.all().toString();

    private final SafetensorsValues tensors;
    private final boolean batch;
    /** Of every row; ascending in each sequence. */
    private final int[] positions;
    /** Row where each sequence begins. */
    private final int[] offsets;

    private DumpReader(Path folder, Json activations, int[] lengths) {
        int sequences = lengths.length;
        String format = activations.require("format").string();
        if (!format.equals(DumpFormat.SAFETENSORS.toString())) {
            throw bad(folder, "is a dump as " + format + "; values are taken from safetensors only");
        }
        tensors = SafetensorsValues.open(folder.resolve(DumpFormat.SAFETENSORS.fileName()), InputErrors.INSTANCE);
        batch = activations.require("layout").string().equals("batch");
        positions = tensors.integers(TensorPlan.POSITIONS);
        if (batch) {
            offsets = new int[sequences + 1];
            Arrays.setAll(offsets, s -> s * (positions.length / sequences));
        } else {
            offsets = tensors.integers(TensorPlan.OFFSETS);
        }
        if (!rowsFit(lengths)) {
            throw bad(folder, "holds rows that do not fit its " + sequences + " prompts");
        }
    }

    /** Whether every sequence has rows of its own, at ascending positions that it has. */
    private boolean rowsFit(int[] lengths) {
        if (offsets.length != lengths.length + 1 || offsets[0] != 0 || offsets[lengths.length] != positions.length) {
            return false;
        }
        for (int s = 0; s < lengths.length; s++) {
            if (offsets[s] > offsets[s + 1] || offsets[s + 1] > positions.length) {
                return false;
            }
            for (int row = offsets[s]; row < offsets[s + 1]; row++) {
                boolean ascends = row == offsets[s] || positions[row - 1] < positions[row];
                if (!ascends || positions[row] >= lengths[s]) {
                    return false;
                }
            }
        }
        return true;
    }

    /**
     * Opens a folder that {@code hyaline dump} wrote, as one safetensors file or in shards. Values are read when they
     * are needed; the files of shards stay mapped until the program ends.
     *
     * @throws FileException if it cannot be read
     * @throws BadInputException if it is not such a dump
     */
    public static ActivationSource open(Path folder) {
        Json manifest = manifest(folder);
        String format =
                manifest.get("format").filter(Json::isString).map(Json::string).orElse("");
        if (format.equals(ShardManifest.FORMAT)) {
            return new RecordedStore(ActivationStore.open(folder), folder);
        }
        List<Json> prompts =
                format.equals(Manifest.FORMAT) ? manifest.require("prompts").elements() : List.of();
        if (prompts.isEmpty()) {
            throw bad(folder, "is not a dump of prompts (" + Manifest.FORMAT + ")");
        }
        Optional<Json> gradient = manifest.get(Manifest.GRADIENT_OF);
        if (gradient.isPresent()) {
            throw bad(folder, "holds gradients of " + gradient.get().string() + ", not values to take");
        }
        String heads = selection(manifest, "heads");
        String neurons = selection(manifest, "neurons");
        if (!heads.equals(ALL) || !neurons.equals(ALL)) {
            throw new BadInputException(partial(folder.toString(), heads, neurons));
        }
        int[] lengths = prompts.stream()
                .mapToInt(prompt -> prompt.require("tokens").elements().size())
                .toArray();
        DumpReader dump = new DumpReader(folder, manifest.require("activations"), lengths);
        return new RecordedTensors(
                lengths,
                manifest.require("model")
                        .require("config")
                        .require(ConfigKeys.LAYERS)
                        .integer(1, Integer.MAX_VALUE),
                (point, sequence) -> dump.block(folder, point, sequence, lengths[sequence]),
                folder);
    }

    /** Manifests from before there was a choice name none. */
    private static String selection(Json manifest, String axis) {
        return manifest.require("capture").get(axis).map(Json::string).orElse(ALL);
    }

    /** The error for a dump that leaves out parts of its hook points. */
    static String partial(String dump, String heads, String neurons) {
        String kept = Stream.of("heads " + heads, "neurons " + neurons)
                .filter(axis -> !axis.endsWith(" " + ALL))
                .collect(Collectors.joining(" and "));
        return dump + " holds only " + kept
                + ", but interventions take values from whole hook points; dump all heads and neurons";
    }

    private static Json manifest(Path folder) {
        try (FileInput file = FileInput.open(folder.resolve(DumpFolder.MANIFEST), InputErrors.INSTANCE)) {
            return Json.readObject(InputErrors.INSTANCE, file.label(), file.readAll(ShardManifest.MAX_LENGTH));
        }
    }

    private Optional<ActivationSource.Block> block(Path folder, HookPoint point, int sequence, int length) {
        boolean map = point.site().isMap();
        String name = map && !batch ? point.name() + "." + sequence : point.name();
        if (!tensors.has(name)) {
            return Optional.empty();
        }
        int[] rows = Arrays.copyOfRange(positions, offsets[sequence], offsets[sequence + 1]);
        long elements = tensors.elements(name);
        // Maps have a row of as many values for every head; all else is divided among the rows of the whole dump.
        long parts = map ? (batch ? offsets.length - 1L : 1) : positions.length;
        long perRow = map ? (long) rows.length * length : 1;
        if (parts == 0 || perRow == 0 || elements % parts != 0 || elements / parts % perRow != 0) {
            throw bad(folder, "holds " + elements + " values of " + name + ", which do not fit its positions");
        }
        long each = elements / parts;
        float[] values = map
                ? tensors.floats(name, batch ? sequence * each : 0, each)
                : tensors.floats(name, offsets[sequence] * each, rows.length * each);
        return Optional.of(new ActivationSource.Block(rows, values));
    }

    private static BadInputException bad(Path file, String what) {
        return new BadInputException(file + " " + what);
    }
}
