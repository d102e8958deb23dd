package dev.hyaline.weights.internal;

import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.TensorSource;
import dev.hyaline.engine.TensorSpec;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.files.MappedMemory;
import dev.hyaline.files.Printable;
import dev.hyaline.weights.StorageDtype;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The tensors of a GPT-2 in its files: all that the configuration requires, in the right shapes, and nothing else. They
 * are read directly from the files, by any number of threads.
 */
public final class CheckpointTensors implements TensorSource {
    /** The causal mask, and the value of masked scores: constants in old files. */
    private static final Pattern MASK_BUFFER = Pattern.compile("h\\.(0|[1-9]\\d{0,8})\\.attn\\.(bias|masked_bias)");

    private final String label;
    private final Map<String, Parameter> tensors;
    /** Heads for values, rewards or classes, which models derived from GPT-2 have beside the language model. */
    private static final Pattern OTHER_HEAD = Pattern.compile(
            "(?!lm_head\\.)(\\w*head|score|classifier|qa_outputs|multiple_choice_head|summary)\\..+", Pattern.DOTALL);

    private final List<String> leftOut;
    private final MemorySegment.Scope scope;

    private CheckpointTensors(
            String label, Map<String, Parameter> tensors, List<String> leftOut, MemorySegment.Scope scope) {
        this.label = label;
        this.tensors = tensors;
        this.leftOut = List.copyOf(leftOut);
        this.scope = scope;
    }

    /**
     * Checks that the files hold the model that the configuration describes, without reading parameters other than a
     * tied unembedding.
     *
     * @param scope of the arena that the files were opened in: once it is closed, nothing is read, even from memory
     */
    public static CheckpointTensors of(Gpt2Config config, ModelTensors files, MemorySegment.Scope scope) {
        Map<String, Parameter> found = new LinkedHashMap<>(files.tensors());
        checkLayers(config, files);
        if (config.tieWordEmbeddings() && !found.containsKey(ModelTensors.EMBEDDING)) {
            // Of two names of one matrix, safetensors keeps the first in the alphabet.
            Parameter unembedding = found.remove(ModelTensors.UNEMBEDDING);
            if (unembedding != null) {
                found.put(ModelTensors.EMBEDDING, unembedding);
            }
        }

        Map<String, Parameter> wanted = new HashMap<>();
        for (TensorSpec spec : Gpt2Weights.tensors(config)) {
            wanted.put(spec.name(), take(found, spec, files));
        }
        if (files.unembeddingBias() != null) {
            TensorSpec spec = new TensorSpec(Gpt2Weights.UNEMBEDDING_BIAS, List.of(config.dVocab()));
            wanted.put(spec.name(), checked(files.unembeddingBias(), spec));
        }
        checkSize(files, wanted);
        if (config.tieWordEmbeddings() && found.containsKey(ModelTensors.UNEMBEDDING)) {
            checkSameBits(
                    Objects.requireNonNull(found.remove(ModelTensors.UNEMBEDDING)),
                    Objects.requireNonNull(wanted.get(ModelTensors.EMBEDDING)));
        }
        List<String> leftOut = new ArrayList<>();
        found.forEach((name, rest) -> {
            if (OTHER_HEAD.matcher(name).matches()) {
                leftOut.add(rest.name());
            } else if (!isMaskBuffer(name, rest, config)) {
                throw rest.bad("no tensor of that name in a GPT-2 of " + config.nLayers() + " layers", rest.shown());
            }
        });
        return new CheckpointTensors(files.label(), Map.copyOf(wanted), leftOut, scope);
    }

    /** The names of tensors that are not part of a GPT-2 and not read: the heads of other tasks. */
    public List<String> leftOut() {
        return leftOut;
    }

    /** The types of the stored parameters. */
    public Set<StorageDtype> dtypes() {
        Set<StorageDtype> dtypes = EnumSet.noneOf(StorageDtype.class);
        tensors.values().forEach(tensor -> dtypes.addAll(tensor.storage()));
        return Collections.unmodifiableSet(dtypes);
    }

    /** The types of one stored tensor; none if the file omits it. */
    public Set<StorageDtype> dtypes(TensorSpec tensor) {
        return stored(tensor).storage();
    }

    @Override
    public String name() {
        return label;
    }

    @Override
    public void read(TensorSpec tensor, int firstRow, int rows, float[] out, int offset) {
        Parameter located = stored(tensor);
        requireOpen();
        try {
            located.read(firstRow, rows, out, offset, tensor.columns());
            MappedMemory.requireWhole();
        } catch (InternalError e) {
            throw MappedFile.cutShort(located.file(), e);
        }
    }

    private Parameter stored(TensorSpec tensor) {
        Parameter stored = tensors.get(tensor.name());
        if (stored == null) {
            throw BadCheckpointException.tensor(label, tensor.name(), "one of the model's tensors", "no such tensor");
        }
        return stored;
    }

    @Override
    public boolean isBfloat16(TensorSpec tensor) {
        return stored(tensor).storage().equals(Set.of(StorageDtype.BF16));
    }

    @Override
    public boolean hasUnembeddingBias() {
        return tensors.containsKey(Gpt2Weights.UNEMBEDDING_BIAS);
    }

    /**
     * Refuses to go on once the checkpoint is closed.
     *
     * @throws IllegalStateException if it is
     */
    public void requireOpen() {
        if (!scope.isAlive()) {
            throw new IllegalStateException(
                    label + ": the checkpoint is closed, and its parameters can be read only while it is open");
        }
    }

    /** Restates the engine's exception about one of these tensors with its name and file on disk. */
    public BadCheckpointException asStored(BadCheckpointException e) {
        return e.tensor()
                .map(tensors::get)
                .map(located -> located.bad(e.expected(), e.found()))
                .orElse(e);
    }

    /** Releases the memory of mapped pages, which are read from disk again when they are needed. */
    public void unload() {
        tensors.values().forEach(Parameter::unload);
    }

    /**
     * Finds the first layer without tensors before a list is made of all the layers that an untrusted configuration
     * claims.
     */
    private static void checkLayers(Gpt2Config config, ModelTensors files) {
        int layers = files.layers();
        if (layers < config.nLayers()) {
            throw BadCheckpointException.tensor(
                    files.label(),
                    files.spelling().apply("h." + layers + ".ln_1.weight"),
                    "[" + config.dModel() + "], as n_layer is " + config.nLayers(),
                    "no such tensor");
        }
    }

    private static Parameter take(Map<String, Parameter> found, TensorSpec spec, ModelTensors files) {
        Parameter located = found.remove(spec.name());
        if (located == null) {
            boolean unembedding = spec.name().equals(ModelTensors.UNEMBEDDING);
            throw BadCheckpointException.tensor(
                    files.label(),
                    files.spelling().apply(spec.name()),
                    spec.shape() + (unembedding ? ", as tie_word_embeddings is false" : ""),
                    "no such tensor");
        }
        return checked(located, spec);
    }

    private static Parameter checked(Parameter located, TensorSpec spec) {
        List<Long> shape = spec.shape().stream().map(Integer::longValue).toList();
        if (!located.shape().equals(shape)) {
            boolean transposed = located.shape().equals(shape.reversed());
            throw located.bad(
                    shape.toString(),
                    Printable.plain(located.shape().toString())
                            + (transposed ? ", its transpose: stored as a Linear, not as a Conv1D" : ""));
        }
        if (located instanceof TensorView view && view.storage().isEmpty()) {
            throw located.bad("F32, F16 or BF16", view.dtype().toString());
        }
        return located;
    }

    /**
     * Refuses files that inflate themselves by naming the same bytes for many tensors; an unembedding may be the
     * embedding.
     */
    private static void checkSize(ModelTensors files, Map<String, Parameter> wanted) {
        long bytes = wanted.values().stream().mapToLong(Parameter::storedBytes).sum();
        if (bytes > 2 * files.bytes()) {
            throw BadCheckpointException.file(
                    files.label(), "tensors of " + files.bytes() + " bytes, as the files have", bytes + " bytes");
        }
    }

    private static void checkSameBits(Parameter unembedding, Parameter embedding) {
        String expected = "the same bits as " + Printable.plain(embedding.name()) + ", as tie_word_embeddings is true";
        if (!unembedding.shown().equals(embedding.shown())) {
            throw unembedding.bad(expected, unembedding.shown() + " instead of " + embedding.shown());
        }
        long differs = ModelTensors.firstDifference(unembedding, embedding);
        if (differs >= 0) {
            long columns = unembedding.shape().getLast();
            throw unembedding.bad(expected, "a difference at [" + differs / columns + ", " + differs % columns + "]");
        }
    }

    private static boolean isMaskBuffer(String name, Parameter tensor, Gpt2Config config) {
        Matcher buffer = MASK_BUFFER.matcher(name);
        if (!buffer.matches() || Integer.parseInt(buffer.group(1)) >= config.nLayers()) {
            return false;
        }
        List<Long> shape = tensor.shape();
        return buffer.group(2).equals("masked_bias")
                ? shape.isEmpty()
                : shape.size() == 4
                        && shape.get(0) == 1
                        && shape.get(1) == 1
                        && shape.get(2).equals(shape.get(3));
    }
}
