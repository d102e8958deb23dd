package dev.hyaline.instrument.dump;

import dev.hyaline.engine.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.files.Printable;
import dev.hyaline.files.SafetensorsValues;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.FileException;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.internal.InputErrors;
import dev.hyaline.instrument.internal.RecordedTensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A dump of prompts read back: one safetensors file with a manifest beside it. */
public final class DumpReader {
    private static final String ALL = IndexSelection.all().toString();

    private final SafetensorsValues tensors;
    private final boolean batch;
    private final int[] positions;
    /** Row where each sequence begins. */
    private final int[] offsets;

    private DumpReader(Path folder, JsonNode activations, int sequences) {
        String format = activations.path("format").asString("");
        if (!format.equals(DumpFormat.SAFETENSORS.toString())) {
            throw bad(folder, "is a dump as " + format + "; values are taken from safetensors only");
        }
        tensors = SafetensorsValues.open(folder.resolve(DumpFormat.SAFETENSORS.fileName()), InputErrors.INSTANCE);
        batch = activations.path("layout").asString("").equals("batch");
        positions = tensors.integers(TensorPlan.POSITIONS);
        if (batch) {
            offsets = new int[sequences + 1];
            Arrays.setAll(offsets, s -> s * (positions.length / sequences));
        } else {
            offsets = tensors.integers(TensorPlan.OFFSETS);
        }
        if (offsets.length != sequences + 1 || offsets[sequences] != positions.length) {
            throw bad(folder, "holds rows that do not fit its " + sequences + " prompts");
        }
    }

    /**
     * Opens a folder that {@code hyaline dump} wrote, as one safetensors file or in shards. Values are read when they
     * are needed; the files of shards stay mapped until the program ends.
     *
     * @throws FileException if it cannot be read
     * @throws BadInputException if it is not such a dump
     */
    public static ActivationSource open(Path folder) {
        JsonNode manifest = manifest(folder);
        if (manifest.path("format").asString("").equals(ShardManifest.FORMAT)) {
            return new RecordedStore(ActivationStore.open(folder), Optional.of(folder));
        }
        JsonNode prompts = manifest.path("prompts");
        if (!manifest.path("format").asString("").equals(Manifest.FORMAT) || prompts.isEmpty()) {
            throw bad(folder, "is not a dump of prompts (" + Manifest.FORMAT + ")");
        }
        JsonNode capture = manifest.path("capture");
        String heads = capture.path("heads").asString(ALL);
        String neurons = capture.path("neurons").asString(ALL);
        if (!heads.equals(ALL) || !neurons.equals(ALL)) {
            throw new BadInputException(partial(folder.toString(), heads, neurons));
        }
        int[] lengths = new int[prompts.size()];
        Arrays.setAll(lengths, s -> prompts.path(s).path("tokens").size());
        DumpReader dump = new DumpReader(folder, manifest.path("activations"), lengths.length);
        return new RecordedTensors(
                lengths,
                manifest.path("model").path("config").path("n_layer").asInt(0),
                (point, sequence) -> dump.block(point, sequence, lengths[sequence]),
                Optional.of(folder));
    }

    /** What is said of a dump that leaves out parts of its hook points. */
    static String partial(String dump, String heads, String neurons) {
        String kept = Stream.of("heads " + heads, "neurons " + neurons)
                .filter(axis -> !axis.endsWith(" " + ALL))
                .collect(Collectors.joining(" and "));
        return dump + " holds only " + kept
                + ", but interventions take values from whole hook points; dump all heads and neurons";
    }

    private static JsonNode manifest(Path folder) {
        Path file = folder.resolve(DumpFolder.MANIFEST);
        try {
            return JsonMapper.shared().readTree(Files.readString(file));
        } catch (IOException e) {
            throw FileException.reading(file, e);
        } catch (JacksonException e) {
            throw bad(file, "is not valid JSON: " + Printable.parserMessage(e.getMessage()));
        }
    }

    private Optional<ActivationSource.Block> block(HookPoint point, int sequence, int length) {
        boolean map = point.site().isMap();
        String name = map && !batch ? point.name() + "." + sequence : point.name();
        if (!tensors.has(name)) {
            return Optional.empty();
        }
        int[] rows = Arrays.copyOfRange(positions, offsets[sequence], offsets[sequence + 1]);
        List<Long> shape = tensors.shape(name);
        long elements = shape.stream().reduce(1L, Math::multiplyExact);
        if (map) {
            long count = batch ? elements / shape.getFirst() : elements;
            if (count % Math.max(1, (long) rows.length * length) != 0) {
                throw new BadInputException("the recorded " + name + " does not fit its positions");
            }
            return Optional.of(
                    new ActivationSource.Block(rows, tensors.floats(name, batch ? sequence * count : 0, count)));
        }
        long width = elements / positions.length;
        return Optional.of(
                new ActivationSource.Block(rows, tensors.floats(name, offsets[sequence] * width, rows.length * width)));
    }

    private static BadInputException bad(Path file, String what) {
        return new BadInputException(file + " " + what);
    }
}
