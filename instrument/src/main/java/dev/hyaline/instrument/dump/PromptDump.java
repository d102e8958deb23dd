package dev.hyaline.instrument.dump;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.engine.error.UnknownHookPointException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.tensor.Tensor;
import dev.hyaline.files.ConfigKeys;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import dev.hyaline.files.Printable;
import dev.hyaline.files.TensorValues;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.HookPoints;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.NamedTensors;
import dev.hyaline.instrument.internal.RecordedTensors;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A dump of prompts read back whole: its points, its prompts and every value, one safetensors file or npz with a
 * manifest beside it. Values are read when they are asked for. Immutable and thread-safe.
 *
 * <p>For example: {@snippet file="dev/hyaline/instrument/dump/PromptDumpTest.java" region="open"}
 */
public final class PromptDump implements NamedTensors {
    private static final String ALL = IndexSelection.all().toString();

    /** What the manifest says of a prompt. */
    private record Prompt(String name, int[] tokens, List<String> texts) {
        static Prompt of(Json prompt) {
            int[] tokens = prompt.require("tokens").elements().stream()
                    .mapToInt(token -> token.integer(0, Integer.MAX_VALUE))
                    .toArray();
            List<String> texts = prompt.get("text")
                    .map(list -> list.elements().stream().map(Json::string).toList())
                    .orElse(List.of());
            return new Prompt(prompt.get("source").map(Json::string).orElse(""), tokens, texts);
        }
    }

    private final Path folder;
    private final Json manifest;
    private final List<Prompt> prompts;
    private final List<HookPoint> points;
    private final TensorValues tensors;
    private final boolean batch;
    /** Of every row; ascending in each sequence. */
    private final int[] positions;
    /** Row where each sequence begins. */
    private final int[] offsets;

    private PromptDump(Path folder, Json manifest) {
        this.folder = folder;
        this.manifest = manifest;
        prompts =
                manifest.require("prompts").elements().stream().map(Prompt::of).toList();
        if (prompts.isEmpty()) {
            throw DumpReader.notOfPrompts(folder);
        }
        points = manifest.require("capture").require("points").elements().stream()
                .map(PromptDump::point)
                .toList();
        Json activations = manifest.require("activations");
        String format = activations.require("format").string();
        if (format.equals(DumpFormat.SAFETENSORS.toString())) {
            tensors = TensorValues.open(folder.resolve(DumpFormat.SAFETENSORS.fileName()), InputErrors.INSTANCE);
        } else if (format.equals(DumpFormat.NPZ.toString())) {
            tensors = TensorValues.openNpz(folder.resolve(DumpFormat.NPZ.fileName()), InputErrors.INSTANCE);
        } else {
            throw bad("is a dump as " + Printable.plain(format) + "; values are taken from safetensors and npz");
        }
        batch = activations.require("layout").string().equals("batch");
        positions = tensors.integers(TensorPlan.POSITIONS);
        if (batch) {
            offsets = new int[prompts.size() + 1];
            Arrays.setAll(offsets, s -> s * (positions.length / prompts.size()));
        } else {
            offsets = tensors.integers(TensorPlan.OFFSETS);
        }
        if (!rowsFit()) {
            throw bad("holds rows that do not fit its " + prompts.size() + " prompts");
        }
    }

    /**
     * Opens a folder that {@code hyaline dump} wrote.
     *
     * @throws FileException if it cannot be read
     * @throws BadInputException if it is not such a dump
     */
    public static PromptDump open(Path folder) {
        Json manifest = DumpReader.manifest(folder);
        if (!DumpReader.format(manifest).equals(Manifest.FORMAT)) {
            throw DumpReader.notOfPrompts(folder);
        }
        return new PromptDump(folder, manifest);
    }

    static PromptDump of(Path folder, Json manifest) {
        return new PromptDump(folder, manifest);
    }

    private static HookPoint point(Json name) {
        try {
            return HookPoints.point(name.string());
        } catch (UnknownHookPointException e) {
            throw name.expected("the name of a hook point");
        }
    }

    /** Whether every sequence has rows of its own, at ascending positions that it has. */
    private boolean rowsFit() {
        int sequences = prompts.size();
        if (offsets.length != sequences + 1 || offsets[0] != 0 || offsets[sequences] != positions.length) {
            return false;
        }
        for (int s = 0; s < sequences; s++) {
            if (offsets[s] > offsets[s + 1] || offsets[s + 1] > positions.length) {
                return false;
            }
            for (int row = offsets[s]; row < offsets[s + 1]; row++) {
                boolean ascends = row == offsets[s] || positions[row - 1] < positions[row];
                if (!ascends || positions[row] >= length(s)) {
                    return false;
                }
            }
        }
        return true;
    }

    @Override
    public List<HookPoint> points() {
        return points;
    }

    @Override
    public int sequences() {
        return prompts.size();
    }

    /** Tokens in a sequence. */
    public int length(int sequence) {
        return prompt(sequence).tokens.length;
    }

    /** What a sequence is called, such as the file and line it comes from. */
    public String name(int sequence) {
        return prompt(sequence).name;
    }

    /** The token ids of a sequence. */
    public int[] tokens(int sequence) {
        return prompt(sequence).tokens.clone();
    }

    /** The text of each token of a sequence; each empty if the model had no tokenizer. */
    public List<String> texts(int sequence) {
        return prompt(sequence).texts;
    }

    /** The positions of a sequence that were written, ascending. */
    public int[] positions(int sequence) {
        prompt(sequence);
        return Arrays.copyOfRange(positions, offsets[sequence], offsets[sequence + 1]);
    }

    /** The scalar whose gradients are held in place of values; empty if values are. */
    public Optional<String> gradientOf() {
        return manifest.get(Manifest.GRADIENT_OF).map(Json::string);
    }

    private Prompt prompt(int sequence) {
        return prompts.get(BadInputException.requireIndex("sequence", sequence, prompts.size()));
    }

    /**
     * The values of a point in one sequence, read from the file and widened to single precision.
     *
     * @throws FileException if it cannot be read
     * @throws BadInputException if the point was not written
     */
    @Override
    public Tensor get(HookPoint point, int sequence) {
        prompt(sequence);
        float[] values = block(point, sequence)
                .orElseThrow(() -> new BadInputException(folder + " holds no " + point + "; it holds "
                        + Printable.listed(points.stream().map(HookPoint::name).toList())))
                .values();
        List<Long> stored = tensors.shape(tensor(point, sequence));
        boolean alone = point.site().isMap() && !batch;
        List<Integer> shape = Stream.concat(
                        alone || batch ? Stream.empty() : Stream.of(positions(sequence).length),
                        stored.stream().skip(alone ? 0 : 1).map(Math::toIntExact))
                .toList();
        return Tensor.view(tensor(point, sequence), point.site().shape().axes(), shape, values);
    }

    /**
     * The dump as interventions read it.
     *
     * @throws BadInputException if it holds gradients, or only some heads or neurons of its points
     */
    public ActivationSource source() {
        requireValues(folder, manifest);
        return new RecordedTensors(
                prompts.stream().mapToInt(prompt -> prompt.tokens.length).toArray(),
                manifest.require("model")
                        .require("config")
                        .require(ConfigKeys.LAYERS)
                        .integer(1, Integer.MAX_VALUE),
                this::block,
                folder);
    }

    /** Checks that a dump holds the values of whole points. */
    static void requireValues(Path folder, Json manifest) {
        Optional<Json> gradient = manifest.get(Manifest.GRADIENT_OF);
        if (gradient.isPresent()) {
            throw new BadInputException(
                    folder + " holds gradients of " + gradient.get().string() + ", not values to take");
        }
        String heads = selection(manifest, "heads");
        String neurons = selection(manifest, "neurons");
        if (!heads.equals(ALL) || !neurons.equals(ALL)) {
            throw new BadInputException(partial(folder.toString(), heads, neurons));
        }
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

    private String tensor(HookPoint point, int sequence) {
        String name = gradientOf().isPresent() ? TensorPlan.GRADIENT + point.name() : point.name();
        return point.site().isMap() && !batch ? name + "." + sequence : name;
    }

    private Optional<ActivationSource.Block> block(HookPoint point, int sequence) {
        boolean map = point.site().isMap();
        String name = tensor(point, sequence);
        if (!tensors.has(name)) {
            return Optional.empty();
        }
        int[] rows = positions(sequence);
        long elements = tensors.elements(name);
        // Maps have a row of as many values for every head; all else is divided among the rows of the whole dump.
        long parts = map ? (batch ? offsets.length - 1L : 1) : positions.length;
        long perRow = map ? (long) rows.length * length(sequence) : 1;
        if (parts == 0 || perRow == 0 || elements % parts != 0 || elements / parts % perRow != 0) {
            throw bad("holds " + elements + " values of " + name + ", which do not fit its positions");
        }
        long each = elements / parts;
        float[] values = map
                ? tensors.floats(name, batch ? sequence * each : 0, each)
                : tensors.floats(name, offsets[sequence] * each, rows.length * each);
        return Optional.of(new ActivationSource.Block(rows, values));
    }

    private BadInputException bad(String what) {
        return new BadInputException(folder + " " + what);
    }

    /** The names of its points. */
    @Override
    public String toString() {
        return folder + ": " + points.size() + " hook points of " + sequences()
                + (sequences() == 1 ? " sequence: " : " sequences: ")
                + Printable.listed(points.stream().map(HookPoint::name).toList());
    }
}
